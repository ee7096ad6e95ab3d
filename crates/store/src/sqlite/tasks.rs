//! Tasks: open ones, and those that are over, whose answers may come again.

use rusqlite::{Connection, Row};
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::{Execution, ExecutionState, Task, TaskState};

use crate::contract::StoreError;

use super::codec::{body, to_json};
use super::keys::ProjectId;
use super::words::Numbers;

/// Writes a task; answers the bytes of its JSON.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    project: &ProjectName,
    task: &Task,
) -> Result<usize, StoreError> {
    let project = numbers.own_project(connection, project)?;
    let body = to_json(task, "task")?;
    connection
        .prepare_cached(
            "INSERT INTO task (id, project, execution, draining, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET draining = excluded.draining, body = excluded.body",
        )?
        .execute((
            task.id.as_bytes(),
            project.0,
            task.execution.as_bytes(),
            task.state == TaskState::Draining,
            &body,
        ))?;
    Ok(body.len())
}

pub(super) fn read(row: &Row<'_>) -> Result<Task, StoreError> {
    let id: [u8; 16] = row.get(0)?;
    body(row, 1, || format!("table task, id {}", EventId::from_bytes(id)))
}

/// One task of a project.
pub(super) fn by_id(
    connection: &Connection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<Task>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query((id.as_bytes(), project.0))?;
    rows.next()?.map(read).transpose()
}

pub(super) const BY_ID: &str = "SELECT id, body FROM task WHERE id = ?1 AND project = ?2";

/// The open task of an execution. An aborted one has a task only while its job still runs.
pub(super) fn of_execution(
    connection: &Connection,
    project: ProjectId,
    execution: &Execution,
) -> Result<Option<Task>, StoreError> {
    match &execution.state {
        ExecutionState::Running { task } => by_id(connection, project, *task),
        ExecutionState::WaitingForApproval { approval } => by_id(connection, project, *approval),
        ExecutionState::Aborted { .. } => {
            let mut statement = connection.prepare_cached(DRAINING)?;
            let mut rows = statement.query([execution.id.as_bytes()])?;
            rows.next()?.map(read).transpose()
        }
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Delayed { .. }
        | ExecutionState::Ready { .. }
        | ExecutionState::Paused { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::TimedOut { .. } => Ok(None),
    }
}

pub(super) const DRAINING: &str =
    "SELECT id, body FROM task INDEXED BY task_draining WHERE execution = ?1 AND draining = 1";
