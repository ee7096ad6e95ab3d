//! Executions. Their key is that of the event that triggered them, so key order is trigger order.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use tidegate_core::names::{ContextId, ExecutionId};
use tidegate_core::sequence::{Execution, ExecutionState, Resolve};
use tidegate_core::shipyard::TaskDefinition;

use crate::codes;
use crate::contract::StoreError;
use crate::query::{ExecutionFilter, Page, Standing};

use super::codec::{body, signed, to_json};
use super::keys::ProjectId;
use super::list::{Conditions, List};
use super::plans::{self, PlanId};
use super::words::Numbers;

/// Writes an execution; answers the bytes of its JSON. Its tasks are written once, when it has got them.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    execution: &Execution,
) -> Result<usize, StoreError> {
    let project = numbers.own_project(connection, &execution.scope.project)?;
    let key = project.key(execution.position)?;
    let id = execution.id.as_bytes();
    let body = to_json(execution, "execution")?;
    let is_final = execution.state.is_final();
    let resolving = execution.state == ExecutionState::Resolving;
    let standing = codes::standing(Standing::of(&execution.state));
    // Most changes leave the searched columns alone; naming them would rewrite their indexes.
    let same = connection
        .prepare_cached(
            "UPDATE execution SET body = ?3, standing = ?6
             WHERE key = ?1 AND id = ?2 AND final = ?4 AND resolving = ?5",
        )?
        .execute((key, id, &body, is_final, resolving, standing))?;
    if same == 1 {
        return Ok(body.len());
    }
    let plan = plans::put(connection, &execution.tasks)?;
    let changed = connection
        .prepare_cached(
            "UPDATE execution SET body = ?3, final = ?4, resolving = ?5, standing = ?6, plan = ?7
             WHERE key = ?1 AND id = ?2",
        )?
        .execute((key, id, &body, is_final, resolving, standing, plan))?;
    if changed == 1 {
        return Ok(body.len());
    }
    connection
        .prepare_cached(
            "INSERT INTO execution (key, id, context, final, resolving, body, plan, stage, service,
                                    name, standing)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            key,
            id,
            execution.context.as_bytes(),
            is_final,
            resolving,
            &body,
            plan,
            numbers.word(connection, execution.scope.stage.as_str())?,
            numbers.word(connection, execution.scope.service.as_str())?,
            numbers.word(connection, execution.sequence.as_str())?,
            standing,
        ))?;
    Ok(body.len())
}

/// Where plans come from: the writer's memory, or the table.
pub(super) type FindPlan<'a> = &'a dyn Fn(PlanId) -> Result<Arc<[TaskDefinition]>, StoreError>;

/// Reads `key, body, plan`.
pub(super) fn read(row: &Row<'_>, plan: FindPlan<'_>) -> Result<Execution, StoreError> {
    let key: i64 = row.get(0)?;
    let mut execution: Execution = body(row, 1, || format!("table execution, key {key}"))?;
    if let Some(id) = row.get(2)? {
        execution.tasks = plan(id)?;
    }
    Ok(execution)
}

/// One execution of a project.
pub(super) fn by_id(
    connection: &Connection,
    project: ProjectId,
    id: ExecutionId,
    plan: FindPlan<'_>,
) -> Result<Option<Execution>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query((id.as_bytes(), project.first(), project.last()))?;
    rows.next()?.map(|row| read(row, plan)).transpose()
}

pub(super) const BY_ID: &str =
    "SELECT key, body, plan FROM execution WHERE id = ?1 AND key BETWEEN ?2 AND ?3";

/// The executions of a context that are not final and stand behind a position, in trigger order.
pub(super) fn open(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
    (after, limit): (u64, u64),
    plan: FindPlan<'_>,
) -> Result<Vec<Execution>, StoreError> {
    let mut statement = connection.prepare_cached(OPEN)?;
    let from = project.first().saturating_add(signed(after)).saturating_add(1);
    let mut rows = statement.query((context.as_bytes(), from, project.last(), signed(limit)))?;
    let mut executions = Vec::new();
    while let Some(row) = rows.next()? {
        executions.push(read(row, plan)?);
    }
    Ok(executions)
}

pub(super) const OPEN: &str = "SELECT key, body, plan FROM execution INDEXED BY execution_context
     WHERE context = ?1 AND final = 0 AND key BETWEEN ?2 AND ?3 ORDER BY key LIMIT ?4";

/// All executions of a context, in trigger order.
pub(super) fn of_context(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
) -> Result<Vec<Execution>, StoreError> {
    let plan = |id| plans::read(connection, id);
    let mut statement = connection.prepare_cached(OF_CONTEXT)?;
    let mut rows = statement.query((context.as_bytes(), project.first(), project.last()))?;
    let mut executions = Vec::new();
    while let Some(row) = rows.next()? {
        executions.push(read(row, &plan)?);
    }
    Ok(executions)
}

pub(super) const OF_CONTEXT: &str =
    "SELECT key, body, plan FROM execution INDEXED BY execution_context
     WHERE context = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key";

/// Executions of a project, newest first.
pub(super) fn page(
    connection: &Connection,
    project: ProjectId,
    filter: &ExecutionFilter,
    page: (u64, u64),
) -> Result<Page<Execution>, StoreError> {
    let plan = |id| plans::read(connection, id);
    list(project, filter).page(connection, None, page, |row| read(row, &plan))
}

pub(super) fn list(project: ProjectId, filter: &ExecutionFilter) -> List<'static> {
    let ExecutionFilter { stage, service, name, states, context } = filter;
    let mut conditions = Conditions::default();
    if let Some(context) = context {
        conditions.bind("context = ?", context.as_bytes().to_vec());
    }
    if let Some(stage) = stage {
        conditions.word("stage", stage.as_str());
    }
    if let Some(service) = service {
        conditions.word("service", service.as_str());
    }
    if let Some(name) = name {
        conditions.word("name", name.as_str());
    }
    if !states.is_empty() {
        let codes: Vec<String> =
            states.iter().map(|state| codes::standing(*state).to_string()).collect();
        conditions.fixed(&format!("standing IN ({})", codes.join(", ")));
    }
    conditions.keys_of("key", project);
    let source = match (context, stage, service, name) {
        (Some(_), ..) => "execution INDEXED BY execution_context",
        (None, Some(_), Some(_), Some(_)) => "execution INDEXED BY execution_place",
        _ => "execution NOT INDEXED",
    };
    List { columns: "key, body, plan", source, join: "", conditions, order: "key DESC" }
}

/// Executions whose shipyard was not read yet.
pub(super) fn unresolved(connection: &Connection, limit: u64) -> Result<Vec<Resolve>, StoreError> {
    let plan = |id| plans::read(connection, id);
    let mut statement = connection.prepare_cached(UNRESOLVED)?;
    let mut rows = statement.query([signed(limit)])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let Execution { id, scope, requested_commit, .. } = read(row, &plan)?;
        waiting.push(Resolve { execution: id, scope, requested_commit });
    }
    Ok(waiting)
}

pub(super) const UNRESOLVED: &str = "SELECT key, body, plan FROM execution
     INDEXED BY execution_resolving WHERE resolving = 1 ORDER BY key LIMIT ?1";
