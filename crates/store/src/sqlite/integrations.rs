//! Integrations, and what is left to them.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::{ContextId, EventId, ProjectName, TaskName};
use tidegate_core::sequence::Env;
use tidegate_core::uniform::{
    Command, Decision, IntegrationId, Record, RecordChange, StoodDown, decide,
};

use crate::contract::{StoreError, Written};
use crate::integration;

use super::codec::damaged;
use super::keys::{ProjectId, n_of};
use super::words::Numbers;

/// The integrations that the writer remembers: a step need not read them all again. Forgotten with every
/// change, and where one is undone.
#[derive(Debug, Default)]
pub(super) struct Integrations(RefCell<Option<Arc<[Record]>>>);

impl Integrations {
    /// Forgets them.
    pub(super) fn forget(&self) {
        self.0.replace(None);
    }

    /// Those that are registered, by id.
    pub(super) fn all(&self, connection: &Connection) -> Result<Arc<[Record]>, StoreError> {
        if let Some(known) = &*self.0.borrow() {
            return Ok(Arc::clone(known));
        }
        let known: Arc<[Record]> = all(connection)?.into();
        self.0.replace(Some(Arc::clone(&known)));
        Ok(known)
    }

    /// Does what a command comes to.
    pub(super) fn change(
        &self,
        connection: &Connection,
        command: &Command,
        tasks: Option<&[TaskName]>,
        env: &Env,
    ) -> Result<Written, StoreError> {
        let Decision { changes, outcome } = decide(&self.all(connection)?, command, tasks, env);
        self.forget();
        for change in &changes {
            match change {
                RecordChange::Put(record) => connection
                    .prepare_cached("REPLACE INTO integration (id, body) VALUES (?1, ?2)")?
                    .execute((record.id.as_str(), integration::text(record)?))?,
                RecordChange::Remove(id) => connection
                    .prepare_cached("DELETE FROM integration WHERE id = ?1")?
                    .execute([id.as_str()])?,
            };
        }
        Ok(Written::Integration(outcome))
    }
}

/// Those that are registered, by id.
pub(super) fn all(connection: &Connection) -> Result<Vec<Record>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, body FROM integration ORDER BY id")?;
    let mut rows = statement.query(())?;
    let mut integrations = Vec::new();
    while let Some(row) = rows.next()? {
        integrations.push(read(row)?);
    }
    Ok(integrations)
}

/// One of them.
pub(super) fn one(
    connection: &Connection,
    id: &IntegrationId,
) -> Result<Option<Record>, StoreError> {
    let sql = "SELECT id, body FROM integration WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// Reads a row of id and body.
pub(super) fn read(row: &Row<'_>) -> Result<Record, StoreError> {
    integration::read(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?)
}

/// Keeps what is left to an integration.
pub(super) fn stand_down(
    connection: &Connection,
    numbers: &Numbers,
    row: &StoodDown,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &row.project)?;
    connection
        .prepare_cached("INSERT INTO stood_down (event, part, integration) VALUES (?1, ?2, ?3)")?
        .execute((project.key(row.n)?, row.part.code(), &row.integration))?;
    Ok(())
}

/// What of a context is left to integrations.
pub(super) fn stood_down(
    connection: &Connection,
    name: &ProjectName,
    project: ProjectId,
    context: ContextId,
) -> Result<Vec<StoodDown>, StoreError> {
    let mut statement = connection.prepare_cached(STOOD_DOWN)?;
    let mut rows = statement.query((context.as_bytes(), project.first(), project.last()))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, part): (i64, i64) = (row.get(0)?, row.get(2)?);
        let unknown = || damaged(format!("table stood_down, event {key}"), "it names no part");
        found.push(StoodDown {
            project: name.clone(),
            event: EventId::from_bytes(row.get(1)?),
            n: n_of(key),
            part: BuiltIn::of_code(part).ok_or_else(unknown)?,
            integration: row.get(3)?,
        });
    }
    Ok(found)
}

// CROSS JOIN keeps SQLite from starting with all that was ever left to somebody.
pub(super) const STOOD_DOWN: &str = "SELECT event.key, event.id, part, integration
     FROM event INDEXED BY event_context CROSS JOIN stood_down ON stood_down.event = event.key
     WHERE event.context = ?1 AND event.key BETWEEN ?2 AND ?3 ORDER BY event.key, part";

/// Forgets what of a context was left to integrations; its events are still there.
pub(super) fn forget(
    connection: &Connection,
    project: ProjectId,
    context: &[u8; 16],
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM stood_down WHERE event IN (
               SELECT key FROM event INDEXED BY event_context
               WHERE context = ?1 AND key BETWEEN ?2 AND ?3)",
        )?
        .execute((context, project.first(), project.last()))?;
    Ok(())
}
