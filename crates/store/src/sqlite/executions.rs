//! Executions. Their key is that of the event that triggered them, so key order is trigger order.

use rusqlite::{Connection, Row};
use tidegate_core::names::{ContextId, ExecutionId};
use tidegate_core::sequence::{Execution, ExecutionState, Resolve};

use crate::contract::StoreError;

use super::codec::{body, signed, to_json};
use super::keys::ProjectId;
use super::words::Numbers;

/// Writes an execution.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    execution: &Execution,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &execution.scope.project)?;
    let key = project.key(execution.position)?;
    let id = execution.id.as_bytes();
    let body = to_json(execution, "execution")?;
    let is_final = execution.state.is_final();
    let resolving = execution.state == ExecutionState::Resolving;
    // Most changes leave the searched columns alone; naming them would rewrite their indexes.
    let same = connection
        .prepare_cached(
            "UPDATE execution SET body = ?3
             WHERE key = ?1 AND id = ?2 AND final = ?4 AND resolving = ?5",
        )?
        .execute((key, id, &body, is_final, resolving))?;
    if same == 1 {
        return Ok(());
    }
    let changed = connection
        .prepare_cached(
            "UPDATE execution SET body = ?3, final = ?4, resolving = ?5 WHERE key = ?1 AND id = ?2",
        )?
        .execute((key, id, &body, is_final, resolving))?;
    if changed == 1 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO execution (key, id, context, final, resolving, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((key, id, execution.context.as_bytes(), is_final, resolving, &body))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Execution, StoreError> {
    let key: i64 = row.get(0)?;
    body(row, 1, || format!("table execution, key {key}"))
}

/// One execution of a project.
pub(super) fn by_id(
    connection: &Connection,
    project: ProjectId,
    id: ExecutionId,
) -> Result<Option<Execution>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query((id.as_bytes(), project.first(), project.last()))?;
    rows.next()?.map(read).transpose()
}

pub(super) const BY_ID: &str =
    "SELECT key, body FROM execution WHERE id = ?1 AND key BETWEEN ?2 AND ?3";

/// The executions of a context that are not final, in trigger order.
pub(super) fn open(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
    limit: u64,
) -> Result<Vec<Execution>, StoreError> {
    let mut statement = connection.prepare_cached(OPEN)?;
    let mut rows =
        statement.query((context.as_bytes(), project.first(), project.last(), signed(limit)))?;
    let mut executions = Vec::new();
    while let Some(row) = rows.next()? {
        executions.push(read(row)?);
    }
    Ok(executions)
}

pub(super) const OPEN: &str = "SELECT key, body FROM execution INDEXED BY execution_context
     WHERE context = ?1 AND final = 0 AND key BETWEEN ?2 AND ?3 ORDER BY key LIMIT ?4";

/// All executions of a context, in trigger order.
pub(super) fn of_context(
    connection: &Connection,
    project: ProjectId,
    context: ContextId,
) -> Result<Vec<Execution>, StoreError> {
    let mut statement = connection.prepare_cached(OF_CONTEXT)?;
    let mut rows = statement.query((context.as_bytes(), project.first(), project.last()))?;
    let mut executions = Vec::new();
    while let Some(row) = rows.next()? {
        executions.push(read(row)?);
    }
    Ok(executions)
}

pub(super) const OF_CONTEXT: &str = "SELECT key, body FROM execution INDEXED BY execution_context
     WHERE context = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key";

/// Executions whose shipyard was not read yet.
pub(super) fn unresolved(connection: &Connection, limit: u64) -> Result<Vec<Resolve>, StoreError> {
    let mut statement = connection.prepare_cached(UNRESOLVED)?;
    let mut rows = statement.query([signed(limit)])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let Execution { id, scope, requested_commit, .. } = read(row)?;
        waiting.push(Resolve { execution: id, scope, requested_commit });
    }
    Ok(waiting)
}

pub(super) const UNRESOLVED: &str = "SELECT key, body FROM execution
     INDEXED BY execution_resolving WHERE resolving = 1 ORDER BY key LIMIT ?1";
