//! The sequence state document of Keptn 1.4: one per context.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tidegate_core::names::{ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Context, EventRef, LatestEvaluation, StageState};
use utoipa::ToSchema;

use crate::openapi::wire;

/// A delivery, and how far it has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SequenceState {
    /// The sequence that it began with.
    #[schema(value_type = wire::SequenceName)]
    name: SequenceName,
    /// The service.
    #[schema(value_type = wire::ServiceName)]
    service: ServiceName,
    /// The project.
    #[schema(value_type = wire::ProjectName)]
    project: ProjectName,
    /// When it began.
    #[serde(serialize_with = "milliseconds")]
    #[schema(value_type = wire::Milliseconds)]
    time: Timestamp,
    /// The delivery.
    #[serde(rename = "shkeptncontext")]
    #[schema(value_type = wire::ContextId)]
    context: ContextId,
    /// `triggered`, `waiting`, `started`, `paused`, `finished`, `aborted` or `timedOut`. One that failed is
    /// `finished`, too.
    #[schema(examples("started"))]
    state: &'static str,
    /// The stages that it has come to.
    stages: Vec<Stage>,
    /// The problem that it shall solve.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("response time degradation"))]
    problem_title: Option<String>,
}

/// How far a delivery has come in a stage.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SequenceStage)]
struct Stage {
    /// The stage.
    #[schema(value_type = wire::StageName)]
    name: StageName,
    /// What was to be deployed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("registry.example.org/carts:1.2"))]
    image: Option<String>,
    /// Result and score of the newest evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Evaluation)]
    latest_evaluation: Option<LatestEvaluation>,
    /// The newest event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Reference)]
    latest_event: Option<Reference>,
    /// The newest event that reports a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Reference)]
    latest_failed_event: Option<Reference>,
    /// The state there; empty before the first task.
    #[schema(examples("started"))]
    state: String,
}

/// Result and score of an evaluation.
#[derive(ToSchema)]
#[schema(as = LatestEvaluation)]
#[allow(dead_code, reason = "it stands for an evaluation of the core in the document")]
struct Evaluation {
    /// `pass`, `warning` or `fail`.
    #[schema(examples("pass"))]
    result: String,
    /// 0 to 100.
    #[schema(examples(97.5))]
    score: f64,
}

/// An event, without what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = EventReference)]
struct Reference {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = wire::EventType)]
    kind: String,
    /// Its id.
    #[schema(value_type = wire::EventId)]
    id: EventId,
    /// When it was accepted.
    #[schema(value_type = wire::Milliseconds)]
    #[serde(serialize_with = "milliseconds")]
    time: Timestamp,
}

impl SequenceState {
    pub(super) fn of(context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            service: context.service.clone(),
            project: context.project.clone(),
            time: context.time,
            context: context.id,
            state: context.state.as_str(),
            stages: context.stages.iter().map(Stage::of).collect(),
            problem_title: context.problem_title.clone(),
        }
    }
}

impl Stage {
    fn of(stage: &StageState) -> Self {
        Self {
            name: stage.name.clone(),
            image: stage.image.clone(),
            latest_evaluation: stage.latest_evaluation.clone(),
            latest_event: stage.latest_event.as_ref().map(Reference::of),
            latest_failed_event: stage.latest_failed_event.as_ref().map(Reference::of),
            state: stage.state.clone(),
        }
    }
}

impl Reference {
    fn of(event: &EventRef) -> Self {
        Self { kind: event.kind.clone(), id: event.id, time: event.time }
    }
}

/// Keptn 1.4 writes the times of this document with exactly three digits after the second.
pub(in crate::routes) fn milliseconds<S: Serializer>(
    time: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
}
