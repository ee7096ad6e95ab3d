//! How a delivery stands, told from its summary: lists read little else.

use tidegate_core::approval::{Approval, Decision};
use tidegate_core::event::EventType;
use tidegate_core::names::StageName;
use tidegate_core::sequence::{Context, ContextState, StageState};
use tidegate_store::{ApprovalFilter, ApprovalState, EventFilter, Reader, StoreError};

use super::output::fault;
use super::{Line, Status, Text, complaint, image_of};

const APPROVAL_OPEN: [&str; 2] =
    ["sh.keptn.event.approval.triggered", "sh.keptn.event.approval.started"];

/// A delivery as lists show it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Its summary.
    pub(crate) context: Context,
    /// Stages in which somebody said no.
    declined: Vec<StageName>,
    /// What went wrong, in its own words.
    pub(crate) fault: Text,
    /// What it delivers, where it says so.
    pub(crate) image: Option<String>,
    /// Who is before it, where it waits for its turn.
    pub(crate) line: Option<Line>,
}

impl Delivery {
    /// What the summary alone says.
    pub(crate) fn bare(context: Context) -> Self {
        let image = context.stages.iter().rev().find_map(|stage| stage.image.clone());
        Self { context, declined: Vec::new(), fault: Text::default(), image, line: None }
    }

    /// Adds to a summary what it does not say. Only a delivery that failed or that waits costs another
    /// look-up.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn read(reader: &dyn Reader, context: Context) -> Result<Self, StoreError> {
        let mut delivery = Self::bare(context);
        match delivery.status() {
            Status::Failed => {
                delivery.declined = declined(reader, &delivery.context)?;
                delivery.fault = failure(reader, &delivery.context)?;
            }
            Status::Queued => {
                let Context { project, id, .. } = &delivery.context;
                let runs = reader.executions(project, *id)?;
                let waits = runs.iter().map(|run| &run.execution).find(|run| !run.state.is_final());
                if let Some(run) = waits {
                    delivery.line = Line::read(reader, run)?;
                    delivery.image =
                        delivery.image.or_else(|| image_of(&run.carry).map(str::to_owned));
                }
            }
            _ => {}
        }
        Ok(delivery)
    }

    /// The same where the newest decisions of its project are at hand.
    pub(crate) fn known(context: Context, decided: &[Approval]) -> Self {
        let of_this = decided.iter().filter(|approval| approval.context == context.id);
        let declined = of_this.filter(|approval| is_declined(approval));
        let declined = declined.map(|approval| approval.scope.stage.clone()).collect();
        Self { declined, ..Self::bare(context) }
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
                let busy = [Status::NeedsApproval, Status::Running, Status::Queued];
                let most = busy.into_iter().find(|busy| stages().any(|stage| stage == *busy));
                most.unwrap_or(Status::Running)
            }
            ContextState::Finished => {
                let worst = [
                    Status::Declined,
                    Status::Failed,
                    Status::Aborted,
                    Status::Overridden,
                    Status::Warning,
                ];
                let worst = worst.into_iter().find(|bad| stages().any(|stage| stage == *bad));
                worst.unwrap_or(Status::Passed)
            }
        }
    }

    /// Whether somebody has let it go on although a gate had failed.
    pub(crate) fn is_overridden(&self) -> bool {
        self.context.stages.iter().any(|stage| stage.overridden.is_some())
    }

    /// How one of its stages stands.
    pub(crate) fn status_of(&self, stage: &StageState) -> Status {
        let whole = self.context.state;
        match stage.state.as_str() {
            "succeeded" | "errored" if stage.overridden.is_some() && !stage.has_failed() => {
                Status::Overridden
            }
            "succeeded" if stage.has_failed() => {
                if self.declined.contains(&stage.name) {
                    Status::Declined
                } else {
                    Status::Failed
                }
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
                _ if untaken(stage).is_some() => Status::Queued,
                _ => Status::Running,
            },
        }
    }
}

/// The stages in which somebody said no.
fn declined(reader: &dyn Reader, context: &Context) -> Result<Vec<StageName>, StoreError> {
    let filter = ApprovalFilter {
        state: Some(ApprovalState::Decided),
        project: Some(context.project.clone()),
        context: Some(context.id),
        ..ApprovalFilter::default()
    };
    let approvals = reader.approvals(&filter, 0, 100)?.items.into_iter();
    let declined = approvals.filter(is_declined);
    Ok(declined.map(|approval| approval.scope.stage).collect())
}

/// The first line of what the newest failure says of itself.
fn failure(reader: &dyn Reader, context: &Context) -> Result<Text, StoreError> {
    let newest = context
        .stages
        .iter()
        .rev()
        .find_map(|stage| Some((stage, stage.latest_failed_event.as_ref()?)));
    let Some((stage, failed)) = newest else { return Ok(Text::default()) };
    let event = reader.event(failed.id)?;
    let said = event.map_or_else(String::new, |(_, row)| complaint(&row.event.data));
    let evaluation = stage.latest_evaluation.as_ref().filter(|latest| latest.result == "fail");
    if evaluation.is_none() || !said.is_empty() {
        return Ok(fault(&said));
    }
    // The sequence only says that it has failed; what was broken stands in its evaluation.
    let filter = EventFilter {
        project: Some(context.project.clone()),
        context: Some(context.id),
        stage: Some(stage.name.to_string()),
        kind: Some(EventType::new("sh.keptn.event.evaluation.finished")),
        ..EventFilter::default()
    };
    let judged = reader.events(&filter, 0, 1)?.items.into_iter().next();
    Ok(judged.map_or_else(Text::default, |row| fault(&complaint(&row.event.data))))
}

fn is_declined(approval: &Approval) -> bool {
    approval.decided().is_some_and(|decided| decided.decision == Decision::Decline)
}

/// The task of a stage that nobody has taken yet.
pub(super) fn untaken(stage: &StageState) -> Option<&str> {
    let kind = stage.latest_event.as_ref()?.kind.as_str();
    let task = kind.strip_prefix("sh.keptn.event.")?.strip_suffix(".triggered")?;
    // A sequence has its stage before its name.
    (!task.contains('.')).then_some(task)
}

fn asks(stage: &StageState) -> bool {
    stage.latest_event.as_ref().is_some_and(|event| APPROVAL_OPEN.contains(&event.kind.as_str()))
}
