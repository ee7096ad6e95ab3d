//! Checkpoints: what was committed moves from the write-ahead log into the database file, on a
//! thread of its own, so that no commit waits for it.
//!
//! A checkpoint that moves everything lets the next commit start again at the head of the log.
//! While commits come without a pause, none ever moves everything: then the writer is held back
//! between two transactions for the few pages that are left.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::contract::StoreError;

use super::metrics::Metrics;
use super::open;

/// When to do what, in pages of the write-ahead log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    /// So many new pages start a checkpoint.
    pub(super) checkpoint_pages: u32,
    /// From so many pages on, the writer is held back until the log can start again.
    pub(super) restart_pages: u32,
}

impl Default for Thresholds {
    /// 8 and 32 MiB.
    fn default() -> Self {
        Self { checkpoint_pages: 2_000, restart_pages: 8_000 }
    }
}

/// How long readers may keep the log from starting again while the writer is held back.
const READERS_WAIT: Duration = Duration::from_millis(20);

/// The checkpoint thread. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Pages in the log after the newest commit.
    pages: u32,
    /// Pages in the log when the last checkpoint began.
    seen: u32,
    stop: bool,
    /// The writer is inside of a transaction.
    writing: bool,
    /// The writer must not begin one.
    held: bool,
    /// Why a checkpoint failed. A sync that failed is never tried again as if nothing had happened.
    failure: Option<String>,
}

impl State {
    fn is_due(&self, thresholds: Thresholds) -> bool {
        self.pages.saturating_sub(self.seen) >= thresholds.checkpoint_pages
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed
            .wait_while(state, |state| !until(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn committed(&self, pages: u32, thresholds: Thresholds) {
        let mut state = self.lock();
        if pages < state.seen {
            state.seen = 0;
        }
        state.pages = pages;
        if state.is_due(thresholds) {
            self.changed.notify_all();
        }
    }
}

impl Checkpointer {
    /// Starts the thread, and makes the writing connection tell it how the log grows.
    pub(super) fn start(
        file: &Path,
        writer: &mut Connection,
        thresholds: Thresholds,
        metrics: Metrics,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let connection = open::checkpointer(file)?;
        connection.busy_timeout(READERS_WAIT)?;
        let hook = Arc::clone(&shared);
        writer.wal_hook(Some(move |_: &mut _, pages: i32| {
            hook.committed(pages.unsigned_abs(), thresholds);
            Ok(())
        }))?;
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&theirs, &connection, thresholds, &metrics))
            .map_err(|source| StoreError::Io {
                what: "start the checkpoint thread".to_owned(),
                source,
            })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The writer begins a transaction.
    pub(super) fn enter(&self) -> Result<(), StoreError> {
        let mut state = self.shared.wait(self.shared.lock(), |state| !state.held);
        if let Some(why) = &state.failure {
            let what = "write the database file from its log".to_owned();
            return Err(StoreError::Io { what, source: std::io::Error::other(why.clone()) });
        }
        state.writing = true;
        Ok(())
    }

    /// The writer has ended its transaction.
    pub(super) fn leave(&self) {
        let mut state = self.shared.lock();
        state.writing = false;
        if state.held {
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stop = true;
        state.writing = false;
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

/// The thread: checkpoints when told to, and once more before it ends, so that the next start finds
/// an empty log, unless somebody still reads the old one.
fn run(shared: &Shared, connection: &Connection, thresholds: Thresholds, metrics: &Metrics) {
    loop {
        let mut state = shared.wait(shared.lock(), |state| state.stop || state.is_due(thresholds));
        let stop = state.stop;
        state.seen = state.pages;
        drop(state);
        let begun = Instant::now();
        let how = if stop { "TRUNCATE" } else { "PASSIVE" };
        let mut done = checkpoint(connection, &format!("PRAGMA wal_checkpoint({how})"));
        if done.is_ok() && !stop && shared.lock().pages >= thresholds.restart_pages {
            done = restart(shared, connection);
        }
        metrics.checkpointed(begun.elapsed());
        let mut state = shared.lock();
        if let Err(error) = done {
            tracing::error!(%error, "a checkpoint failed; nothing more is written");
            state.failure = Some(error.to_string());
        }
        if stop || state.failure.is_some() {
            return;
        }
    }
}

/// Moves the rest while the writer is held back.
fn restart(shared: &Shared, connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut state = shared.lock();
    state.held = true;
    drop(shared.wait(state, |state| !state.writing));
    let done = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
    let mut state = shared.lock();
    state.held = false;
    state.seen = state.pages;
    drop(state);
    shared.changed.notify_all();
    done
}

fn checkpoint(connection: &Connection, pragma: &str) -> Result<(), rusqlite::Error> {
    match connection.query_row(pragma, [], |_| Ok(())) {
        Err(error) => match error.sqlite_error_code() {
            // Somebody still reads the log: it goes on growing until the next time.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(()),
            // The log holds everything; there may be room again at the next time.
            Some(ErrorCode::DiskFull) => {
                tracing::warn!(%error, "the disk is too full for a checkpoint");
                Ok(())
            }
            _ => Err(error),
        },
        Ok(()) => Ok(()),
    }
}
