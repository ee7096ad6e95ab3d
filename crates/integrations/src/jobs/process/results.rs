//! Files that a program leaves below `/keptn/results`: they are kept with its record, so that a quality gate
//! can read numbers from them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::directory::{self, JobDir};

/// The directory below `/keptn` whose files are kept.
pub(super) const RESULTS: &str = "results";
/// Most files of one job that are kept.
const FILES_MAX: usize = 100;
/// Most bytes of one job that are kept, all files together.
const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How deep directories are looked into.
const DEPTH_MAX: usize = 8;

/// Keeps what a program has left, and says what of it is not kept. Links are not followed.
pub(super) fn keep(dir: &JobDir) -> io::Result<Vec<String>> {
    let mut kept = Kept { files: 0, bytes: 0, left_out: Vec::new() };
    let from = dir.keptn().join(RESULTS);
    if from.is_dir() {
        kept.directory(&from, &dir.results(), 0)?;
    }
    Ok(kept.left_out)
}

struct Kept {
    files: usize,
    bytes: u64,
    left_out: Vec<String>,
}

impl Kept {
    fn directory(&mut self, from: &Path, to: &Path, depth: usize) -> io::Result<()> {
        directory::private_dir(to)?;
        let mut entries: Vec<_> = fs::read_dir(from)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && depth < DEPTH_MAX {
                self.directory(&path, &target, depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, &target, &name, entry.metadata()?.len())?;
            } else {
                self.left_out.push(format!("{name}: it is no plain file"));
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path, name: &str, bytes: u64) -> io::Result<()> {
        if self.files >= FILES_MAX {
            self.left_out.push(format!("{name}: {FILES_MAX} files are kept"));
        } else if self.bytes + bytes > BYTES_MAX {
            self.left_out.push(format!("{name}: {BYTES_MAX} bytes are kept"));
        } else {
            fs::rename(from, to)?;
            // The gate goes by it after a crash as well.
            File::open(to)?.sync_all()?;
            self.files += 1;
            self.bytes += bytes;
        }
        Ok(())
    }
}

/// A file that the newest job of those has left there; none where no job has. The name is a relative path.
pub(super) fn read(jobs: &[JobDir], name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(name) = below(name) else { return Ok(None) };
    for job in jobs.iter().rev() {
        let path = job.results().join(&name);
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        // One more than is read: whoever asks sees that it is too large.
        file.take(max + 1).read_to_end(&mut bytes)?;
        return Ok(Some(bytes));
    }
    Ok(None)
}

/// The same path where it leads nowhere else.
fn below(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    path.components().all(is_plain).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn job(root: &Path, name: &str) -> JobDir {
        let dir = JobDir::at(&root.join(name));
        fs::create_dir_all(dir.keptn().join(RESULTS)).unwrap();
        dir
    }

    #[test]
    fn what_a_program_leaves_is_read_back_and_the_newest_counts() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (job(root.path(), "1"), job(root.path(), "2"));
        for (dir, text) in [(&first, "old"), (&second, "new")] {
            let results = dir.keptn().join(RESULTS);
            fs::create_dir(results.join("load")).unwrap();
            fs::write(results.join("load/k6.json"), text).unwrap();
            assert_eq!(keep(dir).unwrap(), [""; 0]);
        }
        fs::remove_dir_all(second.keptn()).unwrap();
        let jobs = [first, second];
        assert_eq!(read(&jobs, "load/k6.json", 99).unwrap().unwrap(), b"new");
        assert_eq!(read(&jobs[..1], "load/k6.json", 99).unwrap().unwrap(), b"old");
        assert_eq!(read(&jobs, "load/k6.json", 1).unwrap().unwrap(), b"ne", "one more is seen");
        for name in ["load", "load/other.json", "../spec.json", "/etc/passwd", "load/../../x"] {
            assert_eq!(read(&jobs, name, 99).unwrap(), None, "{name}");
        }
    }

    #[test]
    fn a_link_is_not_followed_and_said() {
        let root = tempfile::tempdir().unwrap();
        let dir = job(root.path(), "1");
        symlink("/etc/passwd", dir.keptn().join(RESULTS).join("a.json")).unwrap();
        assert_eq!(keep(&dir).unwrap(), ["a.json: it is no plain file"]);
        assert_eq!(read(&[dir], "a.json", 99).unwrap(), None);
    }

    #[test]
    fn too_much_is_left_out_and_said() {
        let root = tempfile::tempdir().unwrap();
        let dir = job(root.path(), "1");
        for n in 0..=FILES_MAX {
            fs::write(dir.keptn().join(RESULTS).join(format!("{n:03}")), "x").unwrap();
        }
        assert_eq!(keep(&dir).unwrap(), ["100: 100 files are kept"]);
        let big = job(root.path(), "2");
        let file = File::create(big.keptn().join(RESULTS).join("big")).unwrap();
        file.set_len(BYTES_MAX + 1).unwrap();
        assert_eq!(keep(&big).unwrap(), ["big: 33554432 bytes are kept"]);
    }

    #[test]
    fn a_job_without_results_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let dir = JobDir::at(root.path());
        assert_eq!(keep(&dir).unwrap(), [""; 0]);
        assert!(!dir.results().exists());
    }
}
