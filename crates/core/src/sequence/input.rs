//! What can happen.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::approval::{Comment, Decision, Subject};
use crate::event::{Event, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName, StageName};
use crate::principal::Principal;
use crate::shipyard::Shipyard;
use crate::uniform::Rules;

/// One thing that happened. Everything that moves a sequence is one of these.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// `<stage>.<sequence>.triggered`, from outside or as a follow-up.
    Triggered {
        /// The event, with its final id and time.
        event: Event,
        /// Project, stage and service of its data.
        scope: Scope,
        /// Who triggered the delivery: the caller, or for a follow-up whoever began it.
        by: Principal,
    },
    /// The shipyard for an execution was read, or could not be.
    Resolved {
        /// The project.
        project: ProjectName,
        /// The execution.
        execution: ExecutionId,
        /// What was found.
        resolution: Resolution,
    },
    /// `<task>.started`
    Started(Answer),
    /// `<task>.finished`. On an approval it is a vote.
    Finished(Answer),
    /// A decision that was made on one of Tidegate's own routes.
    Vote {
        /// The project.
        project: ProjectName,
        /// The approval.
        approval: EventId,
        /// Approve or decline.
        decision: Decision,
        /// What the voter saw; none is a blind vote.
        subject: Option<Subject>,
        /// Why.
        comment: Option<Comment>,
        /// `source` of the `approval.finished` that the vote may cause.
        source: String,
    },
    /// Stop, pause or resume a context, or one stage of it.
    Control(Command),
    /// The lane may be free: admit who is next.
    Admit {
        /// The lane.
        lane: Scope,
    },
    /// A timer's time has come.
    TimerDue {
        /// The project.
        project: ProjectName,
        /// Which one.
        timer: Timer,
        /// The clock was set since the timer was: an expiry says so.
        clock_was_set: bool,
    },
    /// An event that moves nothing: kept, and shown to whoever asks for it.
    Record {
        /// The event.
        event: Event,
        /// Its project, or the reserved one.
        project: ProjectName,
        /// Why it moves nothing, where somebody may wonder.
        reason: Option<String>,
    },
}

impl Input {
    /// The project whose order it takes its place in.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::Triggered { scope, .. } => &scope.project,
            Self::Started(answer) | Self::Finished(answer) => &answer.project,
            Self::Admit { lane } => &lane.project,
            Self::Control(command) => &command.project,
            Self::Resolved { project, .. }
            | Self::Vote { project, .. }
            | Self::TimerDue { project, .. }
            | Self::Record { project, .. } => project,
        }
    }

    /// The event that comes with it; none where it is no event's arrival.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Triggered { event, .. } | Self::Record { event, .. } => Some(event),
            Self::Started(answer) | Self::Finished(answer) => Some(&answer.event),
            Self::Resolved { .. }
            | Self::Vote { .. }
            | Self::Control(_)
            | Self::Admit { .. }
            | Self::TimerDue { .. } => None,
        }
    }

    /// One word for it, in logs and in the input table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Triggered { .. } => "triggered",
            Self::Resolved { .. } => "resolved",
            Self::Started(_) => "started",
            Self::Finished(_) => "finished",
            Self::Vote { .. } => "vote",
            Self::Control(command) => command.control.as_str(),
            Self::Admit { .. } => "admit",
            Self::TimerDue { .. } => "timer-due",
            Self::Record { .. } => "record",
        }
    }
}

/// What somebody wants done to what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// Trigger no task until it is resumed. Votes and answers still count.
    Pause,
    /// Go on.
    Resume,
    /// End it.
    Abort,
}

impl Control {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }
}

/// A control of a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What to do.
    pub control: Control,
    /// The project.
    pub project: ProjectName,
    /// The context.
    pub context: ContextId,
    /// Only this stage.
    pub stage: Option<StageName>,
    /// Only executions behind this position: the first page has 0, the next ones follow by themselves.
    pub after: u64,
}

