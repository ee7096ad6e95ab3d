//! Admission to a lane, and the start of the next task.

use serde_json::{Map, Value};

use super::complete::{End, complete, end};
use super::effects::{Change, Delivery, OpenEvent, Refusal};
use super::input::Input;
use super::merge::merge;
use super::rows::{ContextState, Execution, ExecutionState, Queue, Task, TaskState};
use super::triggered::image;
use super::work::{CONTROLLER, Emit, Work};
use super::{PreviousTask, summary};
use crate::approval::{
    APPROVAL, APPROVAL_SERVICE, Approval, ApprovalState, Decided, Decision, Judgement, Strategy,
    digest_of, judge,
};
use crate::event::{
    EventType, LABELS_MAX, NODES_MAX, Outcome, Phase, Scope, labels, text, within_nodes,
};
use crate::names::{EventId, ExecutionId, TaskName};
use crate::principal::{Principal, PrincipalName};
use crate::shipyard::TaskDefinition;

/// Largest data of a task, in bytes of JSON: lists concatenate, so echoes double.
const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Lets the next execution into a free lane: those that are ready before those that wait.
pub(super) fn admit(work: &mut Work<'_>, lane: &Scope) -> Result<(), Refusal> {
    let head = work.lane(lane)?;
    if head.holder.is_some() {
        return Ok(());
    }
    let (queue, next) = match (head.ready, head.waiting) {
        (Some(ready), _) => (Queue::Ready, ready),
        (None, Some(waiting)) => (Queue::Waiting, waiting),
        (None, None) => return Ok(()),
    };
    work.change(Change::Leave(lane.clone(), queue, next.position));
    work.hold(lane, next.execution);
    let execution = work.execution(next.execution)?;
    work.change_context(execution.context, |context| context.state = ContextState::Started)?;
    start_next(work, execution)
}

/// Starts the next task of the execution that holds its lane, or ends it when there is none.
pub(super) fn start_next(work: &mut Work<'_>, mut execution: Execution) -> Result<(), Refusal> {
    let Some(task) = execution.task().cloned() else {
        let outcome = execution.previous.last().map_or(Outcome::PASS, |task| task.outcome);
        return end(work, execution, End { outcome, message: String::new(), follow: true });
    };
    if let Some(after) = task.triggered_after {
        let after = jiff::SignedDuration::try_from(after).unwrap_or(jiff::SignedDuration::MAX);
        let due = work.env.now.saturating_add(after).unwrap_or(jiff::Timestamp::MAX);
        work.change(Change::Delay(work.project.clone(), execution.id, due));
        execution.state = ExecutionState::Delayed { due };
        work.put_execution(execution);
        return Ok(());
    }
    trigger(work, execution, &task)
}

