//! The state of sequences, as rows: what [`step`](super::step) reads and what it changes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{EventType, Outcome, Scope};
use crate::names::{CommitId, ContextId, EventId, ExecutionId, SequenceName, TaskName};
use crate::principal::Principal;
use crate::shipyard::{Shipyard, TaskDefinition};

/// What a step needs to know about a project: pointers, never lists.
#[derive(Debug, Clone)]
pub struct ProjectHead {
    /// The number of the newest entry in the project's log; 0 before the first.
    pub last: u64,
    /// The newest shipyard that is known, and its commit.
    pub shipyard: Option<(CommitId, Arc<Shipyard>)>,
}

/// The commits that an execution runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// The commit of the default branch that its shipyard was read from.
    pub shipyard: CommitId,
    /// The commit of the stage branch; job configuration and files are read from it.
    pub stage: Option<CommitId>,
    /// Why these are only the newest that were known, where nobody could say whether there are newer
    /// ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
}

/// A task that an execution is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousTask {
    /// Its name.
    pub name: TaskName,
    /// The id of its `.triggered` event.
    pub triggered_id: EventId,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it is an approval that was given although the gate before it had failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overridden: bool,
}

/// One run of one sequence for one stage and service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// Project, stage and service.
    pub scope: Scope,
    /// The sequence.
    pub sequence: SequenceName,
    /// The delivery that it belongs to.
    pub context: ContextId,
    /// The `<stage>.<sequence>.triggered` event.
    pub trigger: EventId,
    /// Where that event stands in the project's log: the order within the lane.
    pub position: u64,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// Who triggered the delivery.
    pub triggered_by: Principal,
    /// Whether a sequence of this context has triggered it, and not somebody from outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
    /// The approval by which that sequence, or one before it, went on although a gate had failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_gate: Option<EventId>,
    /// The commit that the trigger asked for.
    pub requested_commit: Option<CommitId>,
    /// What was resolved for it; none before that.
    pub commits: Option<Commits>,
    /// The tasks, copied from the resolved shipyard: a later edit does not touch a running execution.
    /// They never change, so the store keeps them beside this row.
    #[serde(skip)]
    pub tasks: Arc<[TaskDefinition]>,
    /// Tasks that are done, in order. The current or next task is `tasks[previous.len()]`.
    pub previous: Vec<PreviousTask>,
    /// Input and task data, folded by Keptn's merge rules.
    pub carry: Map<String, Value>,
    /// Where it stands.
    pub state: ExecutionState,
}

impl Execution {
    /// The current or next task; none when all are done.
    #[must_use]
    pub fn task(&self) -> Option<&TaskDefinition> {
        self.tasks.get(self.previous.len())
    }

    /// The approval by which it goes on although a gate has failed: its own newest, or else one before it.
    #[must_use]
    pub fn overridden(&self) -> Option<EventId> {
        let own = self.previous.iter().rev().find(|done| done.overridden);
        own.map(|done| done.triggered_id).or(self.past_gate)
    }

    /// The lane that it runs in.
    #[must_use]
    pub fn lane(&self) -> &Scope {
        &self.scope
    }
}

/// Where an execution stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum ExecutionState {
    /// Accepted; the shipyard is being read.
    Resolving,
    /// Its context starts too many sequences at once: it waits in its lane from this time on.
    Throttled {
        /// When that is.
        due: Timestamp,
    },
    /// Waiting in its lane for its turn to start.
    Waiting,
    /// This task is open. Holds its lane, unless it was paused meanwhile.
    Running {
        /// The id of the task's `.triggered` event.
        task: EventId,
    },
    /// The next task is triggered when its `triggeredAfter` has passed. Holds its lane, unless it was
    /// paused meanwhile.
    Delayed {
        /// When that is.
        due: Timestamp,
    },
    /// A person must decide. Does not hold its lane.
    WaitingForApproval {
        /// The id of the `approval.triggered` event.
        approval: EventId,
    },
    /// Was under way and let its lane go; waiting in its lane to go on with the next task.
    Ready {
        /// Its place in the queue of those that are ready.
        position: u64,
        /// Whether the `triggeredAfter` of that task has passed already.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        delay_over: bool,
    },
    /// Its context or stage is paused: it stands in no queue and holds no lane.
    Paused {
        /// Where it goes on.
        before: Before,
    },
    /// Ended by itself.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
    /// Stopped by somebody.
    Aborted {
        /// By whom.
        by: Principal,
        /// When.
        at: Timestamp,
    },
    /// Nobody took its task in time.
    TimedOut {
        /// When that was noticed.
        at: Timestamp,
    },
}

