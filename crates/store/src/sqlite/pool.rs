//! A few connections that only read.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use prometheus_client::registry::Registry;
use rusqlite::Connection;

use crate::contract::StoreError;

use super::metrics::Metrics;
use super::{check, open};

/// Readers at a time; more would only wait for the same cores.
const READERS_MAX: usize = 4;

/// The reading side of the embedded home. Cheap to clone.
#[derive(Clone)]
pub struct SqliteReaders(Arc<Pool>);

struct Pool {
    metrics: Metrics,
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl fmt::Debug for SqliteReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteReaders")
    }
}

/// A connection that goes back when it is dropped, also by a panic.
struct Borrowed<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl SqliteReaders {
    pub(super) fn open(file: &Path, metrics: Metrics) -> Result<Self, StoreError> {
        let idle = (0..READERS_MAX).map(|_| open::reader(file)).collect::<Result<_, _>>()?;
        Ok(Self::of(idle, metrics))
    }

    /// Looks at a store as it stands, while a server runs on it or not. Nothing is changed.
    ///
    /// # Errors
    /// There is no store in this directory, it does not open, or it has another version's schema.
    pub fn look(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(open::FILE);
        let connection = open::existing(&file)?;
        check::current(&connection, &file)?;
        Ok(Self::of(vec![connection], Metrics::new(&file)))
    }

    fn of(idle: Vec<Connection>, metrics: Metrics) -> Self {
        Self(Arc::new(Pool { metrics, idle: Mutex::new(idle), returned: Condvar::new() }))
    }

    /// Hands what is counted of the home to a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
    }

    /// Runs one short transaction that sees one state of the store. Waits while all connections are
    /// in use.
    pub(super) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let borrowed = self.0.borrow();
        match &borrowed.connection {
            Some(connection) => {
                let transaction = connection.unchecked_transaction()?;
                ask(&transaction)
            }
            None => Err(rusqlite::Error::InvalidQuery.into()),
        }
    }
}

impl Pool {
    fn borrow(&self) -> Borrowed<'_> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.pop() {
                return Borrowed { pool: self, connection: Some(connection) };
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            self.pool.returned.notify_one();
        }
    }
}
