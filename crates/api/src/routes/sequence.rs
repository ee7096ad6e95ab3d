//! Sequences: their states, and stopping them.

mod state;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_core::names::{ContextId, StageName};
use tidegate_core::sequence::{ContextState, Control as Sequences, Refusal};
use tidegate_engine::Failure;
use tidegate_store::{Page, SequenceFilter};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Body, Changes, Guarded, Parsed};
use crate::openapi::parameters::{NumberedPaging, ProjectPath, Span};
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::{NoMatch, Query};
use crate::state::ApiState;
use state::SequenceState;

pub(super) use state::milliseconds;

/// A page of deliveries, newest first. Keptn 1.4: on this route the key of the next page is a number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SequenceStates {
    /// The deliveries.
    states: Vec<SequenceState>,
    /// Where the next page begins; absent where this one is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(20))]
    next_page_key: Option<u64>,
    /// How many there are in all; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(1))]
    total_count: Option<u64>,
}

/// Lists the deliveries of a project and how far they have come, newest first
///
/// The list of a project that does not exist is empty, as in Keptn.
#[utoipa::path(get, path = "/api/controlPlane/v1/sequence/{project}",
    operation_id = "listSequences", tag = "Sequences",
    params(
        ProjectPath,
        ("name" = Option<wire::SequenceName>, Query, description = "Only with this sequence first."),
        ("state" = Option<String>, Query, description = "Only in this state: `triggered`, `waiting`, \
            `started`, `paused`, `finished`, `aborted` or `timedOut`.", example = "started"),
        ("keptnContext" = Option<String>, Query,
            description = "Only these deliveries, with commas between them.",
            example = "6f2b1c4e-8a57-4c0e-9a55-0d3a4b7f1e29"),
        Span, NumberedPaging,
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "The deliveries.", body = SequenceStates)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path(project): Path<String>,
    query: Query,
) -> Result<Json<SequenceStates>, ApiError> {
    let size = query.page_size()?;
    let offset = query.strict("nextPageKey")?.unwrap_or(0);
    let (from, before) = (query.time("fromTime")?, query.time("beforeTime")?);
    let wanted = filter(&query).map(|filter| SequenceFilter { from, before, ..filter });
    let page = match (path::project(&project), wanted) {
        (Some(project), Ok(filter)) => {
            let read =
                state.engine.read(move |reader| reader.sequences(&project, &filter, offset, size));
            read.await?
        }
        (None, _) | (_, Err(NoMatch)) => Page { items: Vec::new(), total: 0, next: None },
    };
    Ok(Json(SequenceStates {
        states: page.items.iter().map(SequenceState::of).collect(),
        next_page_key: page.next,
        total_count: (page.total > 0).then_some(page.total),
    }))
}

fn filter(query: &Query) -> Result<SequenceFilter, NoMatch> {
    let contexts: Vec<ContextId> = match query.text("keptnContext") {
        Some(list) => list.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
        None => Vec::new(),
    };
    if contexts.is_empty() && query.text("keptnContext").is_some() {
        return Err(NoMatch);
    }
    Ok(SequenceFilter {
        name: query.filter("name")?,
        state: query.text("state").map(context_state).transpose()?,
        contexts,
        ..SequenceFilter::default()
    })
}

fn context_state(word: &str) -> Result<ContextState, NoMatch> {
    const STATES: [ContextState; 7] = [
        ContextState::Triggered,
        ContextState::Waiting,
        ContextState::Started,
        ContextState::Paused,
        ContextState::Finished,
        ContextState::Aborted,
        ContextState::TimedOut,
    ];
    STATES.into_iter().find(|state| state.as_str() == word).ok_or(NoMatch)
}

/// What shall become of a delivery.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({"state": "abort"})))]
pub(crate) struct Control {
    /// `pause`, `resume` or `abort`. Any other word changes nothing.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1)]
    state: Option<String>,
    /// In this stage only; everywhere, where it is absent.
    #[serde(default)]
    #[schema(examples("qa"))]
    stage: Option<String>,
}

/// What Keptn 1.4 says whatever was done: nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Controlled {}

/// Pauses, resumes or aborts a delivery
///
/// What is not there cannot be controlled, and is answered 200, as in Keptn.
#[utoipa::path(post, path = "/api/controlPlane/v1/sequence/{project}/{context}/control",
    operation_id = "controlSequence", tag = "Sequences",
    params(ProjectPath, ("context" = wire::ContextId, Path, description = "The delivery.")),
    request_body = Control,
    responses(Guarded, Body, Changes,
        (status = 200, description = "It was done, where there was something to do.",
            body = Controlled)))]
pub(crate) async fn control(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path((project, context)): Path<(String, String)>,
    JsonBody(control): JsonBody<Control>,
) -> Result<Json<Controlled>, ApiError> {
    let wanted = control.state.as_deref().filter(|word| !word.is_empty());
    let word =
        wanted.ok_or_else(|| ApiError::format("state must be given: pause, resume or abort"))?;
    let controls = [Sequences::Pause, Sequences::Resume, Sequences::Abort];
    match controls.into_iter().find(|control| control.as_str() == word) {
        Some(wanted) => {
            let stage = control.stage.as_deref().filter(|stage| !stage.is_empty());
            apply(&state, wanted, &project, &context, stage, &by).await?;
        }
        None => tracing::info!(state = shown(word), "an unknown control changes nothing"),
    }
    Ok(Json(Controlled {}))
}

/// Controls what is there; where nothing is, nothing happens.
async fn apply(
    state: &ApiState,
    control: Sequences,
    project: &str,
    context: &str,
    stage: Option<&str>,
    by: &tidegate_core::principal::Principal,
) -> Result<(), ApiError> {
    let names = path::project(project)
        .zip(context.parse::<ContextId>().ok())
        .zip(stage.map(StageName::new).transpose().ok());
    let done = match names {
        Some(((project, context), stage)) => {
            state.engine.control(control, project, context, stage, by).await
        }
        None => {
            tracing::info!(
                project = shown(project),
                "nothing has these names, so nothing is controlled"
            );
            return Ok(());
        }
    };
    match done {
        Err(Failure::Refused(refusal @ Refusal::NoProject(_))) => {
            tracing::info!(reason = %refusal, "nothing is controlled");
            Ok(())
        }
        other => Ok(other?),
    }
}
