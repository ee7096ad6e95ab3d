//! The state of sequences, as rows: what [`step`](super::step) reads and what it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{EventType, Outcome, Scope};
use crate::names::{
    CommitId, ContextId, EventId, ExecutionId, ProjectName, SequenceName, StageName, TaskName,
};
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
#[derive(Debug, Clone, Default)]
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
}

/// The overall state of a context, in Keptn's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContextState {
    /// Accepted.
    Triggered,
    /// Queued behind another sequence.
    Waiting,
    /// Running, or waiting for a person.
    Started,
    /// Somebody paused all of it: no task is triggered.
    Paused,
    /// Nothing follows any more, whatever the result.
    Finished,
    /// Stopped by somebody.
    Aborted,
    /// Nobody answered a task in time.
    TimedOut,
}

impl ContextState {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Aborted => "aborted",
            Self::TimedOut => "timedOut",
        }
    }
}

/// A reference to an event in a context's summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's id.
    pub id: EventId,
    /// When it was accepted.
    pub time: Timestamp,
}

/// Result and score of the newest evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatestEvaluation {
    /// `pass`, `warning` or `fail`.
    pub result: String,
    /// 0 to 100.
    pub score: f64,
}

/// One stage of a context's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageState {
    /// The stage.
    pub name: StageName,
    /// The image of the newest deployment that was asked for there.
    pub image: Option<String>,
    /// The newest evaluation by the lighthouse.
    pub latest_evaluation: Option<LatestEvaluation>,
    /// The newest event.
    pub latest_event: Option<EventRef>,
    /// The newest event that reports a failure; never cleared.
    pub latest_failed_event: Option<EventRef>,
    /// Keptn's word for it; empty before the first task.
    pub state: String,
}

impl Context {
    /// Whether something of it can still happen by itself.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.open > 0 || self.following.iter().any(|next| !next.stopped)
    }

    /// Gives it its last state, once nothing of it is under way.
    pub(super) fn close(&mut self) {
        if self.is_under_way() {
            return;
        }
        self.state = match self.timed_out {
            true => ContextState::TimedOut,
            false => ContextState::Finished,
        };
        self.paused = Pauses::default();
    }

    /// The same where it was an abort that ended the last of it.
    pub(super) fn close_aborted(&mut self) {
        self.close();
        if !self.is_under_way() {
            self.state = ContextState::Aborted;
        }
    }

    /// Takes up a context again that had its last state: another sequence was triggered in it.
    pub(super) fn reopen(&mut self) {
        match self.state {
            ContextState::Finished | ContextState::Aborted | ContextState::TimedOut => {
                self.state = ContextState::Triggered;
                self.timed_out = false;
            }
            ContextState::Triggered
            | ContextState::Waiting
            | ContextState::Started
            | ContextState::Paused => {}
        }
    }
}

/// What of a context is paused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pauses {
    /// All stages, also those that it has not reached.
    pub all: bool,
    /// These stages.
    pub stages: BTreeSet<StageName>,
}

impl Pauses {
    /// Whether nothing is triggered in this stage.
    #[must_use]
    pub fn cover(&self, stage: &StageName) -> bool {
        self.all || self.stages.contains(stage)
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How many executions of a context have started in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Starts {
    /// The second, since 1970; in the future where later starts were put off.
    pub second: i64,
    /// How many.
    pub count: u32,
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

/// A test result or an evaluation that an approval is based on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was gathered.
    pub stage: StageName,
    /// The task: `test` or `evaluation`.
    pub task: TaskName,
    /// What it said.
    pub result: String,
    /// The `.finished` event.
    pub event: EventId,
    /// SHA-256 of that event's canonical data, in hexadecimal.
    pub digest: String,
}

/// A context: the index of its executions, and the summary that Keptn calls sequence state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Its id.
    pub id: ContextId,
    /// Its project.
    pub project: ProjectName,
    /// The sequence of its first trigger.
    pub name: SequenceName,
    /// The service of its first trigger.
    pub service: crate::names::ServiceName,
    /// When it was first triggered.
    pub time: Timestamp,
    /// Who triggered it first.
    pub triggered_by: Principal,
    /// Its overall state.
    pub state: ContextState,
    /// Its stages, in the order they were reached.
    pub stages: Vec<StageState>,
    /// The problem that it remedies.
    pub problem_title: Option<String>,
    /// The labels of its first trigger.
    pub labels: BTreeMap<String, String>,
    /// How many executions it has had.
    pub executions: u32,
    /// How many of them are not final.
    pub open: u32,
    /// The newest test and evaluation of each stage.
    pub evidence: Vec<Evidence>,
    /// What of it is paused.
    #[serde(default, skip_serializing_if = "Pauses::is_none")]
    pub paused: Pauses,
    /// Whether one of its executions has timed out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    /// How fast it starts sequences.
    #[serde(default)]
    pub starts: Starts,
    /// Sequences that follow and are on their way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub following: Vec<Following>,
}

/// A sequence that follows another. Between the commit that ended the one and the commit that begins
/// the other its context is under way, and can be controlled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Following {
    /// Its `<stage>.<sequence>.triggered` event, which is not in the log yet.
    pub trigger: EventId,
    /// Where it will run.
    pub stage: StageName,
    /// Whether it was aborted before it began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}
