//! How a delivery stands, as a sentence.

use tidegate_core::sequence::ExecutionState;
use tidegate_store::ExecutionSummary;

use super::{Overrides, Status, Text, Who};
use crate::visitor::Visitor;

/// What follows "delivery of hello:v1". The word in the middle is the one to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub(crate) status: Status,
    pub(crate) before: &'static str,
    pub(crate) word: &'static str,
    pub(crate) after: Text,
}

impl Sentence {
    /// How a delivery stands: its most urgent run, or else its newest. `paused` is the mark on all of
    /// it.
    pub(crate) fn of(
        executions: &[ExecutionSummary],
        overrides: &Overrides,
        paused: bool,
        visitor: &Visitor,
    ) -> Self {
        let with = |status| executions.iter().rev().find(|run| overrides.status_of(run) == status);
        let urgent = [Status::NeedsApproval, Status::Running, Status::Paused, Status::Queued];
        let bad = [
            Status::Aborted,
            Status::Declined,
            Status::Failed,
            Status::TimedOut,
            Status::Overridden,
            Status::Warning,
        ];
        let found = urgent.into_iter().chain(bad).find_map(with).or(executions.last());
        let Some(run) = found else {
            return Self::new(Status::Queued, ("is", "queued"), "");
        };
        let sentence = Self::of_run(run, overrides.status_of(run), visitor);
        let state = &run.execution.state;
        if paused && !state.is_final() {
            let Self { before, word, ref after, .. } = sentence;
            let task = run.execution.task().map(|task| &task.name);
            let after = match (state, task, sentence.status) {
                (ExecutionState::Paused { .. }, ..) => after.to_string(),
                (_, Some(task), Status::Running) => {
                    format!("while {task} still runs in {}", run.execution.scope.stage)
                }
                _ => format!("and {before} {word} {after}"),
            };
            return Self::new(Status::Paused, ("is", "paused"), after);
        }
        sentence
    }

    fn new(
        status: Status,
        (before, word): (&'static str, &'static str),
        after: impl AsRef<str>,
    ) -> Self {
        Self { status, before, word, after: Text::line(after) }
    }

    fn of_run(summary: &ExecutionSummary, status: Status, visitor: &Visitor) -> Self {
        let run = &summary.execution;
        let stage = &run.scope.stage;
        let task = run.task().map_or("the next task", |task| task.name.as_str());
        let say = |words, after: String| Self::new(status, words, after);
        match (status, &run.state) {
            (_, ExecutionState::WaitingForApproval { .. }) => {
                say(("is", "waiting for approval"), format!("in {stage}"))
            }
            (Status::Queued, ExecutionState::Running { .. }) => {
                say(("is", "waiting for an executor"), format!("in {stage}: {task}"))
            }
            (_, ExecutionState::Running { .. }) => {
                say(("is", "running"), format!("in {stage}: {task}"))
            }
            (_, ExecutionState::Ready { .. }) => {
                say(("is", "next to go on"), format!("in {stage}: {task}"))
            }
            (_, ExecutionState::Paused { .. }) => {
                say(("is", "paused"), format!("before {task} in {stage}"))
            }
            (_, ExecutionState::TimedOut { .. }) => {
                say(("has", "timed out"), format!("in {stage}: nobody took {task}"))
            }
            (_, ExecutionState::Aborted { by, .. }) => {
                let by = Who::new(by, &visitor.principal).object();
                say(("was", "aborted"), format!("in {stage} by {by}"))
            }
            (Status::Declined, _) => say(("was", "declined"), format!("for {stage}")),
            (Status::Failed, _) => say(
                ("has", "failed"),
                match run.previous.last() {
                    Some(last) => format!("in {stage}: {}", last.name),
                    None => format!("in {stage}"),
                },
            ),
            (Status::Overridden, _) => {
                say(("has ended with its gate", "overridden"), format!("in {stage}"))
            }
            (Status::Warning, _) => say(("has ended with a", "warning"), format!("in {stage}")),
            (Status::Queued, _) => say(("is", "queued"), format!("in {stage}")),
            _ => say(("has", "passed"), format!("in {stage}")),
        }
    }
}
