//! Integrations, and what is left to them.

use tidegate_core::names::{ContextId, ProjectName, TaskName};
use tidegate_core::sequence::Env;
use tidegate_core::uniform::{
    Command, Decision, IntegrationId, Record, RecordChange, StoodDown, decide,
};

use crate::contract::{StoreError, Written};

use super::log;
use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

fn key(id: &IntegrationId) -> Key {
    Key::new().text(id.as_str())
}

/// Those that are registered, by id.
pub(super) fn all(rows: &Rows) -> Result<Vec<Record>, StoreError> {
    rows.all(Table::Integration, &Key::new())
}

/// One of them.
pub(super) fn one(rows: &Rows, id: &IntegrationId) -> Result<Option<Record>, StoreError> {
    rows.get(Table::Integration, &key(id))
}

/// Does what a command comes to.
pub(super) fn change(
    rows: &mut Transaction,
    command: &Command,
    tasks: Option<&[TaskName]>,
    env: &Env,
) -> Result<Written, StoreError> {
    let Decision { changes, outcome } = decide(&all(rows)?, command, tasks, env);
    for change in &changes {
        match change {
            RecordChange::Put(record) => rows.put(Table::Integration, &key(&record.id), record)?,
            RecordChange::Remove(id) => drop(rows.remove(Table::Integration, &key(id))),
        }
    }
    Ok(Written::Integration(outcome))
}

/// What was left of an entry of the log.
fn of(project: &ProjectName, n: u64) -> Key {
    Key::new().text(project.as_str()).number(n)
}

/// Keeps what is left to an integration.
pub(super) fn stand_down(rows: &mut Transaction, row: &StoodDown) -> Result<(), StoreError> {
    let part = row.part.code().to_be_bytes();
    rows.put(Table::StoodDown, &of(&row.project, row.n).bytes(&part), row)
}

/// What of a context is left to integrations.
pub(super) fn stood_down(
    rows: &Rows,
    project: &ProjectName,
    context: ContextId,
) -> Result<Vec<StoodDown>, StoreError> {
    let mut found = Vec::new();
    for entry in log::trace(rows, project, context, u64::MAX)? {
        found.extend(rows.all::<StoodDown>(Table::StoodDown, &of(project, entry.n))?);
    }
    Ok(found)
}

/// Forgets what was left of an entry of the log.
pub(super) fn forget(rows: &mut Transaction, project: &ProjectName, n: u64) {
    let found = rows.scan(Table::StoodDown, &of(project, n));
    let keys: Vec<Key> = found.map(|(key, _)| Key::from_bytes(key)).collect();
    for key in keys {
        rows.remove(Table::StoodDown, &key);
    }
}
