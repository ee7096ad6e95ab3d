//! A task: how it stands, when it ran, and what it says of itself.

use jiff::Timestamp;
use tidegate_core::approval::APPROVAL;
use tidegate_core::event::{EventKind, EventType, Outcome, Phase, text};
use tidegate_core::names::{EventId, TaskName};
use tidegate_core::sequence::{
    Disposition, Execution, ExecutionState, PreviousTask, Task as Open, TaskState,
};
use tidegate_store::{ExecutionSummary, LogRow};

use super::chart::{self, Attempt, Track};
use super::{Entry, Material};
use crate::view::evaluation::{FINISHED, Judged};
use crate::view::output::{Output, fault};
use crate::view::svg::Svg;
use crate::view::{Card, Chip, Overridden, Status, Text, complaint, seconds_between, took};
use crate::visitor::Visitor;

/// How soon an executor usually answers, in seconds.
const PROMPT_SECONDS: i64 = 30;
/// Shortest wait that is worth a word, in milliseconds.
const WAITED_MS: i64 = 1000;
/// `source` of the jobs that Tidegate runs. Keptn 1.4: clients know them by it.
const JOBS: &str = "job-executor-service";

/// A task.
pub(crate) struct Task {
    /// Its `.triggered` event; none before it was triggered.
    pub(crate) id: Option<String>,
    pub(crate) name: Text,
    pub(crate) chip: Chip,
    pub(crate) note: Text,
    /// The integrations that it was left to, by name.
    pub(crate) left: Text,
    /// What went wrong, in its own words: the first line that says so.
    pub(crate) fault: Text,
    pub(crate) took: String,
    /// Since when it is open, in milliseconds since 1970.
    pub(crate) since_ms: Option<i64>,
    /// How long it waited before it began, where that is worth a word.
    pub(crate) waited: String,
    pub(crate) bar: Option<Svg>,
    pub(crate) entries: Vec<Entry>,
    /// The end of its jobs' output, where its row is open at first.
    pub(crate) output: Option<Output>,
    /// All of the output, where a job of ours has run.
    pub(crate) output_href: Option<String>,
    /// Where the task is an evaluation that has ended: how, and its page.
    pub(crate) gate: Option<(Chip, String)>,
    /// Where it is a gate that had failed, or an approval of it: who has overridden that.
    pub(crate) overridden: Option<Overridden>,
    /// Where the task is an approval.
    pub(crate) card: Option<Card>,
    /// Whether its row is open at first.
    pub(crate) opened: bool,
}

/// The task of a delivery that failed first: what people look for.
pub(crate) fn first_failure(executions: &[ExecutionSummary]) -> Option<EventId> {
    let previous = executions.iter().flat_map(|summary| &summary.execution.previous);
    let mut failed = previous.filter(|task| status_of_previous(task) == Status::Failed);
    failed.next().map(|task| task.triggered_id)
}

/// The tasks of a run: those that are done, the one that is open, and those to come.
pub(super) fn all(
    summary: &ExecutionSummary,
    material: &mut Material,
    visitor: &Visitor,
) -> Vec<Task> {
    let execution = &summary.execution;
    let mut tasks = Vec::with_capacity(execution.tasks.len());
    // A task can begin once the one before it is over.
    let mut ready = execution.triggered_at;
    for previous in &execution.previous {
        let status = status_of_previous(previous);
        let id = Some(previous.triggered_id);
        let (task, ended) = task(&previous.name, id, status, ready, material, visitor);
        ready = ended.unwrap_or(ready);
        tasks.push(task);
    }
    let names = || execution.tasks.iter().skip(execution.previous.len()).map(|task| &task.name);
    let mut ahead = names();
    if let Some((id, status)) = current(summary, material)
        && let Some(name) = ahead.next()
    {
        let asked = material.entries.get(&id).and_then(|rows| rows.first());
        let waited = asked.map_or(0, |row| seconds_between(row.event.time, visitor.now));
        let (mut task, _) = task(name, Some(id), status, ready, material, visitor);
        if let Some(answerer) = answerer(summary.open.as_ref(), status, waited) {
            task.note = answerer;
        }
        task.opened |= matches!(status, Status::Running | Status::NeedsApproval);
        tasks.push(task);
    } else if !execution.state.is_final()
        && let Some(name) = ahead.next()
    {
        // Nobody was asked yet: the wait is all there is to see.
        let (next, _) = task(name, None, Status::Queued, ready, material, visitor);
        let chip = Chip::plain(super::status_of(summary));
        tasks.push(Task { chip, note: Text::line("comes next"), ..next });
    }
    // A sequence that ends early has nothing ahead of it.
    let note = if execution.state.is_final() { "" } else { "still to come" };
    tasks.extend(ahead.map(|name| {
        let (next, _) = task(name, None, Status::Ahead, ready, material, visitor);
        Task { note: Text::line(note), ..next }
    }));
    tasks
}

