//! Approvals. Their row number is the order in which they were asked, over all projects.

use postgres::Row;
use tidegate_core::approval::Approval;
use tidegate_core::event::Scope;
use tidegate_core::names::{EventId, ProjectName, ServiceName, StageName};

use crate::codec::{from_json, micros, to_json};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{ApprovalFilter, ApprovalState, PAGE_MAX, Page};

use super::list::{self, Conditions, List};
use super::session::{Session, get};

/// Writes an approval.
pub(super) fn put(session: &Session, approval: &Approval) -> Result<(), StoreError> {
    let (state, at) = ApprovalState::of(approval);
    session.execute(
        "INSERT INTO approval (id, project, stage, service, context, state, at, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE
         SET state = excluded.state, at = excluded.at, body = excluded.body",
        &[
            &approval.id.uuid(),
            &approval.scope.project.as_str(),
            &approval.scope.stage.as_str(),
            &approval.scope.service.as_str(),
            &approval.context.uuid(),
            &codes::approval_state(state),
            &at.map_or(0, micros),
            &to_json(approval, "approval")?,
        ],
    )?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<Approval, StoreError> {
    let seq: i64 = get(row, 0)?;
    from_json(get(row, 1)?, || format!("table approval, seq {seq}"))
}

/// One approval of a project.
pub(super) fn of_project(
    session: &Session,
    project: &ProjectName,
    id: EventId,
) -> Result<Option<Approval>, StoreError> {
    let sql = "SELECT seq, body FROM approval WHERE id = $1 AND project = $2";
    list::one(session, sql, &[&id.uuid(), &project.as_str()], read)
}

/// One approval.
pub(super) fn by_id(session: &Session, id: EventId) -> Result<Option<Approval>, StoreError> {
    list::one(session, "SELECT seq, body FROM approval WHERE id = $1", &[&id.uuid()], read)
}

/// The newest of a stage and service, among the newest of their project.
pub(super) fn newest(
    session: &Session,
    scope: &Scope,
    state: ApprovalState,
    limit: u64,
) -> Result<Vec<Approval>, StoreError> {
    let sql = "SELECT seq, body FROM (SELECT seq, at, stage, service, body FROM approval
          WHERE project = $1 AND state = $2 ORDER BY at DESC, seq DESC LIMIT $3) AS newest
        WHERE stage = $4 AND service = $5 ORDER BY at DESC, seq DESC LIMIT $6";
    let bound = |limit: u64| i64::try_from(limit.min(PAGE_MAX)).unwrap_or(i64::MAX);
    list::all(
        session,
        sql,
        &[
            &scope.project.as_str(),
            &codes::approval_state(state),
            &bound(PAGE_MAX),
            &scope.stage.as_str(),
            &scope.service.as_str(),
            &bound(limit),
        ],
        read,
    )
}

/// Approvals: what was decided or closed newest decision first, everything else in the order asked.
pub(super) fn page(
    session: &Session,
    filter: &ApprovalFilter,
    page: (u64, u64),
) -> Result<Page<Approval>, StoreError> {
    let mut conditions = Conditions::default();
    let mut name = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            conditions.bind(condition, value.to_owned());
        }
    };
    name("project = ?", filter.project.as_ref().map(ProjectName::as_str));
    name("stage = ?", filter.stage.as_ref().map(StageName::as_str));
    name("service = ?", filter.service.as_ref().map(ServiceName::as_str));
    if let Some(context) = filter.context {
        conditions.bind("context = ?", context.uuid());
    }
    if let Some(state) = filter.state {
        conditions.bind("state = ?", codes::approval_state(state));
    }
    let order = match filter.state {
        None => "seq",
        Some(ApprovalState::Open) => "at, seq",
        Some(ApprovalState::Decided | ApprovalState::Closed) => "at DESC, seq DESC",
    };
    List { columns: "seq, body", source: "approval", join: "", conditions, order }
        .page(session, page, read)
}