/// What a paused execution stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum Before {
    /// Its start: it goes back to its place among those that wait.
    Start,
    /// Its next task.
    Task {
        /// Its place in the queue of those that are ready.
        position: u64,
        /// Whether the `triggeredAfter` of that task has passed already.
        delay_over: bool,
    },
}

impl ExecutionState {
    /// Whether nothing can happen to it any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Aborted { .. } | Self::TimedOut { .. })
    }
}

/// A task whose `.triggered` event has been emitted. Its row stays when it is over, so that an answer
/// that is sent again is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The id of its `.triggered` event.
    pub id: EventId,
    /// Its execution.
    pub execution: ExecutionId,
    /// Its context; an answer must name the same.
    pub context: ContextId,
    /// Its name; an answer's type must name the same.
    pub name: TaskName,
    /// How many `.started` have been counted.
    pub started: u32,
    /// The `.finished` that have been counted, in order of arrival.
    pub finished: Vec<Answered>,
    /// What tells a repeated answer from a new one.
    pub keys: Vec<AnswerKey>,
    /// Whether a job of ours has started it and not yet reported its end.
    pub ours: bool,
    /// Where it stands.
    pub state: TaskState,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Answers count.
    Open,
    /// Its execution was aborted while a job of ours may still run: the lane stays held until the job
    /// reports that it has ended.
    Draining,
    /// Complete or aborted. What was answered went into its execution.
    Over,
}

/// One executor's `.finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Who sent it.
    pub source: String,
    /// What it says.
    pub outcome: Outcome,
    /// Its data.
    pub data: Map<String, Value>,
}

/// Two answers with the same key are the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerKey {
    /// `.started` or `.finished`.
    pub phase: crate::event::Phase,
    /// The event's source.
    pub source: String,
    /// The client's own id, where it sent a UUID.
    pub client_id: Option<uuid::Uuid>,
}

/// The admission index of one (project, stage, service).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneHead {
    /// The one execution whose tasks may run.
    pub holder: Option<ExecutionId>,
    /// The first of those that are ready to go on.
    pub ready: Option<Queued>,
    /// The first of those that wait to start.
    pub waiting: Option<Queued>,
    /// What runs there, newest last, at most [`DEPLOYED_KEPT`].
    pub deployed: Vec<Deployed>,
}

/// How many former deployments a lane remembers, to say what changed under an approval.
pub const DEPLOYED_KEPT: usize = 16;

/// A place in a lane's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    /// Its order within the queue.
    pub position: u64,
    /// Who waits there.
    pub execution: ExecutionId,
}

/// The two queues of a lane; those that are ready go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Decided, and waiting to go on.
    Ready,
    /// Waiting to start.
    Waiting,
}

/// Something that was deployed to a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The image, as the delivery named it.
    pub image: String,
    /// The delivery.
    pub context: ContextId,
    /// The `deployment.finished` event.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// The approval by which its delivery goes on although a gate has failed, here or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<EventId>,
}

/// The newest event of one type for a service in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestEvent {
    /// The stage and service.
    pub scope: Scope,
    /// The type.
    pub kind: EventType,
    /// The event.
    pub event: EventId,
    /// Its delivery.
    pub context: ContextId,
    /// When it was accepted.
    pub time: Timestamp,
}
