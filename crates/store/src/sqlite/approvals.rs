//! Approvals. Their row number is the order in which they were asked, over all projects.

use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::EventId;

use crate::codes;
use crate::contract::StoreError;
use crate::query::{ApprovalFilter, ApprovalState, PAGE_MAX, Page};

use super::codec::{body, micros, to_json};
use super::keys::ProjectId;
use super::list::{Conditions, List};
use super::projects;
use super::tally::{self, Tally};
use super::waiting;
use super::words::Numbers;

/// Writes an approval.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    approval: &Approval,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &approval.scope.project)?;
    let body = to_json(approval, "approval")?;
    let (state, at) = searched(approval);
    let stage = numbers.word(connection, approval.scope.stage.as_str())?;
    let before: Option<(i64, i16)> = connection
        .prepare_cached("SELECT seq, state FROM approval WHERE id = ?1")?
        .query_row([approval.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match before {
        Some((seq, old)) => {
            let was_open = old == codes::approval_state(ApprovalState::Open);
            match (was_open, state == ApprovalState::Open) {
                (true, false) => waiting::remove(connection, project, stage, approval)?,
                (false, true) => waiting::add(connection, project, stage, approval)?,
                (true, true) | (false, false) => {}
            }
            connection
                .prepare_cached(
                    "UPDATE approval SET state = ?2, at = ?3, body = ?4 WHERE seq = ?1",
                )?
                .execute((seq, codes::approval_state(state), at, &body))?;
            for known in [ApprovalState::Open, ApprovalState::Decided, ApprovalState::Closed] {
                if codes::approval_state(known) == old {
                    tally::add(connection, project, counted(known), -1)?;
                }
            }
        }
        None => {
            if state == ApprovalState::Open {
                waiting::add(connection, project, stage, approval)?;
            }
            connection
                .prepare_cached(
                    "INSERT INTO approval (id, project, stage, service, context, state, at, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute((
                    approval.id.as_bytes(),
                    project.0,
                    stage,
                    numbers.word(connection, approval.scope.service.as_str())?,
                    approval.context.as_bytes(),
                    codes::approval_state(state),
                    at,
                    &body,
                ))?;
        }
    }
    tally::add(connection, project, counted(state), 1)
}

/// What the columns `state` and `at` say of it.
pub(super) fn searched(approval: &Approval) -> (ApprovalState, i64) {
    let (state, at) = ApprovalState::of(approval);
    (state, at.map_or(0, micros))
}

fn counted(state: ApprovalState) -> Tally {
    match state {
        ApprovalState::Open => Tally::Open,
        ApprovalState::Decided => Tally::Decided,
        ApprovalState::Closed => Tally::Closed,
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<Approval, StoreError> {
    let seq: i64 = row.get(0)?;
    body(row, 1, || format!("table approval, seq {seq}"))
}

/// One approval of a project.
pub(super) fn of_project(
    connection: &Connection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<Approval>, StoreError> {
    let mut statement = connection.prepare_cached(OF_PROJECT)?;
    let mut rows = statement.query((id.as_bytes(), project.0))?;
    rows.next()?.map(read).transpose()
}

pub(super) const OF_PROJECT: &str = "SELECT seq, body FROM approval WHERE id = ?1 AND project = ?2";

/// One approval.
pub(super) fn by_id(connection: &Connection, id: EventId) -> Result<Option<Approval>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT seq, body FROM approval WHERE id = ?1")?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?.map(read).transpose()
}

pub(super) const NEWEST: &str = "SELECT seq, body FROM approval WHERE seq IN (
    SELECT seq FROM (SELECT seq, at, stage, service FROM approval INDEXED BY approval_project
      WHERE project = ?1 AND state = ?2 ORDER BY at DESC, seq DESC LIMIT ?3)
    WHERE stage = (SELECT id FROM word WHERE text = ?4)
      AND service = (SELECT id FROM word WHERE text = ?5)
    ORDER BY at DESC, seq DESC LIMIT ?6)
  ORDER BY at DESC, seq DESC";

/// The newest of a stage and service, among the newest of their project.
pub(super) fn newest(
    connection: &Connection,
    scope: &Scope,
    state: ApprovalState,
    limit: u64,
) -> Result<Vec<Approval>, StoreError> {
    let Some(project) = projects::id(connection, &scope.project)? else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(NEWEST)?;
    let mut rows = statement.query((
        project.0,
        codes::approval_state(state),
        bound(PAGE_MAX),
        scope.stage.as_str(),
        scope.service.as_str(),
        bound(limit.min(PAGE_MAX)),
    ))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A limit that is small enough, as SQLite takes it.
fn bound(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Approvals: what was decided or closed newest decision first, everything else in the order asked.
pub(super) fn page(
    connection: &Connection,
    filter: &ApprovalFilter,
    page: (u64, u64),
) -> Result<Page<Approval>, StoreError> {
    let project = match &filter.project {
        Some(name) => match projects::id(connection, name)? {
            Some(id) => Some(id),
            None => return Ok(Page::empty()),
        },
        None => None,
    };
    let total = known_total(connection, filter, project)?;
    list(filter, project).page(connection, total, page, read)
}

fn known_total(
    connection: &Connection,
    filter: &ApprovalFilter,
    project: Option<ProjectId>,
) -> Result<Option<u64>, StoreError> {
    if filter.stage.is_some() || filter.service.is_some() || filter.context.is_some() {
        return Ok(None);
    }
    let states = match filter.state {
        Some(state) => vec![state],
        None => vec![ApprovalState::Open, ApprovalState::Decided, ApprovalState::Closed],
    };
    let mut total = 0;
    for state in states {
        total += tally::total(connection, project, counted(state))?;
    }
    Ok(Some(total))
}

pub(super) fn list(filter: &ApprovalFilter, project: Option<ProjectId>) -> List<'static> {
    let mut conditions = Conditions::default();
    if let Some(context) = filter.context {
        conditions.bind("context = ?", context.as_bytes().to_vec());
    }
    if let Some(project) = project {
        conditions.bind("project = ?", project.0);
    }
    if let Some(state) = filter.state {
        conditions.bind("state = ?", codes::approval_state(state));
    }
    if let Some(stage) = &filter.stage {
        conditions.word("stage", stage.as_str());
    }
    if let Some(service) = &filter.service {
        conditions.word("service", service.as_str());
    }
    let source = match (filter.context, project, filter.state) {
        (Some(_), _, _) => "approval INDEXED BY approval_context",
        (None, Some(_), Some(_)) => "approval INDEXED BY approval_project",
        (None, None, Some(_)) => "approval INDEXED BY approval_state",
        (None, _, None) => "approval NOT INDEXED",
    };
    let order = match filter.state {
        None => "seq",
        Some(ApprovalState::Open) => "at, seq",
        Some(ApprovalState::Decided | ApprovalState::Closed) => "at DESC, seq DESC",
    };
    List { columns: "seq, body", source, join: "", conditions, order }
}
