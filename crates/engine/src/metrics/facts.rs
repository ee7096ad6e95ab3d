//! What a step means to those who watch: what was asked, and what has ended.

use jiff::{SignedDuration, Timestamp};
use tidegate_core::approval::ApprovalState;
use tidegate_core::event::{Outcome, Scope, Status, TaskResult};
use tidegate_core::names::TaskName;
use tidegate_core::sequence::{
    Change, Effects, Execution, ExecutionState, Input, Task, TaskState, age_of,
};

/// Something that happened in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A sequence was triggered.
    SequenceTriggered(Scope),
    /// A sequence has ended.
    SequenceEnded {
        /// Where it ran.
        scope: Scope,
        /// How it ended.
        result: &'static str,
        /// Since its trigger.
        took: SignedDuration,
    },
    /// A task has ended.
    TaskEnded {
        /// Its name.
        task: TaskName,
        /// How it ended.
        result: &'static str,
        /// Since its trigger, to 16 ms.
        took: SignedDuration,
    },
    /// Somebody has to decide.
    ApprovalAsked(Scope),
    /// Nobody has to any more.
    ApprovalEnded {
        /// What for.
        scope: Scope,
        /// What became of it.
        result: &'static str,
        /// Since it was asked.
        took: SignedDuration,
    },
}

impl Fact {
    /// What a step has done at `now`. A task or an approval that a step both begins and ends, because
    /// its rules decide it, is one that ended.
    pub(crate) fn of_step(input: &Input, effects: &Effects, now: Timestamp) -> Vec<Self> {
        let mut facts = Vec::new();
        let executions = || {
            effects.changes.iter().filter_map(|change| match change {
                Change::Execution(execution) => Some(&**execution),
                _ => None,
            })
        };
        if let (Input::Triggered { scope, .. }, Some(_)) = (input, executions().next()) {
            facts.push(Self::SequenceTriggered(scope.clone()));
        }
        for change in &effects.changes {
            match change {
                Change::Execution(execution) => facts.extend(Self::sequence_ended(execution, now)),
                Change::Task(_, task) if task.state == TaskState::Over => {
                    let of = executions().find(|execution| execution.id == task.execution);
                    facts.extend(of.and_then(|execution| Self::task_ended(task, execution, now)));
                }
                Change::Approval(approval) => {
                    let scope = approval.scope.clone();
                    let result = match &approval.state {
                        ApprovalState::Open => {
                            facts.push(Self::ApprovalAsked(scope));
                            continue;
                        }
                        ApprovalState::Decided(decided) => decided.decision.done(),
                        ApprovalState::Closed { .. } => "closed",
                    };
                    let took = now.duration_since(approval.asked_at);
                    facts.push(Self::ApprovalEnded { scope, result, took });
                }
                _ => {}
            }
        }
        facts
    }

    fn sequence_ended(execution: &Execution, now: Timestamp) -> Option<Self> {
        let result = match &execution.state {
            ExecutionState::Finished { outcome, .. } => word(*outcome),
            ExecutionState::Aborted { .. } => "aborted",
            ExecutionState::TimedOut { .. } => "timed_out",
            _ => return None,
        };
        let took = now.duration_since(execution.triggered_at);
        Some(Self::SequenceEnded { scope: execution.scope.clone(), result, took })
    }

    /// None for a job of an aborted sequence that has ended at last: its task ended with the sequence.
    fn task_ended(task: &Task, execution: &Execution, now: Timestamp) -> Option<Self> {
        let done = execution.previous.last().filter(|done| done.triggered_id == task.id);
        let result = match (done, &execution.state) {
            (Some(done), _) => word(done.outcome),
            (None, ExecutionState::Aborted { .. }) => "aborted",
            (None, ExecutionState::TimedOut { .. }) => "timed_out",
            (None, _) => return None,
        };
        let took = age_of(task.id.uuid(), now);
        Some(Self::TaskEnded { task: task.name.clone(), result, took })
    }
}

/// One word for how something ended by itself.
fn word(outcome: Outcome) -> &'static str {
    match (outcome.status, outcome.result) {
        (Status::Errored | Status::Unknown, _) => "errored",
        (Status::Aborted, _) => "aborted",
        (Status::Succeeded, TaskResult::Pass) => "pass",
        (Status::Succeeded, TaskResult::Warning) => "warning",
        (Status::Succeeded, TaskResult::Fail) => "fail",
    }
}
