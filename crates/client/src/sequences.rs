//! Sequences: finding them, following them, and stopping, pausing or resuming them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::ClientError;
use crate::overridden::Overridden;
use crate::principal::Principal;

/// The overall state of a sequence, in Keptn's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum SequenceState {
    /// Accepted.
    Triggered,
    /// Queued behind another sequence.
    Waiting,
    /// Running, or waiting for a person.
    Started,
    /// Paused as a whole.
    Paused,
    /// Nothing follows any more, whatever the result.
    Finished,
    /// Stopped by somebody.
    Aborted,
    /// Nobody answered a task in time.
    TimedOut,
}

impl SequenceState {
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

    /// Whether nothing of it is under way.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Finished | Self::Aborted | Self::TimedOut => true,
            Self::Triggered | Self::Waiting | Self::Started | Self::Paused => false,
        }
    }
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum Verdict {
    /// Good.
    Pass,
    /// Good enough to go on.
    Warning,
    /// Bad.
    Fail,
}

impl Verdict {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warning => "warning",
            Self::Fail => "fail",
        }
    }
}

impl Sequence {
    /// Whether somebody has let it go on although a gate had failed.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        self.stages.iter().any(|stage| stage.overridden.is_some())
    }
}

impl Run {
    /// Whether somebody has let it go on although its gate had failed.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        self.tasks.iter().any(|task| task.overridden.is_some())
    }
}

/// One sequence, as the server shows it. Times are RFC 3339. What this version does not know is kept in
/// `rest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Sequence {
    /// Its id, which ties all its events together.
    pub context: String,
    /// The project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The sequence that was triggered first.
    pub sequence: String,
    /// Where it stands.
    pub state: SequenceState,
    /// How it ended; absent while something of it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Verdict>,
    /// When it was triggered.
    pub triggered_at: String,
    /// By whom.
    pub triggered_by: Principal,
    /// The labels of its trigger.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The stages that it has reached, in that order.
    #[serde(default)]
    pub stages: Vec<ReachedStage>,
    /// The approvals that wait for a person.
    #[serde(default)]
    pub approvals: Vec<String>,
    /// Its runs in the order they were triggered; only where one sequence was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Everything else.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    pub rest: Map<String, Value>,
}

/// A stage that a sequence has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct ReachedStage {
    /// Its name.
    pub name: String,
    /// The image that was asked for there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The approval by which it went on although a gate had failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
}

/// One run of a sequence in a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Run {
    /// Tells it from the others, also when it runs again in the same stage.
    pub id: String,
    /// The stage.
    pub stage: String,
    /// The service.
    pub service: String,
    /// The sequence.
    pub sequence: String,
    /// Where it stands.
    pub state: RunState,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Verdict>,
    /// Why it ended so, where something says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was triggered.
    pub triggered_at: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Its tasks, in the order of the shipyard.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// Everything else.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    pub rest: Map<String, Value>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum RunState {
    /// Not started yet.
    Waiting,
    /// Under way.
    Started,
    /// A person must decide.
    WaitingForApproval,
    /// Nothing is triggered until it is resumed.
    Paused,
    /// Ended by itself.
    Finished,
    /// Stopped by somebody.
    Aborted,
    /// Nobody took its task in time.
    TimedOut,
}

impl RunState {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::WaitingForApproval => "waitingForApproval",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Aborted => "aborted",
            Self::TimedOut => "timedOut",
        }
    }
}

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Its `.triggered` event, which is also the id of an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it stands.
    pub state: TaskState,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Verdict>,
    /// What was said about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When somebody was asked to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_at: Option<String>,
    /// When somebody began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When the last of them was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Who has approved although the gate had failed, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
    /// Everything else.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    pub rest: Map<String, Value>,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub enum TaskState {
    /// Its turn comes later.
    Pending,
    /// Nobody has taken it yet.
    Triggered,
    /// Somebody works on it.
    Started,
    /// A person must decide.
    WaitingForApproval,
    /// Done.
    Finished,
    /// Its run was stopped or given up meanwhile.
    Stopped,
    /// Its run ended before its turn came.
    Skipped,
}

/// Which sequences. Absent fields do not narrow.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SequenceQuery<'a> {
    /// Of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a str>,
    /// That have reached this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'a str>,
    /// Of this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SequenceState>,
    /// With this id, or one that begins with these digits; at least 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a str>,
    /// Most to be given; the server gives at most 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Sequences, newest first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct SequencePage {
    /// The sequences.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// Whether there may be more that match.
    #[serde(default)]
    pub more: bool,
}

/// What can be done to a sequence that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// Trigger no more tasks until it is resumed.
    Pause,
    /// Go on.
    Resume,
    /// Stop for good.
    Abort,
}

const SEQUENCES: [&str; 4] = ["api", "tidegate", "v1", "sequences"];

impl Client {
    /// The sequences that match, newest first.
    ///
    /// # Errors
    /// As for every call; 400 where a filter makes no sense.
    pub async fn sequences(&self, query: &SequenceQuery<'_>) -> Result<SequencePage, ClientError> {
        self.fetch("sequences", self.get(&SEQUENCES).query(query)).await
    }

    /// One sequence with its runs.
    ///
    /// # Errors
    /// 404 where there is none with this id.
    pub async fn sequence(&self, context: &str) -> Result<Sequence, ClientError> {
        let [api, tidegate, v1, sequences] = SEQUENCES;
        self.fetch("a sequence", self.get(&[api, tidegate, v1, sequences, context])).await
    }

    /// Stops, pauses or resumes a sequence, or what it does in one stage. Where there is nothing to
    /// control, nothing happens.
    ///
    /// # Errors
    /// As for every call.
    pub async fn control(
        &self,
        project: &str,
        context: &str,
        control: Control,
        stage: Option<&str>,
    ) -> Result<(), ClientError> {
        let path = ["api", "controlPlane", "v1", "sequence", project, context, "control"];
        let mut body = json!({"state": control});
        if let Some(stage) = stage {
            body["stage"] = stage.into();
        }
        self.send(self.post(&path).json(&body)).await.map(drop)
    }

    /// Stops a sequence, or what it does in one stage.
    ///
    /// # Errors
    /// As [`control`](Self::control).
    pub async fn abort(
        &self,
        project: &str,
        context: &str,
        stage: Option<&str>,
    ) -> Result<(), ClientError> {
        self.control(project, context, Control::Abort, stage).await
    }
}
