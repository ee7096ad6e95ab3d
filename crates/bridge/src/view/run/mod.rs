//! One run of a sequence in one stage: its tasks, their events, and when each of them ran.

mod entry;
mod scale;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tidegate_core::approval::APPROVAL;
use tidegate_core::event::{EventKind, EventType, Phase, text};
use tidegate_core::names::{EventId, StageName};
use tidegate_core::sequence::{Execution, ExecutionState, PreviousTask, Task as Open, TaskState};
use tidegate_store::{ExecutionSummary, LogRow};

pub(crate) use entry::Entry;
pub(crate) use scale::{Bar, Scale};

use super::{Card, Chip, Status, Text, When, seconds_between, tail, took};
use crate::logs::JobLog;
use crate::visitor::Visitor;

/// Most lines of a job's output on the page; the rest is one link away.
const LOG_LINES_MAX: usize = 200;
/// Most bytes of it.
const LOG_BYTES_MAX: usize = 32 * 1024;
/// How soon an executor usually answers, in seconds.
const PROMPT_SECONDS: i64 = 30;

/// A run as its page shows it.
pub(crate) struct Run {
    /// Tells it from the others, also when it runs again in the same stage.
    pub(crate) key: String,
    pub(crate) stage: Text,
    /// Whether links to the stage lead here.
    pub(crate) is_first: bool,
    pub(crate) sequence: Text,
    pub(crate) chip: Chip,
    /// What it waits for, or why it ended, where that needs saying.
    pub(crate) note: Text,
    /// Why its commits may not be the newest.
    pub(crate) stale: Option<Text>,
    pub(crate) took: String,
    /// Tasks that are done, and all of them.
    pub(crate) done: usize,
    pub(crate) all: usize,
    pub(crate) tasks: Vec<Task>,
}

/// A task.
pub(crate) struct Task {
    /// Its `.triggered` event; none before it was triggered.
    pub(crate) id: Option<String>,
    pub(crate) name: Text,
    pub(crate) chip: Chip,
    pub(crate) note: Text,
    pub(crate) took: String,
    pub(crate) bar: Option<Bar>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) log: Option<Log>,
    /// Where the task is an approval.
    pub(crate) card: Option<Card>,
    /// Whether its output is open at first.
    pub(crate) unfolded: bool,
    /// Whether its events are.
    pub(crate) opened: bool,
}

/// The end of a job's output.
pub(crate) struct Log {
    pub(crate) text: Text,
    /// Whether something comes before it.
    pub(crate) is_cut: bool,
    pub(crate) running: bool,
    pub(crate) href: String,
}

/// What runs are built from, by the task that each belongs to.
pub(crate) struct Material {
    /// The trace, oldest first.
    pub(crate) entries: HashMap<EventId, Vec<LogRow>>,
    /// The output of jobs.
    pub(crate) logs: HashMap<EventId, JobLog>,
    /// The approvals.
    pub(crate) cards: HashMap<EventId, Card>,
    /// The event whose task shall be open at first.
    pub(crate) open: Option<EventId>,
    /// Stages that a run was built for.
    pub(crate) stages: HashSet<StageName>,
    /// The scale of all bars.
    pub(crate) scale: Scale,
}

impl Run {
    /// A run, taking what belongs to it out of the material.
    pub(crate) fn new(
        summary: &ExecutionSummary,
        material: &mut Material,
        visitor: &Visitor,
    ) -> Self {
        let execution = &summary.execution;
        let chip = Chip::plain(status_of(execution));
        let end = end_of(execution).unwrap_or(visitor.now);
        Self {
            key: execution.id.to_string(),
            stage: Text::line(&execution.scope.stage),
            is_first: material.stages.insert(execution.scope.stage.clone()),
            sequence: Text::line(&execution.sequence),
            note: note(execution, visitor.now),
            stale: execution
                .commits
                .as_ref()
                .and_then(|commits| commits.stale.as_ref())
                .map(Text::line),
            took: took(execution.triggered_at, end),
            done: execution.previous.len(),
            all: execution.tasks.len(),
            tasks: tasks(summary, material, visitor),
            chip,
        }
    }

