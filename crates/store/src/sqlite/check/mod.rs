//! Reading everything, to say what is not as it was written. Nothing is changed, and a server may go
//! on writing: all of it is one state of the store.
//!
//! A new table wants an entry in [`rows`] (how a row reads back) and, where it refers to others, a
//! rule in [`links`]. The two logs have files of their own.

mod audit;
mod file;
mod links;
mod log;
mod report;
mod rows;

use std::path::Path;

use crate::contract::StoreError;

use super::codec::damaged;
use super::migrate::{self, MIGRATIONS};
use super::open;

pub use report::{Checked, Finding};

use report::Report;

/// Reads the whole store in this directory and tells each thing that is wrong with it, where it is
/// found. What a crash leaves in the write-ahead log is told as a note and is no damage.
///
/// # Errors
/// There is no store, it does not open, or it has another version's schema.
pub fn check(dir: &Path, found: &mut dyn FnMut(&Finding)) -> Result<Checked, StoreError> {
    let file = dir.join(open::FILE);
    let mut report = Report::new(found);
    file::log(&file, &mut report)?;
    let connection = open::existing(&file)?;
    current(&connection, &file)?;
    let state = connection.unchecked_transaction().map_err(|error| open::named(error, &file))?;
    file::check(&state, &file, &mut report);
    let known = rows::Known::read(&state, &mut report);
    log::check(&state, &known, &mut report);
    rows::check(&state, &known, &mut report);
    audit::check(&state, &mut report);
    links::check(&state, &mut report);
    Ok(report.end())
}

/// Only the schema of this version is known by its tables.
pub(super) fn current(connection: &rusqlite::Connection, file: &Path) -> Result<(), StoreError> {
    let found = migrate::version(connection).map_err(|error| match error {
        StoreError::Database(error) => open::named(error, file),
        other => other,
    })?;
    migrate::refuse_newer(connection, file, MIGRATIONS.len())?;
    if found == MIGRATIONS.len() {
        return Ok(());
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == 0 && tables > 0 {
        return Err(damaged(file.display().to_string(), "it has tables, and no version"));
    }
    Err(StoreError::Version(format!(
        "{} has schema version {found}, and this Tidegate reads version {}; start `tidegate serve` \
         on it once, or use the Tidegate that wrote it",
        file.display(),
        MIGRATIONS.len()
    )))
}
