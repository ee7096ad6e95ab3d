//! A disk that loses what was not synced, tears, fills up and fails when it is told to.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::StoreError;

/// Space that is set aside for when the disk is full, in bytes.
const RESERVE: usize = 64 * 1024;

/// What goes wrong at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power fails before anything is written.
    BeforeAppend,
    /// The power fails after the record is written, and before it is synced.
    AfterAppend,
    /// The power fails after the record is synced, and before anybody is told.
    AfterSync,
    /// The record is written and the sync fails: nobody knows what is on the disk.
    SyncFails,
}

/// A disk. Clones are handles to the same one; it outlives the homes that are opened on it.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    journal: Vec<u8>,
    /// How many bytes of the journal survive the loss of power.
    synced: usize,
    /// How many bytes there is room for, the reserve included.
    capacity: usize,
    reserve: usize,
    /// The fault that is to come, and how many commits pass before it.
    armed: Option<(u32, Fault)>,
    /// Whether it refuses everything until it is opened again.
    failed: bool,
    /// Which opening of the disk may write.
    turn: u64,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            journal: Vec::new(),
            synced: 0,
            capacity: usize::MAX,
            reserve: 0,
            armed: None,
            failed: false,
            turn: 0,
        }
    }
}

impl MemoryDisk {
    /// An empty disk without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets something go wrong at a commit, after so many that succeed.
    pub fn arm(&self, commits: u32, fault: Fault) {
        self.lock().armed = Some((commits, fault));
    }

    /// Takes back what was to go wrong.
    pub fn disarm(&self) {
        self.lock().armed = None;
    }

    /// Whether something went wrong that only opening the disk again puts right.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// Leaves room for so many more bytes; none takes the limit away.
    pub fn leave_room(&self, bytes: Option<usize>) {
        let mut disk = self.lock();
        let used = disk.used();
        disk.capacity = bytes.map_or(usize::MAX, |bytes| used.saturating_add(bytes));
    }

    /// How many bytes the journal has, and how many of them would survive the loss of power.
    #[must_use]
    pub fn written_and_synced(&self) -> (usize, usize) {
        let disk = self.lock();
        (disk.journal.len(), disk.synced)
    }

    /// The power fails: of what was not synced, at most the first `kept` bytes are there afterwards.
    /// Whoever had the disk open cannot write to it any more.
    pub fn crash(&self, kept: usize) {
        let mut disk = self.lock();
        let left = disk.synced.saturating_add(kept);
        disk.journal.truncate(left);
        disk.failed = true;
    }

    /// The bytes of the journal, to be damaged by a test.
    #[cfg(test)]
    pub(super) fn edit(&self, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = self.lock();
        edit(&mut disk.journal);
        disk.synced = disk.journal.len();
    }

    /// Opens the disk for one writer; who had it before can write no more. `read` is told the journal and
    /// says how much of it counts; the rest is cut off.
    pub(super) fn open<T>(
        &self,
        read: impl FnOnce(&[u8]) -> Result<(T, usize), StoreError>,
    ) -> Result<(T, u64), StoreError> {
        let mut disk = self.lock();
        let (found, length) = read(&disk.journal)?;
        let torn = disk.journal.len() - length;
        if torn > 0 {
            tracing::warn!(bytes = torn, "the end of the journal was torn and is cut off");
        }
        disk.journal.truncate(length);
        // What was found and is built upon must not be lost by the next failure.
        disk.synced = length;
        disk.failed = false;
        disk.turn += 1;
        Ok((found, disk.turn))
    }

    /// Appends a record and syncs it.
    pub(super) fn commit(&self, turn: u64, record: &[u8]) -> Result<(), StoreError> {
        let mut disk = self.lock();
        disk.check(turn)?;
        let fault = disk.next_fault();
        if fault == Some(Fault::BeforeAppend) {
            return Err(disk.fail("append to the journal"));
        }
        if disk.used().saturating_add(record.len()) > disk.capacity {
            return Err(StoreError::Full("the journal".to_owned()));
        }
        disk.journal.extend_from_slice(record);
        match fault {
            Some(Fault::AfterAppend | Fault::SyncFails) => {
                return Err(disk.fail("sync the journal"));
            }
            Some(Fault::BeforeAppend | Fault::AfterSync) | None => {}
        }
        disk.synced = disk.journal.len();
        match fault {
            Some(_) => Err(disk.fail("answer after the sync of the journal")),
            None => Ok(()),
        }
    }

    /// Gives the reserve up; false where there was none.
    pub(super) fn release_reserve(&self, turn: u64) -> Result<bool, StoreError> {
        let mut disk = self.lock();
        disk.check(turn)?;
        Ok(std::mem::take(&mut disk.reserve) > 0)
    }

    /// Sets the reserve aside; false where there is no room for it.
    pub(super) fn fill_reserve(&self, turn: u64) -> Result<bool, StoreError> {
        let mut disk = self.lock();
        disk.check(turn)?;
        if disk.journal.len().saturating_add(RESERVE) <= disk.capacity {
            disk.reserve = RESERVE;
        }
        Ok(disk.reserve > 0)
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn used(&self) -> usize {
        self.journal.len() + self.reserve
    }

    fn check(&self, turn: u64) -> Result<(), StoreError> {
        match self.failed || turn != self.turn {
            true => Err(io_error("write to a disk that has failed, or that another has opened")),
            false => Ok(()),
        }
    }

    fn next_fault(&mut self) -> Option<Fault> {
        match self.armed.take()? {
            (0, fault) => Some(fault),
            (commits, fault) => {
                self.armed = Some((commits - 1, fault));
                None
            }
        }
    }

    fn fail(&mut self, what: &str) -> StoreError {
        self.failed = true;
        io_error(what)
    }
}

fn io_error(what: &str) -> StoreError {
    StoreError::Io { what: what.to_owned(), source: io::Error::other("the disk has failed") }
}
