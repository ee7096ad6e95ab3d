//! The data directory: one process at a time, readable by its owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

/// Holds the server's address while it runs.
const ENDPOINT: &str = "endpoint";
/// How long the lock may outlive a server that was killed.
const LOCKED_MAX: Duration = Duration::from_millis(500);
/// How soon the lock is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// A data directory that this process holds until it ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The lock is given back when the file is closed.
    _lock: File,
}

impl DataDir {
    /// Creates the directory where it is missing, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        make(path).with_context(|| format!("cannot create the data directory {shown}"))?;
        let path = path.canonicalize().with_context(|| format!("cannot open {shown}"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("cannot write to the data directory {shown}"))?;
        if !locks(&lock) {
            bail!("another tidegate runs on {shown}; stop it first, or use another --data-dir");
        }
        Ok(Self { path, _lock: lock })
    }

    /// Leaves the server's address for the command line, which reads it with `--data-dir`.
    pub(crate) fn keep_endpoint(&self, listens: SocketAddr) -> anyhow::Result<()> {
        let path = self.path.join(ENDPOINT);
        let ip = match listens.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, listens.port());
        std::fs::write(&path, format!("http://{address}\n"))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Nobody answers there any more.
    pub(crate) fn drop_endpoint(&self) {
        if let Err(error) = std::fs::remove_file(self.path.join(ENDPOINT)) {
            tracing::warn!(%error, "the address in the data directory could not be removed");
        }
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes the lock. Where a server was killed while it started a program, that holds the lock for a moment
/// longer, until it has become the other program.
fn locks(lock: &File) -> bool {
    let deadline = Instant::now() + LOCKED_MAX;
    while flock(lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(AGAIN);
    }
    true
}

/// Makes the directory where it is missing, and those above it. Their names are on stable storage
/// then: all that is synced below would be lost with them.
fn make(path: &Path) -> io::Result<()> {
    let above = path.parent().map(|above| if above == "" { Path::new(".") } else { above });
    if let Some(above) = above.filter(|above| !above.exists()) {
        make(above)?;
    }
    let made = match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => false,
        other => other.map(|()| true)?,
    };
    match above.map_or(Ok(()), |above| File::open(above)?.sync_all()) {
        // Somebody else made it, where we may not even look.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !made => Ok(()),
        other => other,
    }
}
