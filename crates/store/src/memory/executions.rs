//! Executions and their tasks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{Execution, ExecutionState, Resolve, Task, TaskState};
use tidegate_core::shipyard::TaskDefinition;

use crate::contract::StoreError;
use crate::query::{ExecutionFilter, ExecutionSummary, Standing};

use super::page::admits;
use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct ExecutionRow {
    execution: Execution,
    /// They are no part of the execution's own text.
    tasks: Arc<[TaskDefinition]>,
}

impl From<ExecutionRow> for Execution {
    fn from(ExecutionRow { execution, tasks }: ExecutionRow) -> Self {
        Self { tasks, ..execution }
    }
}

#[derive(Serialize, Deserialize)]
struct TaskRow {
    project: ProjectName,
    n: u64,
    task: Task,
}

fn key(id: ExecutionId) -> Key {
    Key::new().bytes(id.as_bytes())
}

fn of_context(project: &ProjectName, context: ContextId) -> Key {
    Key::new().text(project.as_str()).bytes(context.as_bytes())
}

/// Writes an execution.
pub(super) fn put(rows: &mut Transaction, execution: &Execution) -> Result<(), StoreError> {
    let of_context = of_context(&execution.scope.project, execution.context);
    rows.put(Table::ContextExecution, &of_context.number(execution.position), &execution.id)?;
    let row = ExecutionRow { execution: execution.clone(), tasks: Arc::clone(&execution.tasks) };
    rows.put(Table::Execution, &key(execution.id), &row)
}

/// One execution of a project.
pub(super) fn one(
    rows: &Rows,
    project: &ProjectName,
    id: ExecutionId,
) -> Result<Option<Execution>, StoreError> {
    let found: Option<ExecutionRow> = rows.get(Table::Execution, &key(id))?;
    Ok(found.map(Execution::from).filter(|execution| execution.scope.project == *project))
}

