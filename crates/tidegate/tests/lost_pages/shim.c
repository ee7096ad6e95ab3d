/*
 * Sees every change that a process makes below one directory, and writes it down.
 *
 * Preloaded into the server and into everything that it starts. Each change is carried out as asked,
 * then appended to a log outside of the directory: what was written where, which name was made,
 * moved or removed. A sync reaches no disk here: it is one more record, and from the records the test
 * works out what a loss of power would have left (disk.rs, loss.rs).
 *
 * The same page of shared memory that holds the end of the log also tells which faults to play:
 * syncs that do nothing, a sync that fails, a disk that is full, short writes, and the operation
 * before which the power fails (rig.rs writes it).
 *
 * One lock is held around an operation and its record, by a thread and by a process, so the order of
 * the log is the order in which things happened. A process may be killed at any instant: the lock is
 * then free, and a record that is not whole lies beyond the end and is overwritten.
 *
 * What changes files without passing here would make the test worthless, so it is either refused
 * aloud (shared writable mappings) or declined so that the caller falls back to `write`
 * (copy_file_range, sendfile, splice). What passes by all the same is noticed: the test replays the
 * whole log and compares it with the directory.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8 && sizeof(long) == 8, "a 64-bit system is needed");

extern char **environ;

/* ---- what is shared with the other processes and with the test ------------------------------ */

/* The test knows these fields by their offset (rig.rs). */
struct control {
    uint64_t end;         /* so many bytes of the log count */
    uint64_t busy;        /* an operation has begun whose record is not there yet */
    uint64_t torn;        /* a process was killed while it was busy */
    uint64_t off;         /* the power is off: nothing happens any more */
    uint64_t cut_armed;   /* the power will fail ... */
    uint64_t cut_after;   /* ... so many operations on files of `cut_path` from now ... */
    uint64_t cut_extra;   /* ... and then so many of any kind */
    uint64_t fail_sync;   /* the n-th sync of `fail_path` from now fails; 0: none */
    uint64_t room;        /* bytes by which files may still grow; UINT64_MAX: no limit */
    uint64_t short_every; /* every n-th write is cut short; 0: none */
    uint64_t writes;      /* counted for the line above */
    uint64_t swallowed;   /* syncs that were told to do nothing */
    char cut_path[128];   /* these match a path that contains them; empty matches all, */
    char fail_path[128];  /* except for `swallow`, where it matches none */
    char swallow[128];
    char watched[PATH_MAX];
};

enum kind { WRITE = 1, RESIZE, MAKE, LINK, REMOVE, MOVE, MODE, SYNC, SYNC_FAILED, SYNC_ALL };

/* Followed by `first` and `second` bytes: data or names. */
struct record {
    uint64_t size;   /* of all of it */
    uint64_t kind;
    uint64_t inode;  /* the file; of an operation on names, the directory */
    uint64_t target; /* what is named; of MOVE, the other directory */
    uint64_t number; /* WRITE: offset; RESIZE: length; MAKE, MODE: st_mode */
    uint64_t first, second;
};

static struct control *control; /* NULL: not told to do anything */
static int control_fd, log_fd;
static char preload_variable[PATH_MAX + 16], our_variable[PATH_MAX + 16];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void fatal(const char *what, const char *where)
{
    dprintf(STDERR_FILENO, "lost pages: %s: %s\n", what, where);
    abort();
}

/* Out of the way of programs that expect the lowest numbers for themselves. */
static int open_aside(const char *directory, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int low = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 200);
    if (high < 0)
        fatal("cannot open", path);
    close(low);
    return high;
}

__attribute__((constructor)) static void start(void)
{
    const char *directory = getenv("LOST_PAGES"), *preload = getenv("LD_PRELOAD");
    if (!directory || !preload)
        return;
    control_fd = open_aside(directory, "control");
    log_fd = open_aside(directory, "log");
    snprintf(our_variable, sizeof our_variable, "LOST_PAGES=%s", directory);
    snprintf(preload_variable, sizeof preload_variable, "LD_PRELOAD=%s", preload);
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, control_fd, 0);
    if (page == MAP_FAILED)
        fatal("cannot map", directory);
    control = page;
}

/* A part that ends with `$` must be the end of the path. */
static bool matches(const char *path, const char *part)
{
    size_t size = strlen(part), all = strlen(path);
    if (size == 0 || part[size - 1] != '$')
        return strstr(path, part) != NULL;
    return all >= size - 1 && strncmp(path + all - (size - 1), part, size - 1) == 0;
}

