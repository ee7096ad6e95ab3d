//! What an error of Postgres means to us.

use postgres::error::{DbError, Severity, SqlState};

use crate::codec::damaged;
use crate::contract::StoreError;

/// What Postgres said, with the cause that its client leaves to `source`.
#[derive(Debug, thiserror::Error)]
#[error("{}", text(.0))]
pub struct PostgresError(#[source] postgres::Error);

impl PostgresError {
    pub(super) fn new(error: postgres::Error) -> Self {
        Self(error)
    }

    /// Whether the database itself is not in order: its files cannot be read or written, or do not
    /// hold what Postgres wrote.
    pub(crate) fn is_fatal(&self) -> bool {
        let code = self.0.code().map(SqlState::code).unwrap_or_default();
        // Classes XX (internal error, data corrupted), 58 (system error) and F0 (configuration file).
        ["XX", "58", "F0"].iter().any(|class| code.starts_with(class))
    }
}

/// The whole chain of an error in one line.
pub(super) fn text(error: &postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail} [{}]", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Whether the server refused this one statement and goes on with the connection. Everything else
/// may have left the connection, and what was sent over it, in any state. A server that only reads
/// now is not the one to go on with.
pub(super) fn is_refusal(error: &postgres::Error) -> bool {
    error.as_db_error().and_then(DbError::parsed_severity) == Some(Severity::Error)
        && error.code() != Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
}

/// What the failure of a statement that was not `COMMIT` means. `place` says which database.
pub(super) fn of_statement(error: postgres::Error, place: &str) -> StoreError {
    let unavailable = |error: &postgres::Error| StoreError::Unavailable {
        what: format!("the database {place}"),
        why: text(error),
    };
    let Some(db) = error.as_db_error() else { return unavailable(&error) };
    let code = db.code();
    if *code == SqlState::DISK_FULL {
        return StoreError::Full(format!("the database {place}"));
    }
    let class = code.code().get(..2).unwrap_or_default();
    match class {
        // Constraints and values: what was to be written contradicts what is there.
        "23" | "22" => {
            let table = db.table().unwrap_or("of this store").to_owned();
            damaged(format!("table {table}"), &text(&error))
        }
        // Connection lost, resources short, the operator or a lock in the way, or this server only
        // reads because another one has taken over.
        "08" | "53" | "57" | "40" | "55" | "25" => unavailable(&error),
        // The server ends the connection: it may be back later, whatever its reason.
        _ if !is_refusal(&error) => unavailable(&error),
        _ => StoreError::Postgres(PostgresError::new(error)),
    }
}