/// The `triggeredAfter` of the next task has passed.
pub(super) fn delay_over(work: &mut Work<'_>, id: ExecutionId) -> Result<(), Refusal> {
    work.change(Change::DelayGone(work.project.clone(), id));
    let Some(execution) = work.find_execution(id)? else { return Ok(()) };
    match (&execution.state, execution.task().cloned()) {
        (ExecutionState::Delayed { .. }, Some(task)) => trigger(work, execution, &task),
        _ => Ok(()),
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
    let (id, n) = emit_triggered(work, &execution, task, data)?;
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
    work.change(Change::Deliver(Delivery { project: work.project.clone(), event: id, n }));
    work.put_execution(Execution { state: ExecutionState::Running { task: id }, ..execution });
    Ok(())
}

/// The data of the next task, by Keptn's rules: everything so far, the task's properties on top, and
/// no message.
fn data_of(execution: &Execution, task: &TaskDefinition) -> Map<String, Value> {
    let mut data = execution.carry.clone();
    execution.scope.write(&mut data);
    if !task.properties.is_empty() {
        let mut own = Map::new();
        own.insert(task.name.to_string(), Value::Object(task.properties.clone()));
        merge(&mut data, &own);
    }
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

fn emit_triggered(
    work: &mut Work<'_>,
    execution: &Execution,
    task: &TaskDefinition,
    data: Map<String, Value>,
) -> Result<(EventId, u64), Refusal> {
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
    Ok((id, n))
}

/// Opens an approval: `.triggered` and `.started` at once, and the decision too where the strategy
/// makes it.
fn ask(
    work: &mut Work<'_>,
    execution: Execution,
    task: &TaskDefinition,
    data: Map<String, Value>,
) -> Result<(), Refusal> {
    let strategy = match Strategy::of(&task.properties) {
        Ok(strategy) => strategy,
        Err(error) => {
            let message = error.to_string();
            return end(work, execution, End { outcome: Outcome::ERROR, message, follow: false });
        }
    };
    let result = incoming_result(&data).to_owned();
    let (id, n) = emit_triggered(work, &execution, task, data)?;
    let mut started = Map::new();
    execution.scope.write(&mut started);
    started.insert("status".to_owned(), Value::from("succeeded"));
    let word = strategy.word(&result);
    let message = format!("Approval strategy for result '{result}': {word}");
    started.insert("message".to_owned(), Value::from(message));
    answer_event(work, &execution, id, Phase::Started, started)?;
    let approval = approval_row(work, &execution, id, n, result.clone())?;
    match judge(&strategy, &result) {
        Judgement::Manual => {
            work.put_approval(approval);
            let lane = execution.scope.clone();
            let holder = execution.id;
            work.put_execution(Execution {
                state: ExecutionState::WaitingForApproval { approval: id },
                ..execution
            });
            work.release(&lane, holder)
        }
        Judgement::Automatic(outcome) => {
            let mut finished = Map::new();
            execution.scope.write(&mut finished);
            outcome.write(&mut finished);
            let event = answer_event(work, &execution, id, Phase::Finished, finished.clone())?;
            let decision = if outcome.continues() { Decision::Approve } else { Decision::Decline };
            let by = PrincipalName::new(APPROVAL_SERVICE).expect("a short plain text");
            work.put_approval(Approval {
                state: ApprovalState::Decided(Decided {
                    decision,
                    by: Principal::Builtin(by),
                    at: work.env.now,
                    comment: None,
                    seen: None,
                    event,
                }),
                ..approval
            });
            let done = PreviousTask { name: task.name.clone(), triggered_id: id, outcome };
            complete(work, execution, done, &finished, event)
        }
    }
}

/// Keptn 1.4: the result of the data, or that of its evaluation where there is none.
fn incoming_result(data: &Map<String, Value>) -> &str {
    match text(data, "result") {
        "" => data
            .get("evaluation")
            .and_then(|evaluation| evaluation.get("result"))
            .and_then(Value::as_str)
            .unwrap_or_default(),
        result => result,
    }
}

fn answer_event(
    work: &mut Work<'_>,
    execution: &Execution,
    triggered: EventId,
    phase: Phase,
    data: Map<String, Value>,
) -> Result<EventId, Refusal> {
    let name = TaskName::new(APPROVAL).expect("a plain word");
    let (id, _, event) = work.emit(Emit {
        kind: EventType::task(&name, phase),
        source: APPROVAL_SERVICE,
        context: execution.context,
        triggered_id: Some(triggered),
        commit: None,
        data,
    });
    summary::task_event(work, execution, &event)?;
    Ok(id)
}

fn approval_row(
    work: &Work<'_>,
    execution: &Execution,
    id: EventId,
    n: u64,
    result: String,
) -> Result<Approval, Refusal> {
    let missing = |what: &str| Refusal::Inconsistent(format!("execution {}: {what}", execution.id));
    let context = work.context(execution.context)?.ok_or_else(|| missing("no context"))?;
    let change = execution.carry.get("configurationChange").unwrap_or(&Value::Null);
    let then = execution.tasks.iter().skip(execution.previous.len() + 1);
    Ok(Approval {
        id,
        n,
        scope: execution.scope.clone(),
        sequence: execution.sequence.clone(),
        execution: execution.id,
        context: execution.context,
        asked_at: work.env.now,
        triggered_by: execution.triggered_by.clone(),
        image: image(&execution.carry),
        change: digest_of(change),
        commits: execution.commits.clone().ok_or_else(|| missing("nothing resolved"))?,
        evidence: context.evidence,
        labels: labels(&execution.carry),
        result,
        then: then.map(|task| task.name.to_string()).collect(),
        state: ApprovalState::Open,
    })
}

/// The execution goes on when its lane lets it: those that were decided go before those that wait.
pub(super) fn make_ready(work: &mut Work<'_>, execution: Execution, position: u64) {
    let lane = execution.scope.clone();
    work.change(Change::Join(lane.clone(), Queue::Ready, position, execution.id));
    work.follow_on.push(Input::Admit { lane });
    work.put_execution(Execution { state: ExecutionState::Ready { position }, ..execution });
}
