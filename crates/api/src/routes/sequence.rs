//! Sequences: their states, and stopping them.

mod state;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_core::names::{ContextId, StageName};
use tidegate_core::sequence::{ContextState, Control as Sequences, Refusal};
use tidegate_engine::Failure;
use tidegate_store::{Page, SequenceFilter};

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::path::{self, Path};
use crate::query::{NoMatch, Query};
use crate::state::ApiState;
use state::SequenceState;

pub(super) use state::milliseconds;

/// Newest first. Keptn 1.4: on this route the key of the next page is a number, absent at the end.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SequenceStates {
    states: Vec<SequenceState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_key: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
}

/// Keptn 1.4 answers an empty list where the project does not exist.
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

#[derive(Deserialize)]
pub(crate) struct Control {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    stage: Option<String>,
}

/// Keptn 1.4 answers 200 and `{}` to anything with a `state`, whatever it did.
pub(crate) async fn control(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path((project, context)): Path<(String, String)>,
    JsonBody(control): JsonBody<Control>,
) -> Result<Json<Value>, ApiError> {
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
    Ok(Json(json!({})))
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