    /// Thousandths of its tasks that are done, for the water line.
    pub(crate) fn level(&self) -> usize {
        (self.done * 1000).checked_div(self.all).unwrap_or(1000)
    }
}

/// How a run stands.
pub(crate) fn status_of(execution: &Execution) -> Status {
    match &execution.state {
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::Delayed { .. }
        | ExecutionState::Ready { .. } => Status::Queued,
        ExecutionState::Paused { .. } => Status::Paused,
        ExecutionState::Running { .. } => Status::Running,
        ExecutionState::WaitingForApproval { .. } => Status::NeedsApproval,
        ExecutionState::Aborted { .. } => Status::Aborted,
        ExecutionState::TimedOut { .. } => Status::TimedOut,
        ExecutionState::Finished { outcome, .. } => match execution.previous.last() {
            Some(last) if last.name == APPROVAL && !last.outcome.continues() => {
                Status::of_approval(last.outcome)
            }
            _ => Status::of(*outcome),
        },
    }
}

/// When a run ended.
pub(crate) fn end_of(execution: &Execution) -> Option<Timestamp> {
    match &execution.state {
        ExecutionState::Finished { at, .. }
        | ExecutionState::Aborted { at, .. }
        | ExecutionState::TimedOut { at } => Some(*at),
        _ => None,
    }
}

fn note(execution: &Execution, now: Timestamp) -> Text {
    let stage = &execution.scope.stage;
    Text::line(match &execution.state {
        ExecutionState::Resolving => "reading the shipyard".to_owned(),
        ExecutionState::Waiting => {
            format!("another sequence of {} runs in {stage}", execution.scope.service)
        }
        ExecutionState::Delayed { due } => {
            format!("the next task starts {}", When::new(*due, now).relative)
        }
        ExecutionState::Ready { .. } => {
            format!("goes on next; another sequence of {} runs in {stage}", execution.scope.service)
        }
        ExecutionState::Throttled { due } => {
            let starts = When::new(*due, now).relative;
            format!("this delivery starts many sequences at once; this one waits in line {starts}")
        }
        ExecutionState::Paused { .. } => "nothing is triggered until it is resumed".to_owned(),
        ExecutionState::TimedOut { .. } => "nobody took its task in time".to_owned(),
        ExecutionState::Aborted { by, .. } => format!("by {by}"),
        ExecutionState::Running { .. }
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Finished { .. } => String::new(),
    })
}

fn tasks(summary: &ExecutionSummary, material: &mut Material, visitor: &Visitor) -> Vec<Task> {
    let execution = &summary.execution;
    let mut tasks = Vec::with_capacity(execution.tasks.len());
    for previous in &execution.previous {
        let status = status_of_previous(previous);
        let mut task = task(&previous.name, Some(previous.triggered_id), status, material, visitor);
        task.unfolded = status == Status::Failed;
        task.opened |= status == Status::Failed;
        tasks.push(task);
    }
    let names = || execution.tasks.iter().skip(execution.previous.len()).map(|task| &task.name);
    let mut ahead = names();
    if let Some((id, status)) = current(summary, material)
        && let Some(name) = ahead.next()
    {
        let asked = material.entries.get(&id).and_then(|rows| rows.first());
        let waited = asked.map_or(0, |row| seconds_between(row.event.time, visitor.now));
        let mut task = task(name, Some(id), status, material, visitor);
        task.note = answerer(summary.open.as_ref(), status, waited);
        task.unfolded = true;
        tasks.push(task);
    }
    // A sequence that ends early has nothing ahead of it.
    let is_over = execution.state.is_final();
    tasks.extend(ahead.map(|name| Task {
        note: Text::line(if is_over { "" } else { "still to come" }),
        ..task(name, None, Status::Ahead, material, visitor)
    }));
    tasks
}

fn status_of_previous(previous: &PreviousTask) -> Status {
    if previous.name == APPROVAL {
        Status::of_approval(previous.outcome)
    } else {
        Status::of(previous.outcome)
    }
}

