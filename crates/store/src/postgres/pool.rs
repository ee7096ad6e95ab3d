//! A few connections that only read.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::contract::StoreError;

use super::connect::{Purpose, Target};
use super::session::{Outcome, Session};

/// Readers of one server at a time; each is a process of the database.
const READERS_MAX: usize = 4;
/// All statements of one reader see one state of the store.
const TRANSACTION: &str = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The reading side of the home of a cluster. Cheap to clone. It blocks while it asks, so it is not
/// for threads that run asynchronous tasks.
#[derive(Clone)]
pub struct PostgresReaders(Arc<Pool>);

struct Pool {
    target: Target,
    slots: Mutex<Slots>,
    returned: Condvar,
}

/// Connections are made when they are needed first.
struct Slots {
    idle: Vec<Session>,
    /// How many more there may be.
    left: usize,
}

impl fmt::Debug for PostgresReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresReaders")
    }
}

/// A slot that goes back when it is dropped, also by a panic; with its connection where that is fine.
struct Borrowed<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

impl PostgresReaders {
    pub(super) fn new(target: Target) -> Self {
        let slots = Mutex::new(Slots { idle: Vec::new(), left: READERS_MAX });
        Self(Arc::new(Pool { target, slots, returned: Condvar::new() }))
    }

    /// Runs one short transaction that sees one state of the store. Waits while all connections are
    /// in use.
    pub(super) fn read<T>(
        &self,
        ask: impl FnOnce(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut borrowed = self.0.borrow();
        let session = borrowed.begin()?;
        let answer = ask(&session);
        match (answer, session) {
            (Ok(answer), session) => {
                // Nothing was written, so it does not matter how this ends.
                if matches!(session.commit(), Outcome::Written) {
                    borrowed.session = Some(session);
                }
                Ok(answer)
            }
            (Err(error), session) => {
                session.rollback();
                if !session.is_lost() {
                    borrowed.session = Some(session);
                }
                Err(error)
            }
        }
    }
}

impl Borrowed<'_> {
    /// A connection with an open transaction: the one at hand, or a new one where that was lost.
    fn begin(&mut self) -> Result<Session, StoreError> {
        if let Some(session) = self.session.take() {
            match session.begin(TRANSACTION) {
                Ok(()) => return Ok(session),
                Err(StoreError::Unavailable { .. }) if session.is_lost() => {}
                Err(error) => return Err(error),
            }
        }
        let target = &self.pool.target;
        let session = target.reconnect(Purpose::Read, target.patience.begin)?;
        session.begin(TRANSACTION)?;
        Ok(session)
    }
}

impl Pool {
    fn borrow(&self) -> Borrowed<'_> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(session) = slots.idle.pop() {
                return Borrowed { pool: self, session: Some(session) };
            }
            if slots.left > 0 {
                slots.left -= 1;
                return Borrowed { pool: self, session: None };
            }
            slots = self.returned.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut slots = self.pool.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match self.session.take() {
            Some(session) => slots.idle.push(session),
            None => slots.left += 1,
        }
        self.pool.returned.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let slots = self.slots.get_mut().unwrap_or_else(PoisonError::into_inner);
        let idle = std::mem::take(&mut slots.idle);
        if idle.is_empty() {
            return;
        }
        // Saying goodbye blocks, and the last clone may be dropped inside of an asynchronous task.
        let closing = thread::Builder::new().name("store-close".to_owned());
        if let Err(error) = closing.spawn(move || drop(idle)) {
            tracing::warn!(%error, "connections to the database are not closed in order");
        }
    }
}
