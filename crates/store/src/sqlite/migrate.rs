//! The schema and its changes, forward only. `user_version` counts those that were made.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::contract::StoreError;

use super::codec::damaged;

/// In order; one that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0008.sql"),
    include_str!("schema/0009.sql"),
];

/// How many changes were made to this database.
pub(super) fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative version is none of ours; it is refused like one that is too new.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Refuses a database that a newer version has written.
pub(super) fn refuse_newer(
    connection: &Connection,
    file: &Path,
    known: usize,
) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found <= known {
        return Ok(());
    }
    Err(StoreError::Version(format!(
        "{} has schema version {found}, and this Tidegate knows versions up to {known}; \
         start the newer Tidegate again, or restore a backup",
        file.display()
    )))
}

/// Makes the changes that were not made yet, each in a transaction: whenever the process dies, each
/// was made as a whole or not at all.
pub(super) fn migrate(
    connection: &mut Connection,
    file: &Path,
    migrations: &[&str],
) -> Result<(), StoreError> {
    for (done, sql) in migrations.iter().enumerate().skip(version(connection)?) {
        let number = done + 1;
        change(connection, sql, number).map_err(|error| refused(error, number, file))?;
    }
    Ok(())
}

fn change(connection: &mut Connection, sql: &str, number: usize) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "user_version", number.to_string())?;
    transaction.commit()
}

/// Statements that were tried on every release fail on tables that are not what they should be.
fn refused(error: rusqlite::Error, number: usize, file: &Path) -> StoreError {
    let what = || format!("{} (before change {number} of its schema)", file.display());
    match &error {
        rusqlite::Error::SqlInputError { msg, .. } => damaged(what(), msg),
        other if other.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            damaged(what(), other)
        }
        _ => error.into(),
    }
}