static void power_off(void)
{
    control->off = 1;
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Begins an operation on `path`; nobody else does anything until `leave`. */
static void enter(const char *path)
{
    pthread_mutex_lock(&mutex);
    while (flock(control_fd, LOCK_EX) != 0)
        if (errno != EINTR)
            fatal("cannot lock", path);
    if (control->off)
        power_off();
    if (control->cut_armed) {
        if (control->cut_after > 0) {
            if (matches(path, control->cut_path))
                control->cut_after--;
        } else if (control->cut_extra > 0) {
            control->cut_extra--;
        } else {
            power_off();
        }
    }
    if (control->busy)
        control->torn = 1;
    control->busy = 1;
}

static void leave(void)
{
    int kept = errno;
    control->busy = 0;
    flock(control_fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    errno = kept;
}

static void record(enum kind kind, uint64_t inode, uint64_t target, uint64_t number,
                   const void *first, size_t first_size, const void *second, size_t second_size)
{
    struct record head = {sizeof head + first_size + second_size, kind, inode, target, number,
                          first_size, second_size};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)first, first_size},
                            {(void *)second, second_size}};
    long written = syscall(SYS_pwritev, log_fd, parts, 3, control->end, 0);
    if (written != (long)head.size)
        fatal("cannot write the log", strerror(errno));
    /* Only now does it count. */
    __atomic_store_n(&control->end, control->end + head.size, __ATOMIC_RELEASE);
}

static void record_name(enum kind kind, uint64_t directory, const char *name, uint64_t target)
{
    record(kind, directory, target, 0, name, strlen(name), NULL, 0);
}

/* ---- which files and names are watched ------------------------------------------------------ */

/* SQLite's index of the log is mapped, and built anew by whoever opens the database first. */
static bool left_out(const char *path)
{
    return matches(path, "-shm");
}

/* Where a descriptor leads: this holds for inherited and duplicated ones, too. */
static bool leads_inside(int fd, char path[PATH_MAX])
{
    if (!control || fd < 0)
        return false;
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int kept = errno;
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    errno = kept;
    if (size <= 0)
        return false;
    path[size] = 0;
    size_t length = strlen(control->watched);
    return strncmp(path, control->watched, length) == 0 &&
           (path[length] == '/' || path[length] == 0) && !left_out(path);
}

/* A name in a directory that is watched. */
struct place {
    int dir;
    uint64_t inode; /* of the directory */
    char *name;
    char path[PATH_MAX];
    char text[PATH_MAX];
};

