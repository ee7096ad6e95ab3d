//! Work that touches both the store and Git: begun here, done there, completed or undone here.

use std::sync::Arc;

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::event::Event;
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::Principal;

use crate::audit::Closed;
use crate::codec::{damaged, from_json, to_json};
use crate::contract::{StoreError, Written};
use crate::rows::{Intent, ProjectRow};

use super::session::{Session, get};
use super::{deletion, list, log, projects};

/// Begins a saga, unless it cannot succeed or another one is open for the project.
pub(super) fn begin(
    session: &Session,
    intent: &Intent,
    by: &Principal,
    events: &[Event],
) -> Result<Written, StoreError> {
    if let Some(refusal) = refusal(session, intent)? {
        return Ok(refusal);
    }
    let row = session.first(
        "INSERT INTO intent (project, principal, body) VALUES ($1, $2, $3) RETURNING id",
        &[&intent.project().as_str(), &to_json(by, "principal")?, &to_json(intent, "intent")?],
    )?;
    let row = row.ok_or_else(|| damaged("table intent", "a new row has no number"))?;
    report(session, intent.project(), events)?;
    Ok(Written::Begun(get(&row, 0)?))
}

fn refusal(session: &Session, intent: &Intent) -> Result<Option<Written>, StoreError> {
    let exists = projects::exists(session, intent.project())?;
    match intent {
        Intent::CreateProject(_) if exists => return Ok(Some(Written::ProjectExists)),
        Intent::CreateProject(_) => {}
        Intent::CreateService { service, project, .. } => {
            if !exists || project.is_unmapped() {
                return Ok(Some(Written::NoProject));
            }
            if projects::has_service(session, project, service)? {
                return Ok(Some(Written::ServiceExists));
            }
        }
        Intent::DeleteProject { project } => {
            if !exists || project.is_unmapped() {
                return Ok(Some(Written::NoProject));
            }
        }
        Intent::DeleteService { service, project, .. } => {
            if !exists || project.is_unmapped() {
                return Ok(Some(Written::NoProject));
            }
            if !projects::has_service(session, project, service)? {
                return Ok(Some(Written::NoService));
            }
        }
    }
    let sql = "SELECT FROM intent WHERE project = $1";
    let open = session.first(sql, &[&intent.project().as_str()])?;
    Ok(open.map(|_| Written::ProjectExists))
}

/// The Git part is done: makes the rows. None where something of a project is under way that is to be
/// deleted.
pub(super) fn complete(
    session: &Session,
    id: i64,
    (commit, now): (&CommitId, Timestamp),
    events: &[Event],
) -> Result<Option<Closed>, StoreError> {
    let read = session.first("SELECT body FROM intent WHERE id = $1", &[&id])?;
    if let Some(row) = read
        && let Intent::DeleteProject { project } =
            from_json(get(&row, 0)?, || format!("table intent, id {id}"))?
    {
        if deletion::is_under_way(session, &project)? {
            return Ok(None);
        }
        let closed = take(session, id)?;
        deletion::delete(session, &project)?;
        report(session, &project, events)?;
        return Ok(Some(closed));
    }
    let (intent, by) = take(session, id)?;
    match &intent {
        Intent::DeleteProject { .. } => {}
        Intent::CreateProject(new) => {
            let (name, shipyard) = (new.name.clone(), Arc::from(new.shipyard.as_str()));
            let commit = commit.clone();
            let row = ProjectRow { name, created: now, shipyard, commit, sli_provider: None };
            projects::insert(session, &row)?;
        }
        Intent::CreateService { project, service, .. } => {
            if !projects::insert_service(session, project, service, now)? {
                return Err(damaged(format!("intent {id}"), "its service is there already"));
            }
        }
        Intent::DeleteService { project, service, .. } => {
            projects::remove_service(session, project, service)?;
        }
    }
    log::append_events(session, intent.project(), events)?;
    Ok(Some((intent, by)))
}

/// The Git part was undone: only the report of it stays.
pub(super) fn undo(session: &Session, id: i64, events: &[Event]) -> Result<Closed, StoreError> {
    let (intent, by) = take(session, id)?;
    report(session, intent.project(), events)?;
    Ok((intent, by))
}

/// Events about a project that may not be there yet, or never.
fn report(session: &Session, project: &ProjectName, events: &[Event]) -> Result<(), StoreError> {
    if projects::exists(session, project)? {
        log::append_events(session, project, events)
    } else {
        log::append_events(session, &ProjectName::unmapped(), events)
    }
}

fn take(session: &Session, id: i64) -> Result<Closed, StoreError> {
    let row =
        session.first("DELETE FROM intent WHERE id = $1 RETURNING body, principal", &[&id])?;
    let what = || format!("table intent, id {id}");
    let row = row.ok_or_else(|| damaged(what(), "it is not open"))?;
    Ok((from_json(get(&row, 0)?, what)?, from_json(get(&row, 1)?, what)?))
}

/// Sagas that are open.
pub(super) fn open(session: &Session) -> Result<Vec<(i64, Intent)>, StoreError> {
    let read = |row: &Row| {
        let id: i64 = get(row, 0)?;
        Ok((id, from_json(get(row, 1)?, || format!("table intent, id {id}"))?))
    };
    list::all(session, "SELECT id, body FROM intent ORDER BY id", &[], read)
}
