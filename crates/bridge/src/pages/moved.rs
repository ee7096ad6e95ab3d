//! Addresses that lead somewhere else: Keptn's own, and those that lead nowhere.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tidegate_core::names::{ContextId, EventId, ProjectName, StageName};
use tidegate_store::EventFilter;

use crate::next::HOME;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// `GET /bridge/`
pub(crate) async fn home() -> Response {
    see_other(HOME)
}

/// `GET /bridge/dashboard`
pub(crate) async fn projects() -> Response {
    see_other("/bridge/projects")
}

/// `GET /bridge/project/{project}` and its environment.
pub(crate) async fn project(Path(project): Path<String>) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    Ok(see_other(&format!("/bridge/project/{project}/sequence")))
}

/// `GET …/sequence/{context}/stage/{stage}`
pub(crate) async fn stage(
    Path((project, context, stage)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let stage = StageName::new(stage).map_err(|_| Problem::NotFound("stage"))?;
    Ok(see_other(&format!("{}#stage-{stage}", sequence(&project, &context)?)))
}

/// `GET …/sequence/{context}/event/{event}`
pub(crate) async fn event(
    Path((project, context, event)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let event: EventId = event.parse().map_err(|_| Problem::NotFound("event"))?;
    Ok(see_other(&format!("{}?open={event}#e-{event}", sequence(&project, &context)?)))
}

fn sequence(project: &str, context: &str) -> Result<String, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let context: ContextId = context.parse().map_err(|_| Problem::NotFound("sequence"))?;
    Ok(format!("/bridge/project/{project}/sequence/{context}"))
}

/// `GET /bridge/trace/{context}`
pub(crate) async fn trace(
    State(state): State<BridgeState>,
    _: Visitor,
    Path(context): Path<String>,
) -> Result<Response, Problem> {
    Ok(see_other(&of_context(&state, &context).await?))
}

/// `GET /bridge/trace/{context}/{part}`: a stage, or the type of an event.
pub(crate) async fn trace_part(
    State(state): State<BridgeState>,
    _: Visitor,
    Path((context, part)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let sequence = of_context(&state, &context).await?;
    if let Ok(stage) = StageName::new(&part) {
        return Ok(see_other(&format!("{sequence}#stage-{stage}")));
    }
    let filter = EventFilter {
        context: context.parse().ok(),
        kind: Some(tidegate_core::event::EventType::new(&part)),
        ..EventFilter::default()
    };
    let newest = state.engine.read(move |reader| reader.events(&filter, 0, 1)).await?;
    Ok(see_other(&match newest.items.first() {
        Some(row) => format!("{sequence}?open={0}#e-{0}", row.event.id),
        None => sequence,
    }))
}

/// The page of a delivery whose project is not named.
async fn of_context(state: &BridgeState, context: &str) -> Result<String, Problem> {
    let missing = || Problem::NotFound("delivery");
    let context: ContextId = context.parse().map_err(|_| missing())?;
    let filter = EventFilter { context: Some(context), ..EventFilter::default() };
    let found = state.engine.read(move |reader| {
        let Some(row) = reader.events(&filter, 0, 1)?.items.into_iter().next() else {
            return Ok(None);
        };
        reader.event(row.event.id)
    });
    let (project, _) = found.await?.ok_or_else(missing)?;
    Ok(format!("/bridge/project/{project}/sequence/{context}"))
}

/// `GET /bridge/evaluation/{context}/{part}`: a stage, or the id of an event.
pub(crate) async fn evaluation_part(
    State(state): State<BridgeState>,
    _: Visitor,
    Path((context, part)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let sequence = of_context(&state, &context).await?;
    Ok(see_other(&match part.parse::<EventId>() {
        Ok(event) => format!("{sequence}?open={event}#e-{event}"),
        Err(_) => {
            let stage = StageName::new(&part).map_err(|_| Problem::NotFound("stage"))?;
            format!("{sequence}#stage-{stage}")
        }
    }))
}

/// `GET /bridge/error?status=…`: Keptn's Bridge sent people there.
pub(crate) async fn error(Query(query): Query<HashMap<String, String>>) -> Problem {
    match query.get("status").map(String::as_str) {
        Some("403") => Problem::Forbidden,
        Some("405") => Problem::Method,
        Some("1001") => Problem::NotFound("delivery"),
        _ => Problem::NotFound("page"),
    }
}

/// Ways to sign in that Keptn's Bridge had.
pub(crate) async fn sign_in() -> Response {
    see_other("/bridge/login")
}

/// The same address below `/bridge`, for good.
pub(crate) async fn to_bridge(uri: Uri) -> Response {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    match HeaderValue::from_str(&format!("/bridge{path}")) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        Err(_) => see_other(HOME),
    }
}

/// Whatever else is asked for below `/bridge/`.
pub(crate) async fn nowhere() -> Problem {
    Problem::NotFound("page")
}

/// A known address, and a method that it does not take.
pub(crate) async fn method() -> Problem {
    Problem::Method
}
