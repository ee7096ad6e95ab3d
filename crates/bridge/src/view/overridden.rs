//! Gates that had failed, and who has let a delivery go on all the same.

use std::collections::HashMap;

use tidegate_core::approval::Approval;
use tidegate_core::names::EventId;
use tidegate_core::sequence::Execution;
use tidegate_store::ExecutionSummary;

use super::card::Asked;
use super::run::status_of;
use super::{Status, Text, When, Who};
use crate::visitor::Visitor;

/// A gate that was overridden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overridden {
    /// Where it went on.
    pub(crate) stage: Text,
    pub(crate) by: Who,
    pub(crate) at: When,
    /// Why.
    pub(crate) comment: Option<Text>,
    /// The approval.
    pub(crate) href: String,
}

impl Overridden {
    /// What an approval says of the gate before it; none where it has overridden none.
    pub(crate) fn of(approval: &Approval, visitor: &Visitor) -> Option<Self> {
        let decided = approval.decided().filter(|_| approval.is_overridden())?;
        Some(Self {
            stage: Text::line(&approval.scope.stage),
            by: Who::new(&decided.by, &visitor.principal),
            at: When::new(decided.at, visitor.now),
            comment: decided.comment.as_ref().map(|comment| Text::block(comment.as_str())),
            href: format!("/bridge/approval/{}", approval.id),
        })
    }
}

/// Those of one delivery, by the tasks that they are about.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    all: Vec<Overridden>,
    /// Each approval, and the evaluation that had failed before it where that is known: places in the list.
    tasks: HashMap<EventId, usize>,
}

impl Overrides {
    /// What the approvals of a delivery say.
    pub(crate) fn of(asked: &[Asked], visitor: &Visitor) -> Self {
        let mut found = Self::default();
        for one in asked {
            let Some(overridden) = Overridden::of(&one.approval, visitor) else { continue };
            let tasks = [Some(one.approval.id), failed_evaluation(one)];
            found.tasks.extend(tasks.into_iter().flatten().map(|task| (task, found.all.len())));
            found.all.push(overridden);
        }
        found
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Overridden] {
        &self.all
    }

    /// The one that a task is about.
    pub(crate) fn of_task(&self, task: EventId) -> Option<&Overridden> {
        self.all.get(*self.tasks.get(&task)?)
    }

    /// How a run stands: one whose failed gate somebody has overridden has not just failed.
    pub(crate) fn status_of(&self, summary: &ExecutionSummary) -> Status {
        match status_of(summary) {
            Status::Failed if self.excuses(&summary.execution) => Status::Overridden,
            status => status,
        }
    }

    /// Whether what ended a run is a gate that was overridden.
    fn excuses(&self, execution: &Execution) -> bool {
        let last = execution.previous.last();
        last.is_some_and(|last| self.tasks.contains_key(&last.triggered_id))
    }
}

/// The task that had failed before an approval.
fn failed_evaluation(asked: &Asked) -> Option<EventId> {
    let gate = asked.approval.failed_gate()?.event;
    let mut results = asked.results.iter().flatten();
    results.find(|measured| measured.row.event.id == gate)?.row.event.triggered_id
}