/* Opens the directory that a path's last name is in; false where that is not watched. */
static bool find(int from, const char *path, struct place *place)
{
    size_t size = path ? strlen(path) : 0;
    while (size > 1 && path[size - 1] == '/')
        size--;
    if (!control || size == 0 || size >= PATH_MAX)
        return false;
    memcpy(place->text, path, size);
    place->text[size] = 0;
    char *slash = strrchr(place->text, '/');
    const char *parent = !slash ? "." : slash == place->text ? "/" : place->text;
    place->name = slash ? slash + 1 : place->text;
    if (slash)
        *slash = 0;
    int kept = errno;
    place->dir = syscall(SYS_openat, from, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat stat;
    if (place->dir >= 0 && leads_inside(place->dir, place->path) && !left_out(place->name) &&
        fstat(place->dir, &stat) == 0) {
        strncat(place->path, "/", PATH_MAX - strlen(place->path) - 1);
        strncat(place->path, place->name, PATH_MAX - strlen(place->path) - 1);
        place->inode = stat.st_ino;
        errno = kept;
        return true;
    }
    if (place->dir >= 0)
        close(place->dir);
    errno = kept;
    return false;
}

static void forget(struct place *place)
{
    int kept = errno;
    close(place->dir);
    errno = kept;
}

static bool look(const struct place *place, struct stat *stat)
{
    return fstatat(place->dir, place->name, stat, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- a disk with limits --------------------------------------------------------------------- */

/* Room for so many bytes more; says so in `errno` where there is none. */
static bool take_room(uint64_t bytes)
{
    if (control->room == UINT64_MAX)
        return true;
    if (control->room < bytes) {
        errno = ENOSPC;
        return false;
    }
    control->room -= bytes;
    return true;
}

static void give_room(uint64_t bytes)
{
    if (control->room != UINT64_MAX)
        control->room += bytes;
}

/* The room of a file whose last name goes. */
static void give_room_of(const struct stat *stat)
{
    if (S_ISREG(stat->st_mode) && stat->st_nlink == 1)
        give_room(stat->st_size);
}

/* ---- contents ------------------------------------------------------------------------------- */

/* `offset` is -1 for the descriptor's own position. */
static ssize_t write_at(int fd, const void *data, size_t size, off_t offset)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return offset < 0 ? syscall(SYS_write, fd, data, size)
                          : syscall(SYS_pwrite64, fd, data, size, offset);
    enter(path);
    struct stat before;
    int flags = fcntl(fd, F_GETFL);
    if (fstat(fd, &before) != 0 || flags < 0)
        fatal("cannot look at", path);
    off_t start = flags & O_APPEND ? before.st_size : offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset;
    if (control->short_every && size > 1 && ++control->writes % control->short_every == 0)
        size /= 2;
    off_t end = start + (off_t)size;
    ssize_t done = -1;
    if (take_room(end > before.st_size ? end - before.st_size : 0))
        done = offset < 0 ? syscall(SYS_write, fd, data, size)
                          : syscall(SYS_pwrite64, fd, data, size, offset);
    if (done > 0) {
        record(WRITE, before.st_ino, 0, start, data, done, NULL, 0);
        /* O_SYNC holds this bit, too. Kinder than the kernel, which syncs this one write only. */
        if (flags & O_DSYNC)
            record(SYNC, before.st_ino, 0, 0, NULL, 0, NULL, 0);
    }
    leave();
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return write_at(fd, data, size, -1); }

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return write_at(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return write_at(fd, data, size, at);
}

/* A gathered write may be short, so the first part that holds anything is enough. */
static ssize_t write_first(int fd, const struct iovec *parts, int count, off_t offset)
{
    while (count > 1 && parts->iov_len == 0)
        parts++, count--;
    return count < 1 ? 0 : write_at(fd, parts->iov_base, parts->iov_len, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    char path[PATH_MAX];
    return leads_inside(fd, path) ? write_first(fd, parts, count, -1)
                                  : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    char path[PATH_MAX];
    return leads_inside(fd, path) ? write_first(fd, parts, count, at)
                                  : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    return pwritev(fd, parts, count, at);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return syscall(SYS_pwritev2, fd, parts, count, at, 0, flags);
    if (flags)
        fatal("pwritev2 with flags", path);
    return write_first(fd, parts, count, at);
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags)
{
    return pwritev2(fd, parts, count, at, flags);
}

int ftruncate(int fd, off_t length)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return syscall(SYS_ftruncate, fd, length);
    enter(path);
    struct stat before;
    int result = fstat(fd, &before);
    /* A longer file has a hole at its end, which takes no room. */
    if (result == 0)
        result = syscall(SYS_ftruncate, fd, length);
    if (result == 0) {
        if (length < before.st_size)
            give_room(before.st_size - length);
        record(RESIZE, before.st_ino, 0, length, NULL, 0, NULL, 0);
    }
    leave();
    return result;
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length)
{
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = ftruncate(fd, length), kept = errno;
    close(fd);
    errno = kept;
    return result;
}

int truncate64(const char *path, off64_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return syscall(SYS_fallocate, fd, mode, offset, length);
    if (mode)
        fatal("fallocate with a mode", path);
    enter(path);
    struct stat before;
    int result = fstat(fd, &before);
    off_t end = offset + length;
    if (result == 0 && !take_room(end > before.st_size ? end - before.st_size : 0))
        result = -1;
    if (result == 0)
        result = syscall(SYS_fallocate, fd, mode, offset, length);
    if (result == 0 && end > before.st_size)
        record(RESIZE, before.st_ino, 0, end, NULL, 0, NULL, 0);
    leave();
    return result;
}

int fallocate64(int fd, int mode, off64_t at, off64_t length) { return fallocate(fd, mode, at, length); }

int posix_fallocate(int fd, off_t offset, off_t length)
{
    return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off64_t at, off64_t length) { return posix_fallocate(fd, at, length); }

/* ---- syncs ---------------------------------------------------------------------------------- */

static int sync_one(int fd, long number)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return syscall(number, fd);
    enter(path);
    struct stat stat;
    int result = fstat(fd, &stat);
    if (result == 0 && control->fail_sync && matches(path, control->fail_path) &&
        --control->fail_sync == 0) {
        /* The kernel now takes the pages for clean: a later sync does not write them. */
        record(SYNC_FAILED, stat.st_ino, 0, 0, NULL, 0, NULL, 0);
        errno = EIO;
        result = -1;
    } else if (result == 0 && control->swallow[0] && matches(path, control->swallow)) {
        control->swallowed++;
    } else if (result == 0) {
        record(SYNC, stat.st_ino, 0, 0, NULL, 0, NULL, 0);
    }
    leave();
    return result;
}

int fsync(int fd) { return sync_one(fd, SYS_fsync); }

int fdatasync(int fd) { return sync_one(fd, SYS_fdatasync); }

static void sync_everything(void)
{
    if (!control)
        return;
    enter("");
    record(SYNC_ALL, 0, 0, 0, NULL, 0, NULL, 0);
    leave();
}

int syncfs(int fd)
{
    char path[PATH_MAX];
    if (!leads_inside(fd, path))
        return syscall(SYS_syncfs, fd);
    sync_everything();
    return 0;
}

void sync(void) { sync_everything(); }

/* ---- names ---------------------------------------------------------------------------------- */

/* The one bit of O_TMPFILE that says it. */
#define NAMELESS (O_TMPFILE & ~O_DIRECTORY)

static int open_at(int from, const char *path, int flags, mode_t mode)
{
    struct place place;
    if (!(flags & (O_CREAT | O_TRUNC | NAMELESS)) || !find(from, path, &place))
        return syscall(SYS_openat, from, path, flags, mode);
    if (flags & NAMELESS) {
        /* A file without a name: whoever asks for one can do without. */
        forget(&place);
        errno = EOPNOTSUPP;
        return -1;
    }
    enter(place.path);
    struct stat before, made;
    bool existed = look(&place, &before);
    int fd = -1;
    if (existed || !(flags & O_CREAT) || take_room(1))
        fd = syscall(SYS_openat, place.dir, place.name, flags, mode);
    if (fd >= 0 && existed && flags & O_TRUNC && S_ISREG(before.st_mode)) {
        give_room(before.st_size);
        record(RESIZE, before.st_ino, 0, 0, NULL, 0, NULL, 0);
    } else if (fd >= 0 && !existed && fstat(fd, &made) == 0) {
        record(MAKE, place.inode, made.st_ino, made.st_mode, place.name, strlen(place.name), NULL, 0);
    }
    leave();
    forget(&place);
    return fd;
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | NAMELESS)) { \
        va_list list; \
        va_start(list, flags); \
        mode = va_arg(list, mode_t); \
        va_end(list); \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int from, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_at(from, path, flags, mode);
}

