//! One connection.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use postgres::types::{FromSql, ToSql};
use postgres::{Client, Row, Statement};

use crate::contract::StoreError;

use super::failure::{self, PostgresError};

/// More than all statements there are, variants of filters included.
const STATEMENTS_MAX: usize = 200;

/// Values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection, its prepared statements, and how its open transaction fares.
pub(super) struct Session {
    /// None once it is lost. It is closed at once then, so that the server undoes what is open.
    client: RefCell<Option<Client>>,
    statements: RefCell<HashMap<String, Statement>>,
    place: Arc<str>,
    /// Why the open transaction cannot be committed any more.
    failed: RefCell<Option<String>>,
}

/// How a `COMMIT` ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is on stable storage.
    Written,
    /// It was undone.
    Undone(StoreError),
    /// The server does not say, and why.
    Unknown(String),
}

impl Session {
    pub(super) fn new(client: Client, place: Arc<str>) -> Self {
        let client = RefCell::new(Some(client));
        Self { client, statements: RefCell::default(), place, failed: RefCell::default() }
    }

    /// Whether the connection is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.client.borrow().as_ref().is_none_or(Client::is_closed)
    }

    /// Begins a transaction. `kind` are the words behind `BEGIN`.
    pub(super) fn begin(&self, kind: &str) -> Result<(), StoreError> {
        *self.failed.borrow_mut() = None;
        self.batch(&format!("BEGIN {kind}"))
    }

    /// Commits. A transaction in which a statement has failed is never committed: Postgres would undo
    /// it and call that a success.
    pub(super) fn commit(&self) -> Outcome {
        let failed = self.failed.borrow().clone();
        if let Some(why) = failed {
            self.rollback();
            return Outcome::Undone(self.unavailable(why));
        }
        let mut slot = self.client.borrow_mut();
        let Some(client) = slot.as_mut() else {
            return Outcome::Undone(self.unavailable("the connection was lost".to_owned()));
        };
        match client.batch_execute("COMMIT") {
            Ok(()) => Outcome::Written,
            Err(error) if failure::is_refusal(&error) => {
                Outcome::Undone(failure::of_statement(error, &self.place))
            }
            Err(error) => {
                *slot = None;
                Outcome::Unknown(failure::text(&error))
            }
        }
    }

    /// Undoes the open transaction. Where that fails, the server does it when the connection ends.
    pub(super) fn rollback(&self) {
        if !self.is_lost()
            && let Err(error) = self.batch("ROLLBACK")
        {
            *self.client.borrow_mut() = None;
            tracing::warn!(%error, "a transaction could not be undone; its connection is given up");
        }
        *self.failed.borrow_mut() = None;
    }

    /// Runs statements without values.
    pub(super) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.ask(|client| client.batch_execute(sql))
    }

    /// All rows of a query.
    pub(super) fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql)?;
        self.ask(|client| client.query(&statement, values))
    }

    /// The first row of a query.
    pub(super) fn first(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Changes rows; answers how many.
    pub(super) fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        let statement = self.statement(sql)?;
        self.ask(|client| client.execute(&statement, values))
    }

    fn statement(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(|client| client.prepare(sql))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Asks the server for anything but `COMMIT`; remembers that it failed, and says what that means.
    fn ask<T>(
        &self,
        ask: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, StoreError> {
        let mut slot = self.client.borrow_mut();
        let Some(client) = slot.as_mut() else {
            return Err(self.unavailable("the connection was lost".to_owned()));
        };
        ask(client).map_err(|error| {
            if !failure::is_refusal(&error) {
                *slot = None;
            }
            self.failed.borrow_mut().get_or_insert_with(|| failure::text(&error));
            failure::of_statement(error, &self.place)
        })
    }

    fn unavailable(&self, why: String) -> StoreError {
        StoreError::Unavailable { what: format!("the database {}", self.place), why }
    }
}

/// One column of a row.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| StoreError::Postgres(PostgresError::new(error)))
}