/// The task that is open, and how it stands.
fn current(summary: &ExecutionSummary, material: &Material) -> Option<(EventId, Status)> {
    let open = summary.open.as_ref();
    match &summary.execution.state {
        ExecutionState::Running { task } => {
            let answered = open.is_none_or(|open| open.started > 0);
            Some((*task, if answered { Status::Running } else { Status::Queued }))
        }
        ExecutionState::WaitingForApproval { approval } => Some((*approval, Status::NeedsApproval)),
        // What was running when somebody stopped it.
        ExecutionState::Aborted { .. } => {
            let stopped = open.map(|open| open.id).or_else(|| stopped(summary, material));
            stopped.map(|task| (task, Status::Aborted))
        }
        _ => None,
    }
}

/// The task that an aborted run had open: the one of its name and stage that nobody else claims.
fn stopped(summary: &ExecutionSummary, material: &Material) -> Option<EventId> {
    let (execution, done) = (&summary.execution, &summary.execution.previous);
    let name = &execution.task()?.name;
    let kind = EventType::task(name, Phase::Triggered);
    let fits = |row: &LogRow| {
        row.event.kind == kind
            && row.event.time >= execution.triggered_at
            && text(&row.event.data, "stage") == execution.scope.stage.as_str()
            && text(&row.event.data, "service") == execution.scope.service.as_str()
            && done.iter().all(|task| task.triggered_id != row.event.id)
    };
    let tasks = material.entries.iter();
    tasks.filter(|(_, rows)| rows.first().is_some_and(fits)).map(|(task, _)| *task).next()
}

fn answerer(open: Option<&Open>, status: Status, waited_seconds: i64) -> Text {
    let Some(open) = open else { return Text::default() };
    Text::line(match status {
        Status::Queued if waited_seconds < PROMPT_SECONDS => "waiting for an executor".to_owned(),
        Status::Queued => format!("nobody has answered {}.triggered", open.name),
        Status::Aborted if open.state == TaskState::Draining => {
            "waiting for its job to end".to_owned()
        }
        Status::Running if open.started > 1 => {
            format!("{} of {} executors have finished", open.finished.len(), open.started)
        }
        _ => String::new(),
    })
}

fn task(
    name: &tidegate_core::names::TaskName,
    id: Option<EventId>,
    status: Status,
    material: &mut Material,
    visitor: &Visitor,
) -> Task {
    let rows = id.and_then(|id| material.entries.remove(&id)).unwrap_or_default();
    let began = rows.first().map(|row| row.event.time);
    let ended = finished_at(&rows, status);
    let took = began.map(|began| took(began, ended.unwrap_or(visitor.now)));
    let log = id.and_then(|id| Some(log(id, material.logs.get(&id)?)));
    let bar = began.map(|began| {
        let end = ended.unwrap_or(visitor.now);
        material.scale.bar(began, end, status)
    });
    Task {
        id: id.map(|id| id.to_string()),
        name: Text::line(name),
        chip: Chip::plain(status),
        note: Text::default(),
        took: took.filter(|_| status != Status::Ahead).unwrap_or_default(),
        bar,
        log,
        card: id.and_then(|id| material.cards.remove(&id)),
        unfolded: false,
        opened: rows.iter().any(|row| Some(row.event.id) == material.open),
        entries: rows.iter().map(|row| Entry::new(row, visitor)).collect(),
    }
}

/// When the last answer came that counted; none while the task is open.
fn finished_at(rows: &[LogRow], status: Status) -> Option<Timestamp> {
    if status.is_open() {
        return None;
    }
    let finished = rows.iter().rev().find(|row| {
        let kind = row.event.kind.kind();
        row.reason.is_none() && matches!(kind, EventKind::Task { phase: Phase::Finished, .. })
    });
    finished.or(rows.last()).map(|row| row.event.time)
}

fn log(task: EventId, log: &JobLog) -> Log {
    let start = log.text.len().saturating_sub(LOG_BYTES_MAX);
    let start = log.text.ceil_char_boundary(start);
    let (text, is_cut) = tail(&log.text[start..], LOG_LINES_MAX);
    Log {
        text: Text::output(text),
        is_cut: is_cut || start > 0 || log.dropped_bytes > 0,
        running: log.running,
        href: format!("/bridge/log/{task}"),
    }
}
