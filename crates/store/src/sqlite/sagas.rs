//! Work that touches both the store and Git: begun here, done there, completed or undone here.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::event::Event;
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::Principal;

use crate::audit::Closed;
use crate::contract::{StoreError, Written};
use crate::rows::{Intent, ProjectRow};

use super::codec::{damaged, from_json, to_json};
use super::words::Numbers;
use super::{deletion, log, projects};

/// Begins a saga, unless it cannot succeed or another one is open for the project.
pub(super) fn begin(
    connection: &Connection,
    numbers: &Numbers,
    intent: &Intent,
    by: &Principal,
    events: &[Event],
) -> Result<Written, StoreError> {
    if let Some(refusal) = refusal(connection, numbers, intent)? {
        return Ok(refusal);
    }
    connection
        .prepare_cached("INSERT INTO intent (project, body, principal) VALUES (?1, ?2, ?3)")?
        .execute((
            intent.project().as_str(),
            to_json(intent, "intent")?,
            to_json(by, "principal")?,
        ))?;
    let id = connection.last_insert_rowid();
    report(connection, numbers, intent.project(), events)?;
    Ok(Written::Begun(id))
}

fn refusal(
    connection: &Connection,
    numbers: &Numbers,
    intent: &Intent,
) -> Result<Option<Written>, StoreError> {
    let project = numbers.project(connection, intent.project())?;
    match (intent, project) {
        (Intent::CreateProject(_), Some(_)) => return Ok(Some(Written::ProjectExists)),
        (Intent::CreateProject(_), None) => {}
        (Intent::CreateService { service, project: name, .. }, Some(project)) => {
            if name.is_unmapped() {
                return Ok(Some(Written::NoProject));
            }
            if projects::has_service(connection, project, service)? {
                return Ok(Some(Written::ServiceExists));
            }
        }
        (Intent::DeleteService { service, .. }, Some(project)) => {
            if !projects::has_service(connection, project, service)? {
                return Ok(Some(Written::NoService));
            }
        }
        (Intent::DeleteProject { project }, Some(_)) if !project.is_unmapped() => {}
        (
            Intent::CreateService { .. }
            | Intent::DeleteService { .. }
            | Intent::DeleteProject { .. },
            _,
        ) => {
            return Ok(Some(Written::NoProject));
        }
    }
    let mut open = connection.prepare_cached("SELECT 1 FROM intent WHERE project = ?1")?;
    Ok(open.exists([intent.project().as_str()])?.then_some(Written::ProjectExists))
}

/// The Git part is done: makes the rows. None where something of a project is under way that is to be
/// deleted.
pub(super) fn complete(
    connection: &Connection,
    numbers: &Numbers,
    id: i64,
    (commit, now): (&CommitId, Timestamp),
    events: &[Event],
) -> Result<Option<Closed>, StoreError> {
    let (intent, by) = take(connection, id)?;
    match &intent {
        Intent::DeleteProject { project } => {
            let number = numbers.own_project(connection, project)?;
            if deletion::is_under_way(connection, number, project)? {
                keep(connection, id, &intent, &by)?;
                return Ok(None);
            }
            deletion::delete(connection, number)?;
            // Its number may be given again.
            numbers.forget();
            report(connection, numbers, project, events)?;
            return Ok(Some((intent, by)));
        }
        Intent::CreateProject(new) => {
            let (name, shipyard) = (new.name.clone(), Arc::from(new.shipyard.as_str()));
            let commit = commit.clone();
            let row = ProjectRow { name, created: now, shipyard, commit, sli_provider: None };
            projects::insert(connection, &row)?;
        }
        Intent::CreateService { project, service, .. } => {
            let project = numbers.own_project(connection, project)?;
            if !projects::insert_service(connection, project, service, now)? {
                return Err(damaged(format!("intent {id}"), "its service is there already"));
            }
        }
        Intent::DeleteService { project, service, .. } => {
            let project = numbers.own_project(connection, project)?;
            projects::remove_service(connection, project, service)?;
        }
    }
    log::append_events(connection, numbers, intent.project(), events)?;
    Ok(Some((intent, by)))
}

/// Puts a saga back that stays open.
fn keep(
    connection: &Connection,
    id: i64,
    intent: &Intent,
    by: &Principal,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO intent (id, project, body, principal) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((
            id,
            intent.project().as_str(),
            to_json(intent, "intent")?,
            to_json(by, "principal")?,
        ))?;
    Ok(())
}

/// The Git part was undone: only the report of it stays.
pub(super) fn undo(
    connection: &Connection,
    numbers: &Numbers,
    id: i64,
    events: &[Event],
) -> Result<Closed, StoreError> {
    let (intent, by) = take(connection, id)?;
    report(connection, numbers, intent.project(), events)?;
    Ok((intent, by))
}

/// Events about a project that may not be there yet, or never.
fn report(
    connection: &Connection,
    numbers: &Numbers,
    project: &ProjectName,
    events: &[Event],
) -> Result<(), StoreError> {
    match numbers.project(connection, project)? {
        Some(_) => log::append_events(connection, numbers, project, events),
        None => log::append_events(connection, numbers, &ProjectName::unmapped(), events),
    }
}

fn take(connection: &Connection, id: i64) -> Result<Closed, StoreError> {
    let row: Option<(String, Option<String>)> = connection
        .prepare_cached("DELETE FROM intent WHERE id = ?1 RETURNING body, principal")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let what = || format!("table intent, id {id}");
    let (body, by) = row.ok_or_else(|| damaged(what(), "it is not open"))?;
    let by = match by {
        Some(by) => from_json(&by, what)?,
        // An earlier version did not keep who began it.
        None => Principal::tidegate(),
    };
    Ok((from_json(&body, what)?, by))
}

/// Sagas that are open.
pub(super) fn open(connection: &Connection) -> Result<Vec<(i64, Intent)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, body FROM intent ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let body: String = row.get(1)?;
        intents.push((id, from_json(&body, || format!("table intent, id {id}"))?));
    }
    Ok(intents)
}