/// What wakes something up at its time. There is at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "timer", content = "id", rename_all = "snake_case")]
pub enum Timer {
    /// An execution goes on: its `triggeredAfter` has passed, or it may start.
    Delay(ExecutionId),
    /// A task is given up that nobody has taken: an expiry.
    Unstarted(EventId),
    /// The values of an evaluation are not waited for any longer.
    Unmeasured(EventId),
}

impl Timer {
    /// Whether it ends something for good. Expiries are held while the clock is in doubt.
    #[must_use]
    pub fn is_expiry(self) -> bool {
        match self {
            Self::Delay(_) => false,
            Self::Unstarted(_) | Self::Unmeasured(_) => true,
        }
    }
}

/// What a step leaves to be done next: in the same commit where there is room, else in a later one,
/// whatever happens to the process in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum FollowOn {
    /// See [`Input::Triggered`].
    Triggered {
        /// The event.
        event: Event,
        /// Where it belongs.
        scope: Scope,
        /// Who began it.
        by: Principal,
    },
    /// See [`Input::Admit`].
    Admit {
        /// The lane.
        lane: Scope,
    },
    /// The next page of a control.
    Control(Command),
}

impl FollowOn {
    /// The project whose order it takes its place in.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::Triggered { scope, .. } => &scope.project,
            Self::Admit { lane } => &lane.project,
            Self::Control(command) => &command.project,
        }
    }
}

impl From<FollowOn> for Input {
    fn from(follow_on: FollowOn) -> Self {
        match follow_on {
            FollowOn::Triggered { event, scope, by } => Self::Triggered { event, scope, by },
            FollowOn::Admit { lane } => Self::Admit { lane },
            FollowOn::Control(command) => Self::Control(command),
        }
    }
}

/// An executor's `.started` or `.finished`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The event, with its final id and time. Its `triggered_id` names the task.
    pub event: Event,
    /// The project of its data.
    pub project: ProjectName,
    /// The client's own id, where it sent a UUID.
    pub client_id: Option<Uuid>,
}

/// What reading the shipyard gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// It is there and valid.
    Read {
        /// The commit of the default branch.
        commit: CommitId,
        /// What stands there.
        shipyard: Arc<Shipyard>,
        /// The same as text.
        text: Arc<str>,
        /// The commit of the stage branch; none where the stage has no branch.
        stage_commit: Option<CommitId>,
        /// Why both are only the newest that are known.
        stale: Option<String>,
    },
    /// It could not be read, or is not valid: file, line and reason.
    Failed(String),
}

/// What comes with an input from outside of the core: the same input with the same environment on the
/// same rows gives the same effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Env {
    /// When it happened.
    pub now: Timestamp,
    /// Who is behind it.
    pub principal: Principal,
    /// Where the ids of new events and executions come from.
    pub seed: [u8; 16],
    /// What the installation has set.
    pub settings: Settings,
}

/// What an installation sets for all its projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long a task waits for its first `.started` or `.finished` before its sequence is given up.
    pub start_within: SignedDuration,
    /// How long an evaluation waits for its SLI provider.
    #[serde(default = "values_within")]
    pub values_within: SignedDuration,
    /// Whether events of ours say where they stand in the trace of their context.
    #[serde(default)]
    pub traceparent: bool,
    /// Which parts of Tidegate stand down for which integrations.
    #[serde(default)]
    pub integrations: Arc<Rules>,
}

impl Default for Settings {
    /// Keptn 1.4's 10 minutes, and nothing beside Keptn's own fields.
    fn default() -> Self {
        let start_within = SignedDuration::from_mins(10);
        let (traceparent, integrations) = (false, Arc::default());
        Self { start_within, values_within: values_within(), traceparent, integrations }
    }
}

/// Keptn 1.4 waits forever; this is as long as a task waits for its first answer.
fn values_within() -> SignedDuration {
    SignedDuration::from_mins(10)
}
