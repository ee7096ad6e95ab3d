//! Tasks: open ones, and those that are over, whose answers may come again.

use postgres::Row;
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::{Execution, ExecutionState, Task, TaskState};

use crate::codec::{from_json, to_json};
use crate::contract::StoreError;

use super::list;
use super::session::{Session, get};

/// Writes a task.
pub(super) fn put(session: &Session, project: &ProjectName, task: &Task) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO task (id, project, execution, draining, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET draining = excluded.draining, body = excluded.body",
        &[
            &task.id.uuid(),
            &project.as_str(),
            &task.execution.uuid(),
            &(task.state == TaskState::Draining),
            &to_json(task, "task")?,
        ],
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<Task, StoreError> {
    let id: uuid::Uuid = get(row, 0)?;
    from_json(get(row, 1)?, || format!("table task, id {id}"))
}

/// One task of a project.
pub(super) fn by_id(
    session: &Session,
    project: &ProjectName,
    id: EventId,
) -> Result<Option<Task>, StoreError> {
    let sql = "SELECT id, body FROM task WHERE id = $1 AND project = $2";
    list::one(session, sql, &[&id.uuid(), &project.as_str()], read)
}

/// The open task of an execution. An aborted one has a task only while its job still runs.
pub(super) fn of_execution(
    session: &Session,
    project: &ProjectName,
    execution: &Execution,
) -> Result<Option<Task>, StoreError> {
    match &execution.state {
        ExecutionState::Running { task } => by_id(session, project, *task),
        ExecutionState::WaitingForApproval { approval } => by_id(session, project, *approval),
        ExecutionState::Aborted { .. } => {
            let sql = "SELECT id, body FROM task WHERE execution = $1 AND draining";
            list::one(session, sql, &[&execution.id.uuid()], read)
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
