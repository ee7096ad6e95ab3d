//! Approvals: what is asked, who may answer, and the one answer that counts.

mod policy;
mod revision;
mod strategy;
mod subject;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Scope, TaskResult};
use crate::names::{ContextId, EventId, ExecutionId, SequenceName};
use crate::principal::Principal;
use crate::sequence::{Commits, EVALUATION, Evidence};

pub use policy::{Blind, OnFail, Policy, PolicyError};
pub(crate) use policy::{KEY as POLICY, means_policy};
pub(crate) use revision::between;
pub use strategy::{Judgement, Strategy, judge};
pub(crate) use subject::digest_of;
pub use subject::{Subject, SubjectError, SubjectRecord};

/// The task that waits for a person.
pub const APPROVAL: &str = "approval";
/// `source` of the events that Keptn's approval service made.
pub const APPROVAL_SERVICE: &str = "approval-service";
/// How many former versions of its evidence an approval remembers, to say what changed under a voter.
pub const FORMER_KEPT: usize = 8;
/// Longest comment, in bytes.
pub const COMMENT_BYTES_MAX: usize = 4096;

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// ✅
    Approve,
    /// ✗
    Decline,
}

impl Decision {
    /// The word for what was done.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Decline => "declined",
        }
    }
}

/// Why a person decided as they did: up to [`COMMENT_BYTES_MAX`] bytes, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Comment(String);

/// The comment is too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a comment has at most {COMMENT_BYTES_MAX} bytes")]
pub struct CommentError;

impl Comment {
    /// Trims and checks the text; none where nothing is left.
    ///
    /// # Errors
    /// [`CommentError`] where it is too long.
    pub fn parse(text: &str) -> Result<Option<Self>, CommentError> {
        let text = text.trim();
        match text.len() {
            0 => Ok(None),
            1..=COMMENT_BYTES_MAX => Ok(Some(Self(text.to_owned()))),
            _ => Err(CommentError),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Comment {
    type Error = CommentError;
    fn try_from(text: String) -> Result<Self, CommentError> {
        if text.len() > COMMENT_BYTES_MAX { Err(CommentError) } else { Ok(Self(text)) }
    }
}

impl From<Comment> for String {
    fn from(comment: Comment) -> Self {
        comment.0
    }
}

/// The decision that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Approved or declined.
    pub decision: Decision,
    /// By whom.
    pub by: Principal,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub comment: Option<Comment>,
    /// What the voter had seen; none was a blind vote.
    pub seen: Option<Subject>,
    /// The `approval.finished` event.
    pub event: EventId,
}

/// "ada declined this at 2026-11-24T18:00:00Z: error budget spent"
impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} this at {:.0}", self.by, self.decision.done(), self.at)?;
        match &self.comment {
            Some(comment) => write!(f, ": {}", comment.as_str()),
            None => Ok(()),
        }
    }
}

/// Where an approval stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum ApprovalState {
    /// A person must decide.
    Open,
    /// Somebody, or the strategy, has decided.
    Decided(Decided),
    /// Nobody has to decide any more.
    Closed {
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// One approval: the question, what it is about, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The id of its `approval.triggered` event.
    pub id: EventId,
    /// Its number in the project's log: the order in which approvals were asked.
    pub n: u64,
    /// Project, stage and service.
    pub scope: Scope,
    /// The sequence that asks.
    pub sequence: SequenceName,
    /// The execution that asks.
    pub execution: ExecutionId,
    /// The delivery.
    pub context: ContextId,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Who triggered the delivery.
    pub triggered_by: Principal,
    /// The image that approving lets through.
    pub image: Option<String>,
    /// SHA-256 of the canonical `configurationChange`, in hexadecimal.
    pub change: String,
    /// What the execution runs on.
    pub commits: Commits,
    /// Tests and evaluations that it is based on, as they are now; once it is decided, as they were then.
    pub evidence: Vec<Evidence>,
    /// What it was based on before, oldest first, at most [`FORMER_KEPT`] of it: evidence may change while it
    /// waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Vec<Evidence>>,
    /// The labels of the delivery.
    pub labels: BTreeMap<String, String>,
    /// The result that led here: `pass`, `warning`, `fail` where its policy lets a person decide, or empty
    /// where nothing ran before. An evaluation that fails while it waits makes it `fail`, and none makes it
    /// better: what has failed is let through as such.
    pub result: String,
    /// What its shipyard asks for beyond Keptn's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The tasks that follow in this sequence when it is approved.
    pub then: Vec<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: ApprovalState,
}

impl Approval {
    /// Whether approving means to go on although the gate has failed.
    #[must_use]
    pub fn overrides(&self) -> bool {
        self.result == TaskResult::Fail.as_str()
    }

    /// Whether somebody has let it through although the gate has failed.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        let has_let_through = |decided: &Decided| decided.decision == Decision::Approve;
        self.overrides() && self.decided().is_some_and(has_let_through)
    }

    /// The gate that has failed before it, among what it is based on: the last evaluation that is a fail, or
    /// was one when this was asked.
    #[must_use]
    pub fn failed_gate(&self) -> Option<&Evidence> {
        let mut versions = std::iter::once(&self.evidence).chain(self.former.iter().rev());
        versions.find_map(|version| version.iter().rev().find(|one| is_failed_gate(one)))
    }

    /// Bases it on something else while it waits. Whether that changes anything.
    pub(crate) fn revise(&mut self, evidence: Vec<Evidence>) -> bool {
        if evidence == self.evidence {
            return false;
        }
        let is_new = |one: &&Evidence| !self.evidence.iter().any(|old| old.event == one.event);
        if evidence.iter().filter(is_new).any(is_failed_gate) {
            TaskResult::Fail.as_str().clone_into(&mut self.result);
        }
        self.former.push(std::mem::replace(&mut self.evidence, evidence));
        let surplus = self.former.len().saturating_sub(FORMER_KEPT);
        self.former.drain(..surplus);
        true
    }

    /// What has become of its evidence since it was asked, one sentence each; empty where it is as it was.
    #[must_use]
    pub fn revisions(&self) -> Vec<String> {
        let asked = self.former.first().unwrap_or(&self.evidence);
        between(asked, &self.evidence)
    }

    /// Whether an evaluation that it is based on was declared invalid.
    #[must_use]
    pub fn has_invalid_evidence(&self) -> bool {
        self.evidence.iter().any(|one| one.invalid.is_some())
    }

    /// The decision, once there is one.
    #[must_use]
    pub fn decided(&self) -> Option<&Decided> {
        match &self.state {
            ApprovalState::Decided(decided) => Some(decided),
            ApprovalState::Open | ApprovalState::Closed { .. } => None,
        }
    }
}

fn is_failed_gate(evidence: &Evidence) -> bool {
    evidence.task == EVALUATION && evidence.result == TaskResult::Fail.as_str()
}
