//! Executions. Their position is that of the event that triggered them.

use postgres::Row;
use tidegate_core::names::{ContextId, ExecutionId, ProjectName, SequenceName};
use tidegate_core::names::{ServiceName, StageName};
use tidegate_core::sequence::{Execution, ExecutionState, Resolve};
use uuid::Uuid;

use crate::codec::{damaged, from_json, signed, to_json};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{ExecutionFilter, Page, Standing};

use super::list::{self, Conditions, List};
use super::plans;
use super::session::{Session, get};

/// Writes an execution. Its tasks are written once, when it has got them.
pub(super) fn put(session: &Session, execution: &Execution) -> Result<(), StoreError> {
    let project = &execution.scope.project;
    let changed = session.execute(
        "INSERT INTO execution (project, position, id, context, stage, service, name, final,
                                resolving, standing, plan, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (project, position) DO UPDATE
         SET final = excluded.final, resolving = excluded.resolving,
             standing = excluded.standing, plan = excluded.plan, body = excluded.body
         WHERE execution.id = excluded.id",
        &[
            &project.as_str(),
            &signed(execution.position),
            &execution.id.uuid(),
            &execution.context.uuid(),
            &execution.scope.stage.as_str(),
            &execution.scope.service.as_str(),
            &execution.sequence.as_str(),
            &execution.state.is_final(),
            &(execution.state == ExecutionState::Resolving),
            &codes::standing(Standing::of(&execution.state)),
            &plans::put(session, &execution.tasks)?,
            &to_json(execution, "execution")?,
        ],
    )?;
    if changed == 1 {
        return Ok(());
    }
    let what = format!("table execution, project {project}, position {}", execution.position);
    Err(damaged(what, "another execution stands there"))
}

const COLUMNS: &str = "execution.id, execution.body, execution.plan, plan.body";
const PLAN: &str = "LEFT JOIN plan ON plan.id = execution.plan";

/// Reads [`COLUMNS`].
fn read(row: &Row) -> Result<Execution, StoreError> {
    let id: Uuid = get(row, 0)?;
    let mut execution: Execution = from_json(get(row, 1)?, || format!("table execution, id {id}"))?;
    if let Some(plan) = get(row, 2)? {
        execution.tasks = plans::read(plan, get(row, 3)?)?;
    }
    Ok(execution)
}

/// One execution of a project.
pub(super) fn by_id(
    session: &Session,
    project: &ProjectName,
    id: ExecutionId,
) -> Result<Option<Execution>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM execution {PLAN} WHERE execution.id = $1 AND project = $2");
    list::one(session, &sql, &[&id.uuid(), &project.as_str()], read)
}

/// The executions of a context that are not final and stand behind a position, in trigger order.
pub(super) fn open(
    session: &Session,
    project: &ProjectName,
    context: ContextId,
    (after, limit): (u64, u64),
) -> Result<Vec<Execution>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM execution {PLAN}
         WHERE context = $1 AND project = $2 AND NOT final AND position > $3
         ORDER BY position LIMIT $4"
    );
    let (after, limit) = (signed(after), signed(limit));
    list::all(session, &sql, &[&context.uuid(), &project.as_str(), &after, &limit], read)
}

/// All executions of a context, in trigger order.
pub(super) fn of_context(
    session: &Session,
    project: &ProjectName,
    context: ContextId,
) -> Result<Vec<Execution>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM execution {PLAN} WHERE context = $1 AND project = $2
         ORDER BY position"
    );
    list::all(session, &sql, &[&context.uuid(), &project.as_str()], read)
}

/// Executions of a project, newest first.
pub(super) fn page(
    session: &Session,
    project: &ProjectName,
    filter: &ExecutionFilter,
    page: (u64, u64),
) -> Result<Page<Execution>, StoreError> {
    let ExecutionFilter { stage, service, name, states, context } = filter;
    let mut conditions = Conditions::default();
    let mut text = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            conditions.bind(condition, value.to_owned());
        }
    };
    text("project = ?", Some(project.as_str()));
    text("stage = ?", stage.as_ref().map(StageName::as_str));
    text("service = ?", service.as_ref().map(ServiceName::as_str));
    text("name = ?", name.as_ref().map(SequenceName::as_str));
    if let Some(context) = context {
        conditions.bind("context = ?", context.uuid());
    }
    if !states.is_empty() {
        let codes: Vec<i16> = states.iter().copied().map(codes::standing).collect();
        conditions.bind("standing = ANY(?)", codes);
    }
    let (source, order) = ("execution", "position DESC");
    List { columns: COLUMNS, source, join: PLAN, conditions, order }.page(session, page, read)
}

/// Executions whose shipyard was not read yet.
pub(super) fn unresolved(session: &Session, limit: u64) -> Result<Vec<Resolve>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM execution {PLAN} WHERE resolving ORDER BY project, position LIMIT $1"
    );
    list::all(session, &sql, &[&signed(limit)], |row| {
        let Execution { id, scope, requested_commit, .. } = read(row)?;
        Ok(Resolve { execution: id, scope, requested_commit })
    })
}