int openat64(int from, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_at(from, path, flags, mode);
}

/* What calls become in code that is compiled with checks of its arguments. */
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __openat_2(int from, const char *path, int flags) { return open_at(from, path, flags, 0); }
int __openat64_2(int from, const char *path, int flags) { return open_at(from, path, flags, 0); }

int creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int mkdirat(int from, const char *path, mode_t mode)
{
    struct place place;
    if (!find(from, path, &place))
        return syscall(SYS_mkdirat, from, path, mode);
    enter(place.path);
    struct stat made;
    int result = -1;
    if (look(&place, &made))
        errno = EEXIST;
    else if (take_room(1))
        result = syscall(SYS_mkdirat, place.dir, place.name, mode);
    if (result == 0 && look(&place, &made))
        record(MAKE, place.inode, made.st_ino, made.st_mode, place.name, strlen(place.name), NULL, 0);
    leave();
    forget(&place);
    return result;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* The library's own makes the directory without passing here. */
char *mkdtemp(char *template)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(template);
    if (length < 6 || strcmp(template + length - 6, "XXXXXX") != 0) {
        errno = EINVAL;
        return NULL;
    }
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned char chance[6];
        if (syscall(SYS_getrandom, chance, sizeof chance, 0) != sizeof chance)
            return NULL;
        for (size_t i = 0; i < sizeof chance; i++)
            template[length - 6 + i] = letters[chance[i] % (sizeof letters - 1)];
        if (mkdir(template, 0700) == 0)
            return template;
        if (errno != EEXIST)
            return NULL;
    }
    return NULL;
}

int symlinkat(const char *content, int from, const char *path)
{
    struct place place;
    if (!find(from, path, &place))
        return syscall(SYS_symlinkat, content, from, path);
    enter(place.path);
    struct stat made;
    int result = take_room(1) ? syscall(SYS_symlinkat, content, place.dir, place.name) : -1;
    if (result == 0 && look(&place, &made))
        record(MAKE, place.inode, made.st_ino, made.st_mode, place.name, strlen(place.name),
               content, strlen(content));
    leave();
    forget(&place);
    return result;
}

