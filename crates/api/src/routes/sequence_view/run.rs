//! A run of a sequence in a stage, and its tasks with their times.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use tidegate_core::approval::APPROVAL;
use tidegate_core::event::{EventKind, Outcome, Phase, Status, TaskResult, text};
use tidegate_core::names::{EventId, ExecutionId, SequenceName, ServiceName, StageName, TaskName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Disposition, Execution, ExecutionState};
use tidegate_store::{ExecutionSummary, LogRow};
use utoipa::ToSchema;

use crate::openapi::wire;

/// One run of a sequence in a stage. Times are RFC 3339.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    /// Tells it from the others, also when it runs again in the same stage.
    #[schema(value_type = wire::ExecutionId)]
    id: ExecutionId,
    /// The stage.
    #[schema(value_type = wire::StageName)]
    stage: StageName,
    /// The service.
    #[schema(value_type = wire::ServiceName)]
    service: ServiceName,
    /// The sequence.
    #[schema(value_type = wire::SequenceName)]
    sequence: SequenceName,
    /// `waiting`, `started`, `waitingForApproval`, `paused`, `finished`, `aborted` or `timedOut`.
    #[schema(examples("finished"))]
    state: &'static str,
    /// `pass`, `warning` or `fail`, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::TaskResult)]
    result: Option<TaskResult>,
    /// Why it ended so, where something says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("aborted by ada"))]
    message: Option<String>,
    /// When it was triggered.
    #[schema(value_type = wire::Time)]
    triggered_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Time)]
    ended_at: Option<Timestamp>,
    /// Its tasks, in the order of the shipyard that it runs on.
    tasks: Vec<Task>,
}

/// A task of a run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskOfRun)]
struct Task {
    /// Its name.
    #[schema(value_type = wire::TaskName)]
    name: TaskName,
    /// Its `.triggered` event; the id of an approval is that of its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::EventId)]
    id: Option<EventId>,
    /// `pending`, `triggered`, `started`, `waitingForApproval`, `finished`, `stopped`, or `skipped` where
    /// its run ended before.
    #[schema(examples("finished"))]
    state: &'static str,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::TaskResult)]
    result: Option<TaskResult>,
    /// What was said about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("deployed"))]
    message: Option<String>,
    /// When somebody was asked to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Time)]
    triggered_at: Option<Timestamp>,
    /// When somebody began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Time)]
    started_at: Option<Timestamp>,
    /// When the last of them was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Time)]
    finished_at: Option<Timestamp>,
    /// An approval that was given although the gate before it had failed; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Overridden)]
    overridden: Option<Overridden>,
}

/// Who has let something go on although its gate had failed, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = OverriddenGate)]
struct Overridden {
    /// Who; absent where the log is too long to be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Principal)]
    by: Option<Principal>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("the probe measured the wrong host"))]
    comment: Option<String>,
}

/// What the log says of a task.
#[derive(Default)]
struct Heard {
    triggered: Option<Timestamp>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    message: Option<String>,
    /// Who has decided, where it is an approval.
    by: Option<Principal>,
}

impl Run {
    /// All runs of a context.
    pub(super) fn all(executions: &[ExecutionSummary], trace: &[LogRow]) -> Vec<Self> {
        let mut log = index(trace);
        executions.iter().map(|summary| Self::of(summary, &mut log)).collect()
    }

    fn of(summary: &ExecutionSummary, log: &mut HashMap<EventId, Heard>) -> Self {
        let execution = &summary.execution;
        let (result, message, ended_at) = ending(execution);
        Self {
            id: execution.id,
            stage: execution.scope.stage.clone(),
            service: execution.scope.service.clone(),
            sequence: execution.sequence.clone(),
            state: state(&execution.state),
            result,
            message,
            triggered_at: execution.triggered_at,
            ended_at,
            tasks: tasks(summary, log),
        }
    }
}

fn state(state: &ExecutionState) -> &'static str {
    match state {
        ExecutionState::Resolving | ExecutionState::Throttled { .. } | ExecutionState::Waiting => {
            "waiting"
        }
        ExecutionState::Running { .. }
        | ExecutionState::Delayed { .. }
        | ExecutionState::Ready { .. } => "started",
        ExecutionState::WaitingForApproval { .. } => "waitingForApproval",
        ExecutionState::Paused { .. } => "paused",
        ExecutionState::Finished { .. } => "finished",
        ExecutionState::Aborted { .. } => "aborted",
        ExecutionState::TimedOut { .. } => "timedOut",
    }
}

