//! How a delivery stands, told from its summary: lists read little else.

use tidegate_core::approval::Decision;
use tidegate_core::names::StageName;
use tidegate_core::sequence::{Context, ContextState, StageState};
use tidegate_store::{ApprovalFilter, ApprovalState, Reader, StoreError};

use super::Status;

const APPROVAL_OPEN: [&str; 2] =
    ["sh.keptn.event.approval.triggered", "sh.keptn.event.approval.started"];

/// A delivery as lists show it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Its summary.
    pub(crate) context: Context,
    /// Stages in which somebody said no.
    declined: Vec<StageName>,
}

impl Delivery {
    /// Adds to a summary what it does not say. Only a delivery that failed costs another look-up.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn read(reader: &dyn Reader, context: Context) -> Result<Self, StoreError> {
        let mut delivery = Self { context, declined: Vec::new() };
        if delivery.status() == Status::Failed {
            let filter = ApprovalFilter {
                state: Some(ApprovalState::Decided),
                project: Some(delivery.context.project.clone()),
                context: Some(delivery.context.id),
                ..ApprovalFilter::default()
            };
            let approvals = reader.approvals(&filter, 0, 100)?.items.into_iter();
            let declined = approvals.filter(|approval| {
                approval.decided().is_some_and(|decided| decided.decision == Decision::Decline)
            });
            delivery.declined = declined.map(|approval| approval.scope.stage).collect();
        }
        Ok(delivery)
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        let stages = || self.context.stages.iter().map(|stage| self.status_of(stage));
        match self.context.state {
            ContextState::Aborted => Status::Aborted,
            ContextState::TimedOut => Status::TimedOut,
            ContextState::Triggered | ContextState::Waiting => Status::Queued,
            ContextState::Paused => {
                stages().find(|s| *s == Status::NeedsApproval).unwrap_or(Status::Paused)
            }
            ContextState::Started => {
                stages().find(|s| *s == Status::NeedsApproval).unwrap_or(Status::Running)
            }
            ContextState::Finished => {
                let worst = [Status::Declined, Status::Failed, Status::Aborted, Status::Warning];
                let worst = worst.into_iter().find(|bad| stages().any(|stage| stage == *bad));
                worst.unwrap_or(Status::Passed)
            }
        }
    }

    /// How one of its stages stands.
    pub(crate) fn status_of(&self, stage: &StageState) -> Status {
        let whole = self.context.state;
        match stage.state.as_str() {
            "succeeded" if stage.latest_failed_event.is_some() => {
                if self.declined.contains(&stage.name) { Status::Declined } else { Status::Failed }
            }
            "succeeded" => match &stage.latest_evaluation {
                Some(evaluation) if evaluation.result == "warning" => Status::Warning,
                _ => Status::Passed,
            },
            "paused" if !asks(stage) => Status::Paused,
            "errored" => Status::Failed,
            "aborted" => Status::Aborted,
            _ => match whole {
                ContextState::Aborted => Status::Aborted,
                ContextState::TimedOut => Status::TimedOut,
                _ if asks(stage) => Status::NeedsApproval,
                _ if stage.latest_event.is_none() => Status::Queued,
                ContextState::Finished => Status::Unknown,
                _ => Status::Running,
            },
        }
    }
}

fn asks(stage: &StageState) -> bool {
    stage.latest_event.as_ref().is_some_and(|event| APPROVAL_OPEN.contains(&event.kind.as_str()))
}
