//! An evaluation that somebody asks for, by Keptn's route.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_core::event::{Draft, SPEC_VERSION};
use tidegate_core::names::{CommitId, ContextId, SequenceName, StageName};
use tidegate_core::quality::time::{EVALUATION, Span, TimeError, of_trigger};
use tidegate_core::shipyard::{Shipyard, TaskDefinition};
use utoipa::ToSchema;

use super::stage;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::openapi::answers::{Body, Changes, Guarded};
use crate::openapi::parameters::ServicePath;
use crate::openapi::wire;
use crate::path::Path;
use crate::state::ApiState;

/// `source` of the event, as Keptn writes it.
const SOURCE: &str = "https://github.com/keptn/keptn/api";
/// Keptn 1.4's code for what is not there; the status is 400 all the same.
const NOT_THERE: u16 = 2;

/// Which time is evaluated. With nothing given, that of the shipyard, or else the last five minutes. As for Keptn,
/// what is null is absent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(examples(json!({"timeframe": "10m", "labels": {"build": "17"}})))]
pub(crate) struct NewEvaluation {
    /// Labels of the evaluation.
    #[schema(value_type = Option<wire::Labels>)]
    labels: Option<BTreeMap<String, String>>,
    /// From when: RFC 3339, or without a zone, which is UTC. Needs an end or a timeframe.
    #[schema(examples("2026-11-24T10:00:00Z"))]
    start: Option<String>,
    /// Until when, at least a minute later. Needs a start.
    #[schema(examples("2026-11-24T10:10:00Z"))]
    end: Option<String>,
    /// How long, as a duration of Go's, from the start or until now; not beside an end.
    #[schema(examples("10m"))]
    timeframe: Option<String>,
    /// The commit of the stage that files are read at; the newest where it is empty.
    #[serde(rename = "gitcommitid")]
    #[schema(examples("4b825dc642cb6eb9a060e54bf8d69288fbee4904"))]
    commit: Option<String>,
}

/// The delivery that was triggered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Triggered {
    /// Its id.
    #[schema(value_type = wire::ContextId)]
    keptn_context: ContextId,
}

/// Evaluates a service in a stage
///
/// Triggers the sequence `evaluation` of the stage, which every stage has. The time that is asked for is fixed now,
/// not when the evaluation begins, and wins over a `timeframe` in the shipyard. What is not there is answered 400 with code 2, as in Keptn.
#[utoipa::path(post,
    path = "/api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}/evaluation",
    operation_id = "triggerEvaluation", tag = "Sequences", params(ServicePath),
    request_body = NewEvaluation,
    responses(Guarded, Body, Changes,
        (status = 200, description = "It was triggered.", body = Triggered),
    ))]
pub(crate) async fn trigger(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path((project, stage, service)): Path<(String, String, String)>,
    JsonBody(new): JsonBody<NewEvaluation>,
) -> Result<Json<Triggered>, ApiError> {
    let asked = new.span();
    asks_for_a_time(asked)?;
    let not_there = |error: ApiError| match error.status() {
        StatusCode::NOT_FOUND => ApiError::bad_request(error.message()).with_code(NOT_THERE),
        _ => error,
    };
    let found = stage::find(&state.engine, &project, &stage).await.map_err(not_there)?;
    if !found.into_services().iter().any(|known| known.service_name == *service) {
        return Err(ApiError::bad_request("service not found").with_code(NOT_THERE));
    }
    let tasks = tasks(&state, &project, &stage).await.map_err(not_there)?;
    let time = of_trigger(EVALUATION, &tasks, asked, state.engine.now())
        .map_err(|error| ApiError::bad_request(told(&error)))?
        .unwrap_or_default();
    let mut body = json!({
        "type": format!("sh.keptn.event.{stage}.evaluation.triggered"),
        "source": SOURCE,
        "shkeptnspecversion": SPEC_VERSION,
        "data": {
            "project": project, "stage": stage, "service": service, "labels": new.labels.unwrap_or_default(),
            "test": {"start": "", "end": ""},
            "evaluation": {"start": time.start, "end": time.end, "timeframe": ""},
            "deployment": {"deploymentNames": null},
        },
    });
    if let Some(commit) = new.commit.filter(|commit| !commit.is_empty()) {
        let commit = CommitId::new(&commit)
            .map_err(|error| ApiError::format(format!("gitcommitid: {error}")))?;
        body["gitcommitid"] = json!(commit);
    }
    let accepted = state.engine.accept(Draft::from_value(body)?, &by, None).await?;
    Ok(Json(Triggered { keptn_context: accepted.context }))
}

impl NewEvaluation {
    fn span(&self) -> Span<'_> {
        let [start, end, timeframe] = [&self.start, &self.end, &self.timeframe]
            .map(|field| field.as_deref().unwrap_or_default());
        Span { start, end, timeframe }
    }
}

/// Keptn's errors in Keptn's words; ours with how to mend it.
fn told(error: &TimeError) -> String {
    match error {
        TimeError::Fixed(_) => format!("{error}; {}", error.hint()),
        _ => error.to_string(),
    }
}

/// The tasks of the sequence; none where the shipyard lists none.
async fn tasks(
    state: &ApiState,
    project: &str,
    stage: &str,
) -> Result<Arc<[TaskDefinition]>, ApiError> {
    let read = stage::of_project(&state.engine, project, |_, row| Ok(row.shipyard.clone()));
    let shipyard = Shipyard::parse(&read.await?).ok();
    let names = StageName::new(stage).ok().zip(SequenceName::new(EVALUATION).ok());
    let found = shipyard.zip(names);
    let tasks = found.and_then(|(shipyard, (stage, name))| shipyard.tasks(&stage, &name).ok());
    Ok(tasks.unwrap_or_default())
}

/// Keptn 1.4's own check, in its words, before anything is looked up.
fn asks_for_a_time(asked: Span<'_>) -> Result<(), ApiError> {
    let has = |text: &str| !text.is_empty();
    let why = match (has(asked.start), has(asked.end), has(asked.timeframe)) {
        (_, true, true) => "timeframe and end time specifications cannot be set together",
        (true, false, false) => {
            "timeframe or end time specifications need to be specified when using start parameter"
        }
        (false, true, _) => "end time specifications cannot be set without start parameter",
        _ => return Ok(()),
    };
    Err(ApiError::format(why))
}
