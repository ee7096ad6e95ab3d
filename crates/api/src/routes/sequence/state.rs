//! The sequence state document of Keptn 1.4: one per context.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tidegate_core::names::{ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Context, EventRef, LatestEvaluation, StageState};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SequenceState {
    name: SequenceName,
    service: ServiceName,
    project: ProjectName,
    #[serde(serialize_with = "milliseconds")]
    time: Timestamp,
    #[serde(rename = "shkeptncontext")]
    context: ContextId,
    state: &'static str,
    stages: Vec<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem_title: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    name: StageName,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_evaluation: Option<LatestEvaluation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_event: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_failed_event: Option<Reference>,
    /// Always there, also where it is empty.
    state: String,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    id: EventId,
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