fn status_of_previous(previous: &PreviousTask) -> Status {
    if previous.overridden {
        Status::Overridden
    } else if previous.name == APPROVAL {
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
            let stopped = open.map(|open| open.id).or_else(|| last_of(summary, material));
            stopped.map(|task| (task, Status::Aborted))
        }
        ExecutionState::TimedOut { .. } => {
            last_of(summary, material).map(|task| (task, Status::TimedOut))
        }
        _ => None,
    }
}

/// The task that a run had open when it was stopped: the one of its name and stage that nobody else
/// claims.
fn last_of(summary: &ExecutionSummary, material: &Material) -> Option<EventId> {
    let (execution, done) = (&summary.execution, &summary.execution.previous);
    let name = &execution.task()?.name;
    let kind = EventType::task(name, Phase::Triggered);
    let fits = |row: &LogRow| is_of(execution, row, &kind);
    let claimed = |id: &EventId| done.iter().any(|task| task.triggered_id == *id);
    let tasks = material.entries.iter().filter(|(id, _)| !claimed(id));
    tasks.filter(|(_, rows)| rows.first().is_some_and(fits)).map(|(task, _)| *task).next()
}

fn is_of(execution: &Execution, row: &LogRow, kind: &EventType) -> bool {
    row.event.kind == *kind
        && row.event.time >= execution.triggered_at
        && text(&row.event.data, "stage") == execution.scope.stage.as_str()
        && text(&row.event.data, "service") == execution.scope.service.as_str()
}

fn answerer(open: Option<&Open>, status: Status, waited_seconds: i64) -> Option<Text> {
    let open = open?;
    Some(Text::line(match status {
        Status::Queued if waited_seconds < PROMPT_SECONDS => "waiting for an executor".to_owned(),
        Status::Queued => format!("nobody has answered {}.triggered", open.name),
        Status::Aborted if open.state == TaskState::Draining => {
            "waiting for its job to end".to_owned()
        }
        Status::Running if open.started > 1 => {
            format!("{} of {} executors have finished", open.finished.len(), open.started)
        }
        _ => return None,
    }))
}

