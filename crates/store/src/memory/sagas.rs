//! Work that touches both the store and Git: begun here, done there, completed or undone here.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::event::Event;
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::Principal;

use crate::audit::Closed;
use crate::contract::{StoreError, Written};
use crate::rows::{Intent, ProjectRow};

use super::table::{Key, Rows, Table, damaged, number_of, parse};
use super::transaction::Transaction;
use super::{deletion, log, projects};

#[derive(Serialize, Deserialize)]
struct Row {
    intent: Intent,
    by: Principal,
}

fn key(id: i64) -> Key {
    Key::new().number(id.unsigned_abs())
}

/// Begins a saga, unless it cannot succeed or another one is open for the project.
pub(super) fn begin(
    rows: &mut Transaction,
    intent: &Intent,
    by: &Principal,
    events: &[Event],
) -> Result<Written, StoreError> {
    if let Some(refusal) = refusal(rows, intent)? {
        return Ok(refusal);
    }
    let id = rows.next("intent")?.cast_signed();
    let row = Row { intent: intent.clone(), by: by.clone() };
    rows.put(Table::Intent, &key(id), &row)?;
    report(rows, intent.project(), events)?;
    Ok(Written::Begun(id))
}

fn refusal(rows: &Rows, intent: &Intent) -> Result<Option<Written>, StoreError> {
    let name = intent.project();
    let is_there = projects::is_there(rows, name);
    match intent {
        Intent::CreateProject(_) if is_there => return Ok(Some(Written::ProjectExists)),
        Intent::CreateProject(_) => {}
        Intent::CreateService { .. }
        | Intent::DeleteService { .. }
        | Intent::DeleteProject { .. }
            if !is_there || name.is_unmapped() =>
        {
            return Ok(Some(Written::NoProject));
        }
        Intent::DeleteProject { .. } => {}
        Intent::DeleteService { service, .. } => {
            if !projects::has_service(rows, name, service) {
                return Ok(Some(Written::NoService));
            }
        }
        Intent::CreateService { service, .. } => {
            if projects::has_service(rows, name, service) {
                return Ok(Some(Written::ServiceExists));
            }
        }
    }
    let is_open = open(rows)?.iter().any(|(_, intent)| intent.project() == name);
    Ok(is_open.then_some(Written::ProjectExists))
}

/// The Git part is done: makes the rows. None where something of a project is under way that is to be
/// deleted.
pub(super) fn complete(
    rows: &mut Transaction,
    id: i64,
    (commit, now): (&CommitId, Timestamp),
    events: &[Event],
) -> Result<Option<Closed>, StoreError> {
    let Row { intent, by } = take(rows, id)?;
    match &intent {
        Intent::DeleteProject { project } => {
            if deletion::is_under_way(rows, project)? {
                rows.put(Table::Intent, &key(id), &Row { intent, by })?;
                return Ok(None);
            }
            deletion::delete(rows, project)?;
            report(rows, project, events)?;
            return Ok(Some((intent, by)));
        }
        Intent::CreateProject(new) => {
            let (name, shipyard) = (new.name.clone(), Arc::from(new.shipyard.as_str()));
            let commit = commit.clone();
            let row = ProjectRow { name, created: now, shipyard, commit, sli_provider: None };
            projects::insert(rows, row)?;
        }
        Intent::CreateService { project, service, .. } => {
            if !projects::insert_service(rows, project, service, now)? {
                return Err(damaged(format!("intent {id}"), "its service is there already"));
            }
        }
        Intent::DeleteService { project, service, .. } => {
            projects::remove_service(rows, project, service);
        }
    }
    log::append_events(rows, intent.project(), events)?;
    Ok(Some((intent, by)))
}

/// The Git part was undone: only the report of it stays.
pub(super) fn undo(
    rows: &mut Transaction,
    id: i64,
    events: &[Event],
) -> Result<Closed, StoreError> {
    let Row { intent, by } = take(rows, id)?;
    report(rows, intent.project(), events)?;
    Ok((intent, by))
}

/// Events about a project that may not be there yet, or never.
fn report(
    rows: &mut Transaction,
    project: &ProjectName,
    events: &[Event],
) -> Result<(), StoreError> {
    match projects::is_there(rows, project) {
        true => log::append_events(rows, project, events),
        false => log::append_events(rows, &ProjectName::unmapped(), events),
    }
}

fn take(rows: &mut Transaction, id: i64) -> Result<Row, StoreError> {
    let row = rows.get(Table::Intent, &key(id))?;
    let row = row.ok_or_else(|| damaged(format!("intent {id}"), "it is not open"))?;
    rows.remove(Table::Intent, &key(id));
    Ok(row)
}

/// Sagas that are open.
pub(super) fn open(rows: &Rows) -> Result<Vec<(i64, Intent)>, StoreError> {
    let intents = rows.scan(Table::Intent, &Key::new()).map(|(key, text)| {
        let row: Row = parse(Table::Intent, key, text)?;
        Ok((number_of(key).cast_signed(), row.intent))
    });
    intents.collect()
}
