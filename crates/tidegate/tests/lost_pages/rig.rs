//! A directory that loses what was not synced, and the switches of the shim that watches it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::log;
use crate::loss::{Loss, Manner};
use crate::support::{Dice, until};

/// A switch in the page that the shim shares: its offset there (`struct control` in shim.c).
#[derive(Clone, Copy)]
enum Switch {
    End = 0,
    Busy = 8,
    Torn = 16,
    Off = 24,
    CutArmed = 32,
    CutAfter = 40,
    CutExtra = 48,
    FailSync = 56,
    Room = 64,
    ShortEvery = 72,
    Swallowed = 88,
}

/// Texts in the same page, and how many bytes each may have with the zero at its end.
const CUT_PATH: (u64, usize) = (96, 128);
const FAIL_PATH: (u64, usize) = (224, 128);
const SWALLOW: (u64, usize) = (352, 128);
const WATCHED: (u64, usize) = (480, 4096);
const PAGE_BYTES: u64 = 8192;

/// A disk of its own for one test: a directory, the shim's log of what happens there, and what was
/// there when the log began.
pub(crate) struct Rig {
    directory: TempDir,
    control: File,
    base: Disk,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("disk")).expect("a disk");
        fs::create_dir(directory.path().join("tape")).expect("a place for the log");
        let path = directory.path().join("tape/control");
        let control = File::options().read(true).write(true).create_new(true).open(path);
        let control = control.expect("a control page");
        control.set_len(PAGE_BYTES).expect("room for it");
        let mut rig = Self { directory, control, base: Disk::empty() };
        let watched = rig.disk().canonicalize().expect("it is there");
        rig.set_text(WATCHED, watched.as_os_str());
        rig.set(Switch::Room, u64::MAX);
        rig.begin();
        rig
    }

    /// The directory that is watched.
    pub(crate) fn disk(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// A file that no loss of power touches.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Lets the shim watch what a command does, and everything that it starts.
    pub(crate) fn watch<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_PRELOAD", shim()).env("LOST_PAGES", self.tape())
    }

    /// The power will fail when so many operations on files whose path contains `part`, and then so
    /// many others, have been done.
    pub(crate) fn cut_after(&self, part: &str, operations: u64, extra: u64) {
        self.set_text(CUT_PATH, OsStr::new(part));
        self.set(Switch::CutAfter, operations);
        self.set(Switch::CutExtra, extra);
        self.set(Switch::CutArmed, 1);
    }

    /// Whether the power has failed.
    pub(crate) fn is_off(&self) -> bool {
        self.get(Switch::Off) != 0
    }

    /// Syncs of files whose path contains `part` do nothing from now on, and say that all is well.
    pub(crate) fn swallow_syncs_of(&self, part: &str) {
        self.set_text(SWALLOW, OsStr::new(part));
    }

    /// How many syncs did nothing.
    pub(crate) fn swallowed(&self) -> u64 {
        self.get(Switch::Swallowed)
    }

    /// The `n`th sync from now of a file whose path contains `part` fails.
    pub(crate) fn fail_sync_of(&self, part: &str, n: u64) {
        self.set_text(FAIL_PATH, OsStr::new(part));
        self.set(Switch::FailSync, n);
    }

    /// Whether the sync that was to fail has failed.
    pub(crate) fn sync_failed(&self) -> bool {
        self.get(Switch::FailSync) == 0
    }

    /// So many bytes may still be added to the files; none means that there is no limit.
    pub(crate) fn set_room(&self, bytes: Option<u64>) {
        self.between_operations(|| self.set(Switch::Room, bytes.unwrap_or(u64::MAX)));
    }

    /// Every `n`th write writes half of what it was asked to.
    pub(crate) fn shorten_every(&self, n: u64) {
        self.set(Switch::ShortEvery, n);
    }

    /// The power fails now: no operation is half done, none happens any more, every process that was
    /// watched is dead.
    pub(crate) fn power_off(&self) {
        self.between_operations(|| self.set(Switch::Off, 1));
        until("every process to be dead", || {
            let alive = self.processes();
            for pid in &alive {
                // It may be gone already.
                let _ = kill_process(*pid, Signal::KILL);
            }
            alive.is_empty().then_some(())
        });
    }

    /// What a loss of power leaves is put in place of what is there. The power is off.
    ///
    /// # Panics
    /// A change has passed by the shim: then nothing is proven.
    pub(crate) fn lose(&mut self, manner: Manner, dice: &mut Dice) -> Loss {
        let unseen = self.unseen();
        assert!(unseen.is_empty(), "the shim did not see everything: {unseen:#?}");
        let disk = self.replay();
        let loss = Loss::of(&disk, manner, dice);
        loss.leave(&disk, &self.disk());
        self.begin();
        loss
    }

    /// Where the directory is not what it was when the log began, with every change of the log made
    /// to it.
    pub(crate) fn unseen(&self) -> Vec<String> {
        // One operation of a process that ended in the middle may be missing.
        if self.get(Switch::Torn) != 0 || self.get(Switch::Busy) != 0 {
            return Vec::new();
        }
        self.replay().compare(&self.disk())
    }

    fn replay(&self) -> Disk {
        let mut disk = self.base.clone();
        let tape = fs::read(self.tape().join("log")).expect("a log");
        let end = usize::try_from(self.recorded()).expect("a length");
        log::read(&tape[..end], |record| disk.apply(&record));
        disk
    }

    /// How many bytes the log has.
    pub(crate) fn recorded(&self) -> u64 {
        self.get(Switch::End)
    }

    /// Begins a new log on what is there now, all of it durable.
    pub(crate) fn begin(&mut self) {
        self.base = Disk::read(&self.disk());
        File::create(self.tape().join("log")).expect("a log");
        let at_rest = [Switch::End, Switch::Busy, Switch::Torn, Switch::Off];
        let no_fault = [Switch::CutArmed, Switch::FailSync, Switch::ShortEvery];
        for switch in at_rest.into_iter().chain(no_fault) {
            self.set(switch, 0);
        }
    }

    /// Leaves everything where it is, for whoever wants to look.
    pub(crate) fn keep(&mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    /// Does something while no process is in the middle of an operation.
    fn between_operations(&self, something: impl FnOnce()) {
        flock(&self.control, FlockOperation::LockExclusive).expect("a lock");
        something();
        flock(&self.control, FlockOperation::Unlock).expect("it is ours");
    }

    fn tape(&self) -> PathBuf {
        self.directory.path().join("tape")
    }

    /// Everything that was started under this rig's eyes and lives.
    fn processes(&self) -> Vec<Pid> {
        let mark = format!("LOST_PAGES={}\0", self.tape().display());
        let watched = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(mark.len()).any(|window| window == mark.as_bytes())
        };
        let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(watched).filter_map(Pid::from_raw).collect()
    }

    fn get(&self, switch: Switch) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, switch as u64).expect("a page");
        u64::from_ne_bytes(bytes)
    }

    fn set(&self, switch: Switch, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), switch as u64).expect("a page");
    }

    fn set_text(&self, (offset, size): (u64, usize), text: &OsStr) {
        let mut bytes = vec![0; size];
        assert!(text.len() < size, "{} is too long", text.display());
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        self.control.write_all_at(&bytes, offset).expect("a page");
    }
}

impl Drop for Rig {
    /// Leaves no process behind, also where a test fails.
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The shim, compiled once per run of the tests.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(directory).expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lost_pages/shim.c");
        let made = directory.join(format!("lost-pages-{}.so", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let status = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-U_FORTIFY_SOURCE", "-o"])
            .args([&made, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        let status = status.expect("a C compiler; set CC to its name");
        assert!(status.success(), "{} does not compile", source.display());
        // Another run of the tests may be loading it.
        let shim = directory.join("lost-pages.so");
        fs::rename(&made, &shim).expect("it was made");
        shim
    })
}
