//! An approval as Tidegate's own routes show it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::approval::{Approval, ApprovalState, Decided, Policy, Subject};
use tidegate_core::names::{
    ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName, TaskName,
};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Deployed;
use tidegate_store::{Reader, StoreError};
use utoipa::ToSchema;

use crate::openapi::answers;
use crate::openapi::wire;

/// One approval: the question, what it is about, and where it stands. Times are RFC 3339.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub(crate) struct ApprovalView {
    /// The id of its `approval.triggered` event.
    #[schema(value_type = wire::EventId)]
    pub(super) id: EventId,
    /// The project.
    #[schema(value_type = wire::ProjectName)]
    pub(super) project: ProjectName,
    /// The stage that waits.
    #[schema(value_type = wire::StageName)]
    stage: StageName,
    /// The service.
    #[schema(value_type = wire::ServiceName)]
    service: ServiceName,
    /// The sequence that asks.
    #[schema(value_type = wire::SequenceName)]
    sequence: SequenceName,
    /// The delivery.
    #[schema(value_type = wire::ContextId)]
    context: ContextId,
    /// What approving lets through; absent where the delivery names no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("registry.example.org/carts:1.2"))]
    image: Option<String>,
    /// What runs there now, or ran there when it was decided; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Replaced)]
    replaces: Option<Replaced>,
    /// Since when it waits.
    #[schema(value_type = wire::Time)]
    asked_at: Timestamp,
    /// Who triggered the delivery.
    #[schema(value_type = wire::Principal)]
    triggered_by: Principal,
    /// Labels of the delivery.
    #[schema(value_type = wire::Labels)]
    labels: BTreeMap<String, String>,
    /// What led here: `pass`, `warning`, `fail` where the policy lets a person override the gate, or empty where
    /// nothing ran before.
    #[schema(examples("pass"))]
    result: String,
    /// What the shipyard asks for beyond Keptn's words; absent where it asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PolicyView)]
    policy: Option<Policy>,
    /// The tasks that follow in this sequence when it is approved.
    #[schema(examples(json!(["deployment"])))]
    then: Vec<String>,
    /// The tests and evaluations that it is based on.
    evidence: Vec<EvidenceView>,
    /// What has become of the evidence since it was asked, one sentence each; absent where it is as it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revised: Vec<String>,
    /// Exactly what is asked, as one digest. A vote that names another one is refused.
    #[schema(value_type = wire::Subject)]
    subject: Subject,
    /// `open`, `decided` or `closed`.
    #[schema(examples("open"))]
    state: &'static str,
    /// The decision: what, by whom, when and why, what the voter had seen, and the event it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = answers::Decided)]
    decided: Option<Decided>,
    /// Whether it was given although the gate had failed; absent where it was not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overridden: bool,
    /// Why nobody has to decide any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Closed)]
    closed: Option<Closed>,
}

/// The policy of an approval, from its shipyard.
#[derive(ToSchema)]
#[schema(as = Policy, rename_all = "camelCase")]
#[allow(dead_code, reason = "it stands for a policy of the core in the document")]
struct PolicyView {
    /// What happens where the gate before it has failed: `end`, or `manual`, where a person decides and says why.
    #[schema(examples("manual"))]
    on_fail: String,
    /// What becomes of a vote that names no subject: `refuse` or `allow`.
    #[schema(examples("refuse"))]
    blind: String,
}

/// What runs where the new version would go.
#[derive(Serialize, ToSchema)]
struct Replaced {
    /// The image.
    #[schema(examples("registry.example.org/carts:1.1"))]
    image: String,
    /// Since when.
    #[schema(value_type = wire::Time)]
    since: Timestamp,
}

/// A test or an evaluation that an approval is based on.
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceView {
    /// Where it was gathered.
    #[schema(value_type = wire::StageName)]
    stage: StageName,
    /// `test` or `evaluation`.
    #[schema(value_type = wire::TaskName)]
    task: TaskName,
    /// What came of it.
    #[schema(examples("pass"))]
    result: String,
    /// The `.finished` event.
    #[schema(value_type = wire::EventId)]
    event: EventId,
    /// SHA-256 of that event's canonical data, in hexadecimal.
    #[schema(examples("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))]
    digest: String,
    /// The event that declared the evaluation invalid; absent where it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::EventId)]
    invalid: Option<EventId>,
}

/// Why nobody has to decide an approval any more.
#[derive(Serialize, ToSchema)]
struct Closed {
    /// Why, in words.
    #[schema(examples("the sequence was aborted"))]
    reason: String,
    /// Since when.
    #[schema(value_type = wire::Time)]
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
        let overridden = approval.is_overridden();
        let revised = approval.revisions();
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
            invalid: item.invalid,
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
            policy: approval.policy,
            then: approval.then,
            evidence: evidence.collect(),
            revised,
            subject,
            state,
            decided,
            overridden,
            closed,
        }
    }
}

/// What ran at a time that has passed. Stages remember their newest deployments only, so for an old
/// approval this may be nothing.
fn newest_at(deployed: &[Deployed], time: Timestamp) -> Option<&Deployed> {
    deployed.iter().rev().find(|deployed| deployed.at <= time)
}
