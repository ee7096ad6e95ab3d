//! `lock`: held by the supervisor while it lives, and by a server while it prepares the start.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// The lock, held. Dropping it, also by dying, frees it.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; none where somebody else holds it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the lock, and waits for it. This blocks the thread.
    pub(super) fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        while let Err(error) = flock(&file, FlockOperation::LockExclusive) {
            if error != Errno::INTR {
                return Err(error.into());
            }
        }
        Ok(Self { _file: file })
    }

    /// Whether somebody holds the lock at this moment.
    pub(super) fn is_held(path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
    }

    /// Waits until the lock has been free. The wait has a thread of its own, because the kernel
    /// offers no other way to wait for a lock, and one that does not hinder the end of this process.
    pub(super) async fn released(path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let (free, waiting) = oneshot::channel();
        std::thread::Builder::new().name("job-attached".into()).spawn(move || {
            let locked = loop {
                match flock(&file, FlockOperation::LockShared) {
                    Err(Errno::INTR) => {}
                    other => break other.map_err(io::Error::from),
                }
            };
            drop(file);
            // Nobody listens where the server has stopped waiting.
            let _ = free.send(locked);
        })?;
        waiting.await.map_err(io::Error::other)?
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}
