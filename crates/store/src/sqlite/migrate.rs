//! The schema and its changes, forward only. `user_version` counts those that were made.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::contract::StoreError;

/// In order; one that was released is never edited.
const MIGRATIONS: [&str; 2] = [include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative version is none of ours; it is refused like one that is too new.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Refuses a database that a newer version has written.
pub(super) fn refuse_newer(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let (found, known) = (version(connection)?, MIGRATIONS.len());
    if found <= known {
        return Ok(());
    }
    Err(StoreError::Version(format!(
        "{} has schema version {found}, and this Tidegate knows versions up to {known}; \
         start the newer Tidegate again, or restore a backup",
        file.display()
    )))
}

/// Makes the changes that were not made yet, each in a transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    for (done, sql) in MIGRATIONS.iter().enumerate().skip(version(connection)?) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", (done + 1).to_string())?;
        transaction.commit()?;
    }
    Ok(())
}
