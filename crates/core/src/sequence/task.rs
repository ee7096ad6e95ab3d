//! The next task of an execution is triggered.

use serde_json::{Map, Value};

use super::ask::ask;
use super::complete::{End, end};
use super::effects::{Change, OpenEvent, Refusal};
use super::input::Timer;
use super::merge::merge;
use super::record::deliver;
use super::rows::{Execution, ExecutionState, Task, TaskState};
use super::summary;
use super::work::{CONTROLLER, Emit, Work};
use crate::approval::APPROVAL;
use crate::event::{Event, EventType, LABELS_MAX, NODES_MAX, Outcome, Phase, labels, within_nodes};
use crate::names::EventId;
use crate::shipyard::TaskDefinition;

/// Largest data of a task, in bytes of JSON: lists concatenate, so echoes double.
const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Triggers the next task of the execution that holds its lane, or ends it when there is none.
/// `delay_over` says that its `triggeredAfter` has passed already.
pub(super) fn start_next(
    work: &mut Work<'_>,
    execution: Execution,
    delay_over: bool,
) -> Result<(), Refusal> {
    let Some(task) = execution.task().cloned() else {
        let outcome = execution.previous.last().map_or(Outcome::PASS, |task| task.outcome);
        return end(work, execution, End { outcome, message: String::new(), follow: true });
    };
    match task.triggered_after {
        Some(after) if !delay_over => {
            let after = jiff::SignedDuration::try_from(after).unwrap_or(jiff::SignedDuration::MAX);
            let due = work.after(after);
            work.set_timer(Timer::Delay(execution.id), due);
            work.put_execution(Execution { state: ExecutionState::Delayed { due }, ..execution });
            Ok(())
        }
        _ => trigger(work, execution, &task),
    }
}

fn trigger(
    work: &mut Work<'_>,
    execution: Execution,
    task: &TaskDefinition,
) -> Result<(), Refusal> {
    let data = data_of(&execution, task);
    if let Some(message) = too_large(&data) {
        return end(work, execution, End { outcome: Outcome::ERROR, message, follow: false });
    }
    if task.name == APPROVAL {
        return ask(work, execution, task, data);
    }
    let (id, n, event) = emit_triggered(work, &execution, task, data)?;
    work.put_task(Task {
        id,
        execution: execution.id,
        context: execution.context,
        name: task.name.clone(),
        started: 0,
        finished: Vec::new(),
        keys: Vec::new(),
        ours: false,
        state: TaskState::Open,
    });
    let due = work.after(work.env.settings.start_within);
    work.set_timer(Timer::Unstarted(id), due);
    deliver(work, &event, n)?;
    work.put_execution(Execution { state: ExecutionState::Running { task: id }, ..execution });
    Ok(())
}

/// The data of the next task, by Keptn's rules: everything so far, the task's properties on top, and
/// no message.
fn data_of(execution: &Execution, task: &TaskDefinition) -> Map<String, Value> {
    let mut data = execution.carry.clone();
    if !task.properties.is_empty() {
        let mut own = Map::new();
        own.insert(task.name.to_string(), Value::Object(task.properties.clone()));
        merge(&mut data, &own);
    }
    // Last, so that a task that is called `stage` does not hide it.
    execution.scope.write(&mut data);
    if data.contains_key("message") {
        data.insert("message".to_owned(), Value::from(""));
    }
    data
}

fn too_large(data: &Map<String, Value>) -> Option<String> {
    if labels(data).len() > LABELS_MAX {
        return Some(format!(
            "data.labels of the next task has more than {LABELS_MAX} entries: tasks add to the labels \
             of the delivery, and answer with labels of their own"
        ));
    }
    if !within_nodes(data) {
        return Some(format!("the merged data of the next task has more than {NODES_MAX} values"));
    }
    let size = |value: &Value| value.to_string().len();
    let total: usize = data.iter().map(|(key, value)| key.len() + size(value)).sum();
    if total <= DATA_BYTES_MAX {
        return None;
    }
    let largest = data.iter().max_by_key(|(_, value)| size(value)).map_or("", |(key, _)| key);
    Some(format!(
        "the merged data of the next task has {total} bytes, more than {DATA_BYTES_MAX}; the largest \
         part is data.{largest}. Tasks that echo lists make them grow: answer with what is new only"
    ))
}

pub(super) fn emit_triggered(
    work: &mut Work<'_>,
    execution: &Execution,
    task: &TaskDefinition,
    data: Map<String, Value>,
) -> Result<(EventId, u64, Event), Refusal> {
    let kind = EventType::task(&task.name, Phase::Triggered);
    let (id, n, event) = work.emit(Emit {
        kind: kind.clone(),
        source: CONTROLLER,
        context: execution.context,
        triggered_id: None,
        commit: execution.commits.as_ref().and_then(|commits| commits.stage.clone()),
        data,
    });
    let (scope, context) = (execution.scope.clone(), execution.context);
    work.change(Change::Open(OpenEvent { id, scope, context, kind, n }));
    summary::task_event(work, execution, &event)?;
    Ok((id, n, event))
}
