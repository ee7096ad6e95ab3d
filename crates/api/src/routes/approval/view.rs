//! An approval as Tidegate's own routes show it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::approval::{Approval, ApprovalState, Decided, Subject};
use tidegate_core::names::{
    ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName, TaskName,
};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Deployed;
use tidegate_store::{Reader, StoreError};

/// One approval: the question, what it is about, and where it stands. Times are RFC 3339.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovalView {
    /// The id of its `approval.triggered` event.
    pub(super) id: EventId,
    pub(super) project: ProjectName,
    /// The stage that waits.
    stage: StageName,
    service: ServiceName,
    /// The sequence that asks.
    sequence: SequenceName,
    /// The delivery.
    context: ContextId,
    /// What approving lets through; absent where the delivery names no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// What runs there now, or ran there when it was decided; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Replaced>,
    asked_at: Timestamp,
    /// Who triggered the delivery: `kind` and, where the kind has names, `name`.
    triggered_by: Principal,
    labels: BTreeMap<String, String>,
    /// What led here: `pass`, `warning`, or empty where nothing ran before.
    result: String,
    /// The tasks that follow in this sequence when it is approved.
    then: Vec<String>,
    evidence: Vec<EvidenceView>,
    /// Exactly what is asked, as one digest. A vote that names another one is refused.
    subject: Subject,
    /// `open`, `decided` or `closed`.
    state: &'static str,
    /// The decision: what, by whom, when and why, what the voter had seen, and the event it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
    /// Why nobody has to decide any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
}

#[derive(Serialize)]
struct Replaced {
    image: String,
    since: Timestamp,
}

/// A test or an evaluation that the approval is based on.
#[derive(Serialize)]
struct EvidenceView {
    /// Where it was gathered.
    stage: StageName,
    /// `test` or `evaluation`.
    task: TaskName,
    result: String,
    /// The `.finished` event.
    event: EventId,
    /// SHA-256 of that event's canonical data, in hexadecimal.
    digest: String,
}

#[derive(Serialize)]
struct Closed {
    reason: String,
    at: Timestamp,
}

impl ApprovalView {
    pub(super) fn read(reader: &dyn Reader, approval: Approval) -> Result<Self, StoreError> {
        let scope = &approval.scope;
        let deployed = reader.deployed(&scope.project, &scope.stage, &scope.service)?;
        let replaces = match &approval.state {
            ApprovalState::Open => deployed.last(),
            ApprovalState::Decided(decided) => newest_at(&deployed, decided.at),
            ApprovalState::Closed { at, .. } => newest_at(&deployed, *at),
        };
        Ok(Self::of(approval, replaces))
    }

    fn of(approval: Approval, replaces: Option<&Deployed>) -> Self {
        let seen = approval.decided().and_then(|decided| decided.seen);
        let subject = seen.unwrap_or_else(|| Subject::of(&approval, replaces));
        let (state, decided, closed) = match approval.state {
            ApprovalState::Open => ("open", None, None),
            ApprovalState::Decided(decided) => ("decided", Some(decided), None),
            ApprovalState::Closed { reason, at } => ("closed", None, Some(Closed { reason, at })),
        };
        let evidence = approval.evidence.into_iter().map(|item| EvidenceView {
            stage: item.stage,
            task: item.task,
            result: item.result,
            event: item.event,
            digest: item.digest,
        });
        Self {
            id: approval.id,
            project: approval.scope.project,
            stage: approval.scope.stage,
            service: approval.scope.service,
            sequence: approval.sequence,
            context: approval.context,
            image: approval.image,
            replaces: replaces.map(|runs| Replaced { image: runs.image.clone(), since: runs.at }),
            asked_at: approval.asked_at,
            triggered_by: approval.triggered_by,
            labels: approval.labels,
            result: approval.result,
            then: approval.then,
            evidence: evidence.collect(),
            subject,
            state,
            decided,
            closed,
        }
    }
}

/// What ran at a time that has passed. Stages remember their newest deployments only, so for an old
/// approval this may be nothing.
fn newest_at(deployed: &[Deployed], time: Timestamp) -> Option<&Deployed> {
    deployed.iter().rev().find(|deployed| deployed.at <= time)
}
