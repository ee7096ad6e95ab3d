//! A context: what it says of itself, and what of it is under way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effects::Refusal;
use super::evidence::Evidence;
use super::rows::ExecutionState;
use super::triggered::EXECUTIONS_MAX;
use super::work::Work;
use crate::names::{ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName};
use crate::principal::Principal;

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

    /// Whether nothing of a context in this state is under way.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Finished | Self::Aborted | Self::TimedOut => true,
            Self::Triggered | Self::Waiting | Self::Started | Self::Paused => false,
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
    /// Who has let it go on there although a gate had failed, or although the gate there had failed; never
    /// cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

/// A gate that had failed, and an approval that was given all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The approval.
    pub approval: EventId,
    /// What had failed in the stage by then: the newest event that reported it.
    pub failed: Option<EventId>,
}

impl StageState {
    /// Whether a failure was reported there that nobody has overridden.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let newest = self.latest_failed_event.as_ref().map(|event| event.id);
        match &self.overridden {
            Some(known) => newest != known.failed,
            None => newest.is_some(),
        }
    }
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
        if self.state.is_final() {
            self.state = ContextState::Triggered;
            self.timed_out = false;
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
    pub service: ServiceName,
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
    /// Whether the problem that it remedies is over: what is under way ends, and no other round begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub problem_over: bool,
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
    /// What its execution gets as `past_gate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_gate: Option<EventId>,
    /// Whether it was aborted before it began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// A context says that it waits only while somebody of it has not started: whatever a step did, it ends
/// with this question.
pub(super) fn settle(work: &mut Work<'_>) -> Result<(), Refusal> {
    let comes = |state: &ExecutionState| {
        use ExecutionState::{Resolving, Throttled, Waiting};
        matches!(state, Resolving | Throttled { .. } | Waiting)
    };
    let moved = work.changed().filter(|execution| !comes(&execution.state));
    for id in moved.map(|execution| execution.context).collect::<BTreeSet<_>>() {
        if work.context(id)?.is_some_and(|context| context.state == ContextState::Waiting)
            && !waits(work, id)?
        {
            work.change_context(id, |context| context.state = ContextState::Started)?;
        }
    }
    Ok(())
}

/// Whether somebody waits, or nobody goes on while somebody has not started.
fn waits(work: &Work<'_>, context: ContextId) -> Result<bool, Refusal> {
    let changed: BTreeMap<_, _> = work.changed().map(|now| (now.id, &now.state)).collect();
    let open = work.open_executions(context, 0, EXECUTIONS_MAX as usize)?;
    let mut not_started = false;
    let mut goes_on = false;
    for execution in &open {
        match changed.get(&execution.id).copied().unwrap_or(&execution.state) {
            ExecutionState::Waiting => return Ok(true),
            ExecutionState::Resolving
            | ExecutionState::Throttled { .. }
            | ExecutionState::Paused { .. } => not_started = true,
            ExecutionState::Running { .. }
            | ExecutionState::Delayed { .. }
            | ExecutionState::WaitingForApproval { .. }
            | ExecutionState::Ready { .. } => goes_on = true,
            ExecutionState::Finished { .. }
            | ExecutionState::Aborted { .. }
            | ExecutionState::TimedOut { .. } => {}
        }
    }
    Ok(not_started && !goes_on)
}
