//! An approval as programs read it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::approval::{Approval, ApprovalState, Decided, Subject};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Deployed, Evidence};

/// An approval: the question, what it is about, and where it stands. Fields are only ever added.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// Its id: that of the `approval.triggered` event.
    id: EventId,
    /// Where it is asked.
    project: String,
    stage: String,
    service: String,
    sequence: String,
    /// The delivery.
    context: ContextId,
    /// The image that approving lets through.
    image: Option<String>,
    /// What runs there now.
    replaces: Option<Replaces>,
    /// The tasks that follow when it is approved.
    then: Vec<String>,
    /// The result that led here: `pass`, `warning`, or empty.
    result: String,
    /// Tests and evaluations that it is based on.
    evidence: Vec<Evidence>,
    labels: BTreeMap<String, String>,
    asked_at: Timestamp,
    triggered_by: Principal,
    /// Names exactly what is approved; send it with the decision.
    subject: Subject,
    /// `open`, `decided` or `closed`.
    state: &'static str,
    /// Who decided what, when and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
    /// Why nobody has to decide any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What runs in a stage.
#[derive(Debug, Clone, Serialize)]
struct Replaces {
    image: String,
    since: Timestamp,
}

impl ApprovalView {
    /// The view of an approval when `replaces` runs in its stage.
    #[must_use]
    pub fn of(approval: &Approval, replaces: Option<&Deployed>) -> Self {
        let (state, decided, reason) = match &approval.state {
            ApprovalState::Open => ("open", None, None),
            ApprovalState::Decided(decided) => ("decided", Some(decided.clone()), None),
            ApprovalState::Closed { reason, .. } => ("closed", None, Some(reason.clone())),
        };
        Self {
            id: approval.id,
            project: approval.scope.project.to_string(),
            stage: approval.scope.stage.to_string(),
            service: approval.scope.service.to_string(),
            sequence: approval.sequence.to_string(),
            context: approval.context,
            image: approval.image.clone(),
            replaces: replaces
                .map(|found| Replaces { image: found.image.clone(), since: found.at }),
            then: approval.then.clone(),
            result: approval.result.clone(),
            evidence: approval.evidence.clone(),
            labels: approval.labels.clone(),
            asked_at: approval.asked_at,
            triggered_by: approval.triggered_by.clone(),
            subject: Subject::of(approval, replaces),
            state,
            decided,
            reason,
        }
    }
}
