//! The embedded home: the contract, and what only a file on a disk can get wrong.

mod backup;
mod child;
mod damage;
mod doctor;
mod files;
mod flips;
mod kill;
mod migration;
mod plans;
mod salvage;
mod story;
mod torn;
mod wal;

use tempfile::TempDir;

use crate::testing::Fixture;

use super::{SqliteHome, SqliteReaders};

/// A home in a directory of its own.
pub(super) struct Sqlite {
    // Dropped before the directory goes.
    pub(super) home: SqliteHome,
    pub(super) reader: SqliteReaders,
    pub(super) dir: TempDir,
}

impl Fixture for Sqlite {
    type Home = SqliteHome;
    type Reader = SqliteReaders;

    fn fresh() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (home, reader) = SqliteHome::open(dir.path()).unwrap();
        Self { home, reader, dir }
    }

    fn home(&mut self) -> &mut SqliteHome {
        &mut self.home
    }

    fn reader(&self) -> &SqliteReaders {
        &self.reader
    }
}

mod contract {
    use super::Sqlite;

    crate::suite::contract!(Sqlite);
}