/// The executions of a context that are not final and stand behind a position, in trigger order.
pub(super) fn open(
    rows: &Rows,
    project: &ProjectName,
    context: ContextId,
    after: u64,
    limit: usize,
) -> Result<Vec<Execution>, StoreError> {
    let prefix = of_context(project, context);
    let behind = prefix.clone().number(after);
    let mut found = Vec::new();
    for (_, id) in rows.scan_after(Table::ContextExecution, &prefix, &behind) {
        let execution = by_text(rows, id)?.filter(|execution| !execution.state.is_final());
        found.extend(execution);
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// `id` is the text of an index row.
fn by_text(rows: &Rows, id: &str) -> Result<Option<Execution>, StoreError> {
    let id: ExecutionId = super::table::parse(Table::ContextExecution, id.as_bytes(), id)?;
    Ok(rows.get::<ExecutionRow>(Table::Execution, &key(id))?.map(Execution::from))
}

/// All executions of a context, in trigger order.
pub(super) fn of(
    rows: &Rows,
    project: &ProjectName,
    context: ContextId,
) -> Result<Vec<Execution>, StoreError> {
    let ids = rows.scan(Table::ContextExecution, &of_context(project, context));
    ids.filter_map(|(_, id)| by_text(rows, id).transpose()).collect()
}

/// All executions.
pub(super) fn all(rows: &Rows) -> Result<Vec<Execution>, StoreError> {
    let found: Vec<ExecutionRow> = rows.all(Table::Execution, &Key::new())?;
    Ok(found.into_iter().map(Execution::from).collect())
}

/// Executions that match, newest first.
pub(super) fn list(
    rows: &Rows,
    project: &ProjectName,
    filter: &ExecutionFilter,
) -> Result<Vec<Execution>, StoreError> {
    let ExecutionFilter { stage, service, name, states, context } = filter;
    let mut found = all(rows)?;
    found.retain(|execution| {
        let scope = &execution.scope;
        scope.project == *project
            && admits(stage.as_ref(), &scope.stage)
            && admits(service.as_ref(), &scope.service)
            && admits(name.as_ref(), &execution.sequence)
            && admits(context.as_ref(), &execution.context)
            && (states.is_empty() || states.contains(&Standing::of(&execution.state)))
    });
    found.sort_by_key(|execution| std::cmp::Reverse(execution.position));
    Ok(found)
}

/// Executions whose shipyard was not read yet.
pub(super) fn unresolved(rows: &Rows) -> Result<Vec<Resolve>, StoreError> {
    let mut found = all(rows)?;
    found.retain(|execution| execution.state == ExecutionState::Resolving);
    found.sort_by(|a, b| (&a.scope.project, a.position).cmp(&(&b.scope.project, b.position)));
    let resolve = |Execution { id, scope, requested_commit, .. }| Resolve {
        execution: id,
        scope,
        requested_commit,
    };
    Ok(found.into_iter().map(resolve).collect())
}

/// Forgets an execution with its tasks.
pub(super) fn forget(rows: &mut Transaction, execution: &Execution) -> Result<(), StoreError> {
    for id in tasks(rows, execution.id)? {
        rows.remove(Table::Task, &task_key(id));
    }
    let index: Vec<Key> = rows
        .scan(Table::ExecutionTask, &key(execution.id))
        .map(|(key, _)| Key::from_bytes(key))
        .collect();
    for key in index {
        rows.remove(Table::ExecutionTask, &key);
    }
    let of_context = of_context(&execution.scope.project, execution.context);
    rows.remove(Table::ContextExecution, &of_context.number(execution.position));
    rows.remove(Table::Execution, &key(execution.id));
    Ok(())
}

fn task_key(id: EventId) -> Key {
    Key::new().bytes(id.as_bytes())
}

/// Writes a task.
pub(super) fn put_task(
    rows: &mut Transaction,
    project: &ProjectName,
    task: &Task,
) -> Result<(), StoreError> {
    let before: Option<TaskRow> = rows.get(Table::Task, &task_key(task.id))?;
    let n = match before {
        Some(row) => row.n,
        None => rows.next("task")?,
    };
    rows.put(Table::ExecutionTask, &key(task.execution).number(n), &task.id)?;
    let row = TaskRow { project: project.clone(), n, task: task.clone() };
    rows.put(Table::Task, &task_key(task.id), &row)
}

/// One task of a project.
pub(super) fn task(
    rows: &Rows,
    project: &ProjectName,
    id: EventId,
) -> Result<Option<Task>, StoreError> {
    let found: Option<TaskRow> = rows.get(Table::Task, &task_key(id))?;
    Ok(found.filter(|row| row.project == *project).map(|row| row.task))
}

/// All tasks, in the order they were triggered.
pub(super) fn all_tasks(rows: &Rows) -> Result<Vec<Task>, StoreError> {
    let mut found: Vec<TaskRow> = rows.all(Table::Task, &Key::new())?;
    found.sort_by_key(|row| row.n);
    Ok(found.into_iter().map(|row| row.task).collect())
}

/// The tasks of an execution, in the order they were triggered.
pub(super) fn tasks(rows: &Rows, execution: ExecutionId) -> Result<Vec<EventId>, StoreError> {
    rows.all(Table::ExecutionTask, &key(execution))
}

/// An execution with its open task. An aborted one has a task only while its job still runs.
pub(super) fn summary(rows: &Rows, execution: Execution) -> Result<ExecutionSummary, StoreError> {
    let project = &execution.scope.project;
    let open = match &execution.state {
        ExecutionState::Running { task: id } => task(rows, project, *id)?,
        ExecutionState::Aborted { .. } => {
            let mut draining = None;
            for id in tasks(rows, execution.id)? {
                let found = task(rows, project, id)?;
                draining = draining.or(found.filter(|task| task.state == TaskState::Draining));
            }
            draining
        }
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Delayed { .. }
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Ready { .. }
        | ExecutionState::Paused { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::TimedOut { .. } => None,
    };
    Ok(ExecutionSummary { execution, open })
}
