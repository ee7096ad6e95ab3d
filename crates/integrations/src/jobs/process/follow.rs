//! Waiting for a log to grow.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use tidegate_core::names::EventId;
use tokio::io::unix::AsyncFd;

use super::directory::Directories;
use super::log::{self, JobLog};
use super::readiness;

/// Follows the output of all jobs of one event, without polling.
pub struct LogFollower {
    directories: Directories,
    event: EventId,
    max: usize,
    inotify: AsyncFd<OwnedFd>,
    /// The watch on the directory of all jobs.
    root: i32,
    /// The log as it was last given out.
    last: Option<JobLog>,
}

impl LogFollower {
    pub(super) fn open(directories: Directories, event: EventId, max: usize) -> io::Result<Self> {
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let root = add_watch(&inotify, directories.root(), WatchFlags::CREATE)?;
        let inotify = readiness::register(inotify)?;
        let follower = Self { directories, event, max, inotify, root, last: None };
        follower.watch_jobs()?;
        Ok(follower)
    }

    /// The log as soon as it differs from what was given out before; the first time at once, if
    /// there is one.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn changed(&mut self) -> io::Result<JobLog> {
        loop {
            let log = log::of_event(&self.directories, self.event, self.max)?;
            if let Some(log) = log
                && self.last.as_ref() != Some(&log)
            {
                self.last = Some(log.clone());
                return Ok(log);
            }
            while !self.wait().await? {}
        }
    }

    /// Waits for something to happen, and tells whether it concerns this event.
    async fn wait(&self) -> io::Result<bool> {
        let mut ready = self.inotify.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(self.inotify.get_ref(), &mut buffer);
        let prefix = self.event.to_string();
        let (mut ours, mut new_job) = (false, false);
        loop {
            match reader.next() {
                Ok(event) if event.wd() == self.root => {
                    let name = event.file_name().map(CStr::to_bytes).unwrap_or_default();
                    new_job |= name.starts_with(prefix.as_bytes());
                }
                Ok(_) => ours = true,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        ready.clear_ready();
        if new_job {
            self.watch_jobs()?;
        }
        Ok(ours || new_job)
    }

    /// Watches the directories that exist; watching one twice changes nothing.
    fn watch_jobs(&self) -> io::Result<()> {
        // The log grows or is replaced, or the result is put in place.
        let flags = WatchFlags::MODIFY | WatchFlags::MOVED_TO;
        for job in self.directories.of_event(self.event)? {
            match add_watch(self.inotify.get_ref(), job.path(), flags) {
                // It may be gone, or be a mark and not a directory.
                Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