fn ending(execution: &Execution) -> (Option<TaskResult>, Option<String>, Option<Timestamp>) {
    match &execution.state {
        ExecutionState::Finished { outcome, at } => {
            let said = Some(text(&execution.carry, "message")).filter(|said| !said.is_empty());
            let said = said.filter(|_| !outcome.continues()).map(str::to_owned);
            (Some(judged(*outcome)), said, Some(*at))
        }
        ExecutionState::Aborted { by, at } => {
            (Some(TaskResult::Fail), Some(format!("aborted by {by}")), Some(*at))
        }
        ExecutionState::TimedOut { at } => {
            let why = "nobody took its task in time".to_owned();
            (Some(TaskResult::Fail), Some(why), Some(*at))
        }
        _ => (None, None, None),
    }
}

/// What went wrong has failed, whatever it calls its result.
pub(super) fn judged(outcome: Outcome) -> TaskResult {
    match outcome.status {
        Status::Succeeded => outcome.result,
        Status::Errored | Status::Aborted | Status::Unknown => TaskResult::Fail,
    }
}

fn tasks(summary: &ExecutionSummary, log: &mut HashMap<EventId, Heard>) -> Vec<Task> {
    let execution = &summary.execution;
    let mut tasks = Vec::with_capacity(execution.tasks.len());
    for previous in &execution.previous {
        let heard = log.remove(&previous.triggered_id).unwrap_or_default();
        let comment = heard.message.clone();
        let overridden = Overridden { by: heard.by.clone(), comment };
        let done = Task::new(&previous.name, "finished", Some(previous.triggered_id), heard);
        tasks.push(Task {
            result: Some(judged(previous.outcome)),
            overridden: previous.overridden.then_some(overridden),
            ..done
        });
    }
    let mut ahead = execution.tasks.iter().skip(execution.previous.len());
    if let Some((id, state)) = current(summary)
        && let Some(task) = ahead.next()
    {
        let heard = log.remove(&id).unwrap_or_default();
        tasks.push(Task::new(&task.name, state, Some(id), heard));
    }
    let state = if execution.state.is_final() { "skipped" } else { "pending" };
    tasks.extend(ahead.map(|task| Task::new(&task.name, state, None, Heard::default())));
    tasks
}

/// The task that is open, or was when the run was stopped.
fn current(summary: &ExecutionSummary) -> Option<(EventId, &'static str)> {
    let open = summary.open.as_ref();
    match &summary.execution.state {
        ExecutionState::Running { task } => {
            let taken = open.is_none_or(|open| open.started > 0);
            Some((*task, if taken { "started" } else { "triggered" }))
        }
        ExecutionState::WaitingForApproval { approval } => Some((*approval, "waitingForApproval")),
        ExecutionState::Aborted { .. } | ExecutionState::TimedOut { .. } => {
            open.map(|open| (open.id, "stopped"))
        }
        _ => None,
    }
}

impl Task {
    fn new(name: &TaskName, state: &'static str, id: Option<EventId>, heard: Heard) -> Self {
        Self {
            name: name.clone(),
            id,
            state,
            result: None,
            message: heard.message,
            triggered_at: heard.triggered,
            started_at: heard.started,
            finished_at: heard.finished.filter(|_| state == "finished"),
            overridden: None,
        }
    }
}

/// Who has decided, as the record of an `approval.finished` says it.
fn decided_by(record: &Value) -> Option<Principal> {
    Principal::deserialize(record.get("by")?).ok()
}

/// When each task was triggered, first taken and last finished, and what it said in the end.
fn index(trace: &[LogRow]) -> HashMap<EventId, Heard> {
    let mut log: HashMap<EventId, Heard> = HashMap::new();
    for row in trace.iter().filter(|row| row.disposition == Disposition::Accepted) {
        let EventKind::Task { phase, .. } = row.event.kind.kind() else { continue };
        let time = Some(row.event.time);
        match (phase, row.event.triggered_id) {
            (Phase::Triggered, _) => log.entry(row.event.id).or_default().triggered = time,
            (Phase::Started, Some(task)) => {
                let heard = log.entry(task).or_default();
                heard.started = heard.started.or(time);
            }
            (Phase::Finished, Some(task)) => {
                let heard = log.entry(task).or_default();
                heard.finished = time;
                let said = text(&row.event.data, "message");
                heard.message = Some(said.to_owned()).filter(|said| !said.is_empty());
                heard.by = row.event.data.get(APPROVAL).and_then(decided_by);
            }
            (Phase::Started | Phase::Finished, None) => {}
        }
    }
    log
}