/// A task, and when it was over.
fn task(
    name: &TaskName,
    id: Option<EventId>,
    status: Status,
    ready: Timestamp,
    material: &mut Material,
    visitor: &Visitor,
) -> (Task, Option<Timestamp>) {
    let rows = id.and_then(|id| material.entries.remove(&id)).unwrap_or_default();
    let triggered = rows.first().map(|row| row.event.time);
    let ended = finished_at(&rows, status);
    let asks = *name == APPROVAL;
    let track = Track {
        // Where a clock was set back, a task can be triggered before the one before it was over.
        ready: triggered.map_or(ready, |triggered| ready.min(triggered)),
        triggered,
        attempts: attempts(&rows),
        ended,
        status,
        asks,
    };
    let begun = track.attempts.first().map(|attempt| attempt.started).filter(|_| !asks);
    let waited = begun
        .or(triggered)
        .filter(|begun| begun.as_millisecond() - track.ready.as_millisecond() >= WAITED_MS);
    let left = id.and_then(|id| material.left.remove(&id)).unwrap_or_default();
    let log = id.and_then(|id| material.logs.get(&id));
    let href = id.map(|id| format!("/bridge/log/{id}"));
    // A job-executor-service of somebody's own has the same source, and keeps its output to itself.
    let ran = !left.iter().any(|name| name == JOBS)
        && rows.iter().any(|row| row.event.source == JOBS && is_phase(row, Phase::Started));
    let failed = matches!(status, Status::Failed | Status::TimedOut);
    let is_open = status.is_open() && triggered.is_some();
    let task = Task {
        id: id.map(|id| id.to_string()),
        name: Text::line(name),
        chip: Chip::plain(status),
        note: backwards(&track.attempts),
        left: Text::line(left.join(", ")),
        fault: match (failed, log) {
            (false, _) => Text::default(),
            (true, Some(log)) if !log.text.trim().is_empty() => fault(&log.text),
            (true, _) => message(&rows),
        },
        took: begun
            .or(triggered)
            .map_or_else(String::new, |begun| took(begun, ended.unwrap_or(visitor.now))),
        since_ms: begun.or(triggered).filter(|_| is_open).map(Timestamp::as_millisecond),
        waited: waited.map_or_else(String::new, |begun| took(track.ready, begun)),
        bar: (status != Status::Ahead).then(|| chart::draw(&track, &material.scale, visitor.now)),
        output: log.zip(href.clone()).map(|(log, href)| Output::new(log, href)),
        output_href: href.filter(|_| ran || log.is_some()),
        gate: gate(&rows),
        overridden: id.and_then(|id| material.overrides.of_task(id).cloned()),
        card: id.and_then(|id| material.cards.remove(&id)),
        opened: id.is_some_and(|id| material.first_failure == Some(id))
            || rows.iter().any(|row| Some(row.event.id) == material.open),
        entries: Entry::all(&rows, material, visitor),
    };
    (task, ended)
}

/// What the newest answer to an evaluation says.
fn gate(rows: &[LogRow]) -> Option<(Chip, String)> {
    let answer = rows.iter().rev().find(|row| row.event.kind.as_str() == FINISHED)?;
    let judged = Judged::of(&answer.event, None, false);
    Some((judged.chip(), judged.href()))
}

fn is_phase(row: &LogRow, wanted: Phase) -> bool {
    matches!(row.event.kind.kind(), EventKind::Task { phase, .. } if phase == wanted)
}

/// Whether an entry has moved its task.
fn counts(row: &LogRow) -> bool {
    row.disposition == Disposition::Accepted && row.reason.is_none()
}

/// Who has taken a task and what came of it: each `.started` with the `.finished` of its source, or
/// else the next one that nobody claims.
fn attempts(rows: &[LogRow]) -> Vec<Attempt> {
    let of = |phase| rows.iter().filter(move |row| counts(row) && is_phase(row, phase));
    let mut answers: Vec<&LogRow> = of(Phase::Finished).collect();
    let mut found = Vec::new();
    for row in of(Phase::Started) {
        let same = answers.iter().position(|answer| answer.event.source == row.event.source);
        let answer = same.or((!answers.is_empty()).then_some(0)).map(|at| answers.remove(at));
        found.push(Attempt {
            started: row.event.time,
            finished: answer.map(|answer| answer.event.time),
            status: answer
                .map_or(Status::Running, |answer| Status::of(Outcome::of(&answer.event.data))),
        });
    }
    found
}

fn backwards(attempts: &[Attempt]) -> Text {
    let wrong = attempts.iter().find(|attempt| attempt.is_backwards());
    let by = wrong.and_then(|wrong| Some(took(wrong.finished?, wrong.started)));
    Text::line(by.map_or_else(String::new, |by| {
        format!("ended {by} before it started: the clock of the server was set back")
    }))
}

/// The first line of what the last answer says.
fn message(rows: &[LogRow]) -> Text {
    let answers = rows.iter().rev().filter(|row| is_phase(row, Phase::Finished));
    let said = answers.map(|row| complaint(&row.event.data)).find(|said| !said.is_empty());
    fault(&said.unwrap_or_default())
}

/// When the last answer came that counted; none while the task is open.
fn finished_at(rows: &[LogRow], status: Status) -> Option<Timestamp> {
    if status.is_open() {
        return None;
    }
    let finished =
        rows.iter().rev().find(|row| row.reason.is_none() && is_phase(row, Phase::Finished));
    finished.or(rows.last()).map(|row| row.event.time)
}