int symlink(const char *content, const char *path) { return symlinkat(content, AT_FDCWD, path); }

int linkat(int old_from, const char *old, int from, const char *path, int flags)
{
    struct place place;
    if (!find(from, path, &place))
        return syscall(SYS_linkat, old_from, old, from, path, flags);
    enter(place.path);
    struct stat made;
    int result = syscall(SYS_linkat, old_from, old, place.dir, place.name, flags);
    if (result == 0 && look(&place, &made))
        record_name(LINK, place.inode, place.name, made.st_ino);
    leave();
    forget(&place);
    return result;
}

int link(const char *old, const char *path) { return linkat(AT_FDCWD, old, AT_FDCWD, path, 0); }

int unlinkat(int from, const char *path, int flags)
{
    struct place place;
    if (!find(from, path, &place))
        return syscall(SYS_unlinkat, from, path, flags);
    enter(place.path);
    struct stat before;
    bool existed = look(&place, &before);
    int result = syscall(SYS_unlinkat, place.dir, place.name, flags);
    if (result == 0 && existed) {
        give_room_of(&before);
        record_name(REMOVE, place.inode, place.name, 0);
    }
    leave();
    forget(&place);
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int remove(const char *path)
{
    return unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0) ? 0 : -1;
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    struct place source, target;
    bool out = find(from, old, &source), in = find(to, new, &target);
    if (!out && !in)
        return syscall(SYS_renameat2, from, old, to, new, flags);
    if (!out || !in || flags & ~RENAME_NOREPLACE)
        fatal("a rename that cannot be followed", new);
    enter(target.path);
    struct stat before, replaced;
    bool existed = look(&source, &before), replaces = look(&target, &replaced);
    int result = syscall(SYS_renameat2, source.dir, source.name, target.dir, target.name, flags);
    /* Two names of one file: nothing happens. */
    bool same = existed && replaces && before.st_ino == replaced.st_ino;
    if (result == 0 && existed && !same) {
        if (replaces)
            give_room_of(&replaced);
        record(MOVE, source.inode, target.inode, 0, source.name, strlen(source.name), target.name,
               strlen(target.name));
    }
    leave();
    forget(&source);
    forget(&target);
    return result;
}

int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

/* Permissions count as synced at once: nothing that is tested here hangs on them. */
static int mode_changed(int fd, int result, const char *path)
{
    struct stat stat;
    enter(path);
    if (result == 0 && fstat(fd, &stat) == 0)
        record(MODE, stat.st_ino, 0, stat.st_mode, NULL, 0, NULL, 0);
    leave();
    return result;
}

int fchmod(int fd, mode_t mode)
{
    char path[PATH_MAX];
    int result = syscall(SYS_fchmod, fd, mode);
    return leads_inside(fd, path) ? mode_changed(fd, result, path) : result;
}

int fchmodat(int from, const char *name, mode_t mode, int flags)
{
    char path[PATH_MAX];
    int result = flags ? (errno = EOPNOTSUPP, -1) : syscall(SYS_fchmodat, from, name, mode);
    int kept = errno, fd = syscall(SYS_openat, from, name, O_PATH | O_CLOEXEC);
    errno = kept;
    if (leads_inside(fd, path))
        result = mode_changed(fd, result, path);
    kept = errno;
    if (fd >= 0)
        close(fd);
    errno = kept;
    return result;
}

int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }

/* ---- what would pass by --------------------------------------------------------------------- */

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    char path[PATH_MAX];
    if (leads_inside(out, path))
        return errno = ENOSYS, -1;
    return syscall(SYS_copy_file_range, in, from, out, to, size, flags);
}

ssize_t sendfile(int out, int in, off_t *from, size_t size)
{
    char path[PATH_MAX];
    if (leads_inside(out, path))
        return errno = EINVAL, -1;
    return syscall(SYS_sendfile, out, in, from, size);
}

ssize_t sendfile64(int out, int in, off64_t *from, size_t size) { return sendfile(out, in, from, size); }

ssize_t splice(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    char path[PATH_MAX];
    if (leads_inside(out, path))
        return errno = EINVAL, -1;
    return syscall(SYS_splice, in, from, out, to, size, flags);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    char path[PATH_MAX];
    if (protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE && leads_inside(fd, path))
        fatal("a shared writable mapping cannot be followed", path);
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
    return mmap(at, size, protection, flags, fd, offset);
}

