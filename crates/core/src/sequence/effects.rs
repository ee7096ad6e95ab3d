//! What a step does: rows, log entries, dispatches, and what happens next.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::input::{FollowOn, Timer};
use super::rows::{Deployed, Execution, LatestEvent, Queue, Task};
use super::view::ViewError;
use crate::approval::{Approval, Decided, Subject};
use crate::audit::AuditRecord;
use crate::built_in::BuiltIn;
use crate::event::{Event, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, ProjectName};
use crate::uniform::StoodDown;

/// Everything that one input causes. Applied as a whole, or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// Entries for the project's log, in order, numbered.
    pub log: Vec<LogEntry>,
    /// Changed rows, at most one per key, in a fixed order.
    pub changes: Vec<Change>,
    /// What happens next in the same commit.
    pub follow_on: Vec<FollowOn>,
    /// Records for the project's audit log, in order.
    pub audit: Vec<AuditRecord>,
    /// The shipyard that must be read before the execution can go on.
    pub resolve: Option<Resolve>,
    /// What the caller is told.
    pub answer: Reply,
}

/// What the caller of an accepted input is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Reply {
    /// It was accepted.
    #[default]
    Accepted,
    /// It was sent and counted before; nothing was done again.
    Repeated,
    /// It was kept, and changes nothing; why.
    Kept(String),
    /// The vote decided, or repeats what was decided.
    Decided(Box<Decided>),
}

/// What a log entry meant when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// It counts, or it never had to.
    Accepted,
    /// It answers something that is over, or more often than asked: kept, listed, without effect.
    Late,
    /// It was sent before: kept, not listed, without effect.
    Repeated,
    /// It must not have an effect: kept with the reason, not listed.
    Refused,
}

/// One entry of a project's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Its number in the project's log, from 1, without gaps.
    pub n: u64,
    /// The project.
    pub project: ProjectName,
    /// The event.
    pub event: Event,
    /// What it meant.
    pub disposition: Disposition,
    /// Why it has no effect.
    pub reason: Option<String>,
}

/// A changed row.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The newest shipyard of a project.
    Snapshot {
        /// The project.
        project: ProjectName,
        /// The commit of its default branch.
        commit: CommitId,
        /// The file.
        text: Arc<str>,
    },
    /// Who brings the values of a project's evaluations from now on.
    SliProvider(ProjectName, String),
    /// An execution.
    Execution(Box<Execution>),
    /// A task.
    Task(ProjectName, Box<Task>),
    /// An approval.
    Approval(Box<Approval>),
    /// A context.
    Context(Box<Context>),
    /// Who holds a lane.
    Holder(Scope, Option<ExecutionId>),
    /// An execution joins a queue of its lane.
    Join(Scope, Queue, u64, ExecutionId),
    /// An execution leaves a queue of its lane.
    Leave(Scope, Queue, u64),
    /// What runs in a stage, newest last.
    Deployed(Scope, Vec<Deployed>),
    /// A `.triggered` event becomes visible to those who ask for open events.
    Open(OpenEvent),
    /// It is open no longer.
    Closed(ProjectName, EventId),
    /// An event is handed to a part of Tidegate.
    Deliver(Delivery),
    /// An event is left to an integration.
    StoodDown(StoodDown),
    /// A job of ours shall stop.
    CancelJobs(ProjectName, EventId),
    /// Set a timer; one that is set already gets the new time.
    Timer(ProjectName, Timer, Timestamp),
    /// Stop it.
    TimerGone(ProjectName, Timer),
    /// The newest event of its type for a service in a stage.
    Latest(LatestEvent),
}

/// A `.triggered` event that waits for its `.finished`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEvent {
    /// Its id.
    pub id: EventId,
    /// Where it belongs.
    pub scope: Scope,
    /// Its context.
    pub context: ContextId,
    /// Its type.
    pub kind: crate::event::EventType,
    /// Its number in the project's log.
    pub n: u64,
}

/// An event for a part of Tidegate that works on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The project.
    pub project: ProjectName,
    /// The event.
    pub event: EventId,
    /// Its number in the project's log.
    pub n: u64,
    /// Who works on it.
    pub to: BuiltIn,
}

/// The shipyard that an execution waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The execution.
    pub execution: ExecutionId,
    /// Where it runs.
    pub scope: Scope,
    /// The stage commit that the trigger asked for.
    pub requested_commit: Option<CommitId>,
}

/// Why an input has no effect at all. Each explains itself to the person or program that sent it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No such project.
    #[error("project {0} does not exist")]
    NoProject(ProjectName),
    /// No such approval in the project.
    #[error("no approval {approval} in project {project}")]
    NoApproval {
        /// The project.
        project: ProjectName,
        /// What was named.
        approval: EventId,
    },
    /// Somebody decided before, and otherwise.
    #[error("{0}")]
    AlreadyDecided(Box<Decided>),
    /// The approval is open no longer, and nobody decided it.
    #[error("this approval is closed: {0}")]
    Closed(String),
    /// What the voter saw is not what is there now.
    #[error("not decided: this changed while you were looking. {changed}. Review it again")]
    Stale {
        /// What changed, in words.
        changed: String,
        /// What is there now.
        now: Subject,
    },
    /// The approval's policy wants to know what was seen.
    #[error(
        "not decided: this approval's policy counts only votes that name the subject that was seen; decide \
         in the Bridge or with `tidegate approve`, or allow it by policy: {{ blind: allow }}"
    )]
    Blind,
    /// A failed gate is overridden, and nobody says why.
    #[error("not decided: the gate has failed; say why it may go on all the same, in a comment")]
    NoReason,
    /// This principal does not decide this approval.
    #[error("{0}")]
    NoVoter(String),
    /// A row could not be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
    /// A row contradicts another; never expected.
    #[error("inconsistent rows: {0}")]
    Inconsistent(String),
}
