//! What is kept about the stages, one set of files each:
//!
//! | file | holds |
//! |---|---|
//! | `<stage>.lock` | nothing; locked by the process that runs there, for as long as it lives |
//! | `<stage>.json` | the newest process that began to answer, also after its end |
//! | `<stage>.port` | the stage's port, chosen once |
//! | `<stage>.turn` | nothing; locked while somebody replaces what runs there |
//! | `<stage>.log` | what the newest process wrote |

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, fcntl_lock, flock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};
use serde::{Deserialize, Serialize};
use tidegate_core::names::StageName;

use super::nature::Nature;

/// The directory that holds the files of all stages.
#[derive(Debug, Clone)]
pub(crate) struct State {
    directory: PathBuf,
}

/// A process that answers, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The service.
    pub(crate) service: String,
    /// The stage.
    pub(crate) stage: StageName,
    /// The version.
    pub(crate) version: String,
    /// Its process.
    pub(crate) pid: u32,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// What it is like.
    #[serde(default)]
    pub(crate) nature: Nature,
}

impl State {
    /// Opens the directory, made where it is missing.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        let shown = directory.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot create {shown}"))?;
        let directory = directory.canonicalize().with_context(|| format!("cannot open {shown}"))?;
        Ok(Self { directory })
    }

    /// Where it is.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The stages in which something was started, by name.
    pub(crate) fn stages(&self) -> anyhow::Result<Vec<StageName>> {
        let mut stages = Vec::new();
        let shown = self.directory.display();
        let entries =
            std::fs::read_dir(&self.directory).with_context(|| format!("cannot read {shown}"))?;
        for entry in entries {
            let name = entry.with_context(|| format!("cannot read {shown}"))?.file_name();
            let stage = name.to_str().and_then(|name| name.strip_suffix(".lock"));
            stages.extend(stage.and_then(|stage| StageName::new(stage).ok()));
        }
        stages.sort_unstable();
        Ok(stages)
    }

    /// The files of a stage.
    pub(crate) fn slot(&self, stage: &StageName) -> Slot {
        Slot { directory: self.directory.clone(), stage: stage.clone() }
    }
}

/// The place where one process of a stage runs.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    directory: PathBuf,
    stage: StageName,
}

/// The right to be the process of a stage. Kept until the process ends.
#[derive(Debug)]
pub(super) struct Occupied(#[expect(dead_code, reason = "closing it gives the lock back")] File);

/// The right to replace the process of a stage.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Slot {
    pub(super) fn stage(&self) -> &StageName {
        &self.stage
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process that runs here now. The kernel says so: the lock's holder, not a number in a file
    /// that may mean another process by now.
    pub(super) fn holder(&self) -> anyhow::Result<Option<Pid>> {
        let path = self.path("lock");
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot open {}", path.display()));
            }
        };
        let lock = fcntl_getlk(&lock, &Flock::from(FlockType::WriteLock))
            .with_context(|| format!("cannot see who holds {}", path.display()))?;
        Ok(lock.and_then(|lock| lock.pid))
    }

    /// Makes this process the one that runs here. A record lock, because it names its holder; the
    /// file must be opened once only in this process.
    pub(super) fn occupy(&self) -> anyhow::Result<Occupied> {
        let lock = self.create("lock")?;
        match fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Occupied(lock)),
            Err(Errno::AGAIN | Errno::ACCESS) => bail!("another process serves {}", self.stage),
            Err(error) => Err(error).context("cannot lock the stage"),
        }
    }

    /// Waits until nobody else replaces what runs here.
    pub(super) fn turn(&self) -> anyhow::Result<Turn> {
        let file = self.create("turn")?;
        flock(&file, FlockOperation::LockExclusive).context("cannot wait for the stage")?;
        Ok(Turn(file))
    }

    /// The newest process that began to answer here, whether it lives or not.
    pub(super) fn last(&self) -> anyhow::Result<Option<Record>> {
        let Some(text) = self.read("json")? else { return Ok(None) };
        let path = self.path("json");
        let record = serde_json::from_str(&text).with_context(|| {
            format!("{} is damaged; remove it and deploy again", path.display())
        })?;
        Ok(Some(record))
    }

    /// What runs and answers here now.
    pub(crate) fn running(&self) -> anyhow::Result<Option<Record>> {
        let Some(pid) = self.holder()? else { return Ok(None) };
        let pid = pid.as_raw_nonzero().get();
        // A process that does not answer yet has not written its record.
        Ok(self.last()?.filter(|record| u32::try_from(pid) == Ok(record.pid)))
    }

    pub(super) fn record(&self, record: &Record) -> anyhow::Result<()> {
        self.write("json", &serde_json::to_string(record)?)
    }

    /// The stage's port, once it has one.
    pub(super) fn port(&self) -> anyhow::Result<Option<u16>> {
        let Some(text) = self.read("port")? else { return Ok(None) };
        let shown = self.path("port");
        let port = text.trim().parse();
        let port = port.with_context(|| format!("{} holds no port; remove it", shown.display()))?;
        Ok(Some(port))
    }

    pub(super) fn keep_port(&self, port: u16) -> anyhow::Result<()> {
        self.write("port", &format!("{port}\n"))
    }

    /// A new log for a new process.
    pub(super) fn new_log(&self) -> anyhow::Result<File> {
        let path = self.path("log");
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))
    }

    pub(super) fn log(&self) -> String {
        self.read("log").ok().flatten().unwrap_or_default()
    }

    fn path(&self, kind: &str) -> PathBuf {
        self.directory.join(format!("{}.{kind}", self.stage))
    }

    fn create(&self, kind: &str) -> anyhow::Result<File> {
        let path = self.path(kind);
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))
    }

    fn read(&self, kind: &str) -> anyhow::Result<Option<String>> {
        let path = self.path(kind);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// All of it or nothing, also when the machine stops.
    fn write(&self, kind: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(kind);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}