/* ---- stdio ---------------------------------------------------------------------------------- */

/*
 * Streams write from inside of the C library, where nobody can look. One that writes to a watched
 * file is made anew with functions of ours; the number of its descriptor is remembered for `fileno`,
 * which knows nothing of such streams.
 */
static struct {
    FILE *stream;
    int fd;
} streams[64];

static ssize_t stream_read(void *cookie, char *data, size_t size)
{
    return read((int)(intptr_t)cookie, data, size);
}

static ssize_t stream_write(void *cookie, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t part = write_at((int)(intptr_t)cookie, data + done, size - done, -1);
        if (part < 0)
            break;
        done += part;
    }
    return done;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
    off_t place = lseek((int)(intptr_t)cookie, *offset, whence);
    if (place >= 0)
        *offset = place;
    return place < 0 ? -1 : 0;
}

static int stream_close(void *cookie)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (streams[i].stream && streams[i].fd == (int)(intptr_t)cookie)
            streams[i].stream = NULL;
    return close((int)(intptr_t)cookie);
}

static FILE *stream_of(int fd, const char *mode, const char *path)
{
    cookie_io_functions_t functions = {stream_read, stream_write, stream_seek, stream_close};
    FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);
    for (size_t i = 0; stream && i < sizeof streams / sizeof *streams; i++) {
        FILE *none = NULL;
        if (__atomic_compare_exchange_n(&streams[i].stream, &none, stream, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            streams[i].fd = fd;
            return stream;
        }
    }
    fatal("too many streams", path);
    return NULL;
}

int fileno(FILE *stream)
{
    static int (*next)(FILE *);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (stream && streams[i].stream == stream)
            return streams[i].fd;
    if (!next)
        next = (int (*)(FILE *))dlsym(RTLD_NEXT, "fileno");
    return next(stream);
}

FILE *fdopen(int fd, const char *mode)
{
    static FILE *(*next)(int, const char *);
    char path[PATH_MAX];
    if (strpbrk(mode, "wa+") && leads_inside(fd, path))
        return stream_of(fd, mode, path);
    if (!next)
        next = (FILE * (*)(int, const char *)) dlsym(RTLD_NEXT, "fdopen");
    return next(fd, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*next)(const char *, const char *);
    struct place place;
    if (strpbrk(mode, "wa+") && find(AT_FDCWD, path, &place)) {
        forget(&place);
        int how = strchr(mode, '+') ? O_RDWR : O_WRONLY;
        int first = *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : 0;
        int fd = open_at(AT_FDCWD, path, how | first, 0666);
        return fd < 0 ? NULL : stream_of(fd, mode, path);
    }
    if (!next)
        next = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    return next(path, mode);
}

FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

/* ---- children ------------------------------------------------------------------------------- */

/* The server clears the environment of what it starts; that must not shake us off. */
static size_t count(char *const *list)
{
    size_t size = 0;
    while (list && list[size])
        size++;
    return size;
}

static void with_us(char *const *given, char **extended)
{
    size_t size = 0;
    for (; given && *given; given++)
        if (strncmp(*given, "LD_PRELOAD=", 11) != 0 && strncmp(*given, "LOST_PAGES=", 11) != 0)
            extended[size++] = *given;
    if (control) {
        extended[size++] = preload_variable;
        extended[size++] = our_variable;
    }
    extended[size] = NULL;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    char *extended[count(envp) + 3];
    with_us(envp, extended);
    return syscall(SYS_execve, path, argv, extended);
}

int execv(const char *path, char *const argv[]) { return execve(path, argv, environ); }

int execvp(const char *file, char *const argv[])
{
    char *extended[count(environ) + 3];
    with_us(environ, extended);
    return execvpe(file, argv, extended);
}

typedef int spawner(pid_t *, const char *, const posix_spawn_file_actions_t *,
                    const posix_spawnattr_t *, char *const[], char *const[]);

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    char *extended[count(envp) + 3];
    with_us(envp, extended);
    spawner *next = (spawner *)dlsym(RTLD_NEXT, "posix_spawn");
    return next(pid, path, actions, attributes, argv, extended);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    char *extended[count(envp) + 3];
    with_us(envp, extended);
    spawner *next = (spawner *)dlsym(RTLD_NEXT, "posix_spawnp");
    return next(pid, file, actions, attributes, argv, extended);
}
