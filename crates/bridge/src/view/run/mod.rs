//! One run of a sequence in one stage: its tasks, their events, and when each of them ran.

mod chart;
mod entry;
mod line;
mod scale;
mod task;

use std::collections::HashMap;

use jiff::Timestamp;
use tidegate_core::approval::APPROVAL;
use tidegate_core::names::{EventId, StageName};
use tidegate_core::sequence::{Execution, ExecutionState, PreviousTask};
use tidegate_store::{ExecutionSummary, LogRow};

pub(crate) use entry::{Entry, Payload};
pub(crate) use line::Line;
pub(crate) use scale::Scale;
pub(crate) use task::{Task, first_failure};

use super::svg::Svg;
use super::{Card, Chip, Overrides, Status, Text, When, took};
use crate::logs::JobLog;
use crate::visitor::Visitor;

/// The runs of a delivery in one stage.
pub(crate) struct Stage {
    pub(crate) name: Text,
    /// The newest of them, for a look at the folded stage.
    pub(crate) chip: Chip,
    pub(crate) runs: Vec<Run>,
}

/// A run as its page shows it.
pub(crate) struct Run {
    /// Tells it from the others, also when it runs again in the same stage.
    pub(crate) key: String,
    pub(crate) sequence: Text,
    pub(crate) chip: Chip,
    /// What it waits for, or why it ended, where that needs saying.
    pub(crate) note: Text,
    /// Who is before it, where it stands in a queue.
    pub(crate) line: Option<Line>,
    /// Why its commits may not be the newest.
    pub(crate) stale: Option<Text>,
    pub(crate) took: String,
    /// Tasks that are done, and all of them.
    pub(crate) done: usize,
    pub(crate) all: usize,
    pub(crate) tasks: Vec<Task>,
}

/// What runs are built from, by the task that each belongs to.
pub(crate) struct Material {
    /// The address of the delivery's page.
    pub(crate) path: String,
    /// The trace, oldest first.
    pub(crate) entries: HashMap<EventId, Vec<LogRow>>,
    /// The output of jobs whose rows are open at first.
    pub(crate) logs: HashMap<EventId, JobLog>,
    /// The approvals.
    pub(crate) cards: HashMap<EventId, Card>,
    /// Failed gates that were overridden.
    pub(crate) overrides: Overrides,
    /// The places of runs that wait, by the event that triggered them.
    pub(crate) lines: HashMap<EventId, Line>,
    /// The integrations that tasks were left to, by name.
    pub(crate) left: HashMap<EventId, Vec<String>>,
    /// The event whose row shall be open at first.
    pub(crate) open: Option<EventId>,
    /// The task that failed first; its row is open, too.
    pub(crate) first_failure: Option<EventId>,
    /// Bytes of payloads that the page still has room for.
    pub(crate) payload_bytes: usize,
    /// The scale of all bars.
    pub(crate) scale: Scale,
}

impl Material {
    /// The axis of all bars.
    pub(crate) fn axis(&self) -> Svg {
        chart::axis(&self.scale)
    }
}

/// The runs by stage, stages in the order they were reached.
pub(crate) fn by_stage(runs: Vec<(StageName, Run)>) -> Vec<Stage> {
    let mut stages = Vec::<Stage>::new();
    for (stage, run) in runs {
        match stages.iter_mut().find(|known| known.name.as_str() == stage.as_str()) {
            Some(known) => {
                known.chip = run.chip.clone();
                known.runs.push(run);
            }
            None => stages.push(Stage {
                name: Text::line(&stage),
                chip: run.chip.clone(),
                runs: vec![run],
            }),
        }
    }
    stages
}

impl Stage {
    /// Its run, where there is one only: it needs no heading of its own.
    pub(crate) fn only(&self) -> Option<&Run> {
        match self.runs.as_slice() {
            [run] => Some(run),
            _ => None,
        }
    }

    /// Thousandths of its tasks that are done, for the water line.
    pub(crate) fn level(&self) -> usize {
        let (done, all) = self.runs.iter().fold((0, 0), |(done, all), run| {
            // A sequence that ended early has nothing ahead of it.
            let rest = if run.chip.status.is_open() { run.all } else { run.done };
            (done + run.done, all + rest)
        });
        (done * 1000).checked_div(all).unwrap_or(1000)
    }
}

impl Run {
    /// A run, taking what belongs to it out of the material.
    pub(crate) fn new(
        summary: &ExecutionSummary,
        material: &mut Material,
        visitor: &Visitor,
    ) -> Self {
        let execution = &summary.execution;
        let end = end_of(execution).unwrap_or(visitor.now);
        let stale = execution.commits.as_ref().and_then(|commits| commits.stale.as_ref());
        Self {
            key: execution.id.to_string(),
            sequence: Text::line(&execution.sequence),
            chip: Chip::plain(material.overrides.status_of(summary)),
            note: note(execution, visitor.now),
            line: material.lines.remove(&execution.trigger),
            stale: stale.map(Text::line),
            took: took(execution.triggered_at, end),
            done: execution.previous.len(),
            all: execution.tasks.len(),
            tasks: task::all(summary, material, visitor),
        }
    }
}

/// How a run stands: nothing runs while nobody has taken its task.
pub(crate) fn status_of(summary: &ExecutionSummary) -> Status {
    let execution = &summary.execution;
    match status_in(&execution.state, &execution.previous) {
        Status::Running if summary.open.as_ref().is_some_and(|open| open.started == 0) => {
            Status::Queued
        }
        status => status,
    }
}

/// How a run in some state stands, after the tasks that it is done with.
pub(crate) fn status_in(state: &ExecutionState, previous: &[PreviousTask]) -> Status {
    match state {
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
        ExecutionState::Finished { outcome, .. } => match previous.last() {
            Some(last) if last.name == APPROVAL && !last.outcome.continues() => {
                Status::of_approval(last.outcome)
            }
            _ if outcome.continues() && previous.iter().any(|done| done.overridden) => {
                Status::Overridden
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
            format!("the next task starts {}", When::to_come(*due, now).relative)
        }
        ExecutionState::Ready { .. } => {
            format!("goes on next; another sequence of {} runs in {stage}", execution.scope.service)
        }
        ExecutionState::Throttled { due } => {
            let starts = When::to_come(*due, now).relative;
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
