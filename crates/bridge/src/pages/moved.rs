//! Addresses that lead somewhere else: Keptn's own, and those that lead nowhere.

use std::collections::HashMap;

use axum::extract::{Path, Query, RawQuery};
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};

use crate::next::{HOME, encode};
use crate::problem::{Problem, see_other};

/// `GET /bridge/`
pub(crate) async fn home() -> Response {
    see_other(HOME)
}

/// `GET /bridge/dashboard`
pub(crate) async fn projects() -> Response {
    see_other("/bridge/projects")
}

/// `GET /bridge/project/{project}/environment`
pub(crate) async fn project(
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    Ok(see_other(&format!("/bridge/project/{project}{query}")))
}

/// `GET …/sequence/{context}/stage/{stage}`
pub(crate) async fn stage(
    Path((project, context, stage)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let stage = StageName::new(stage).map_err(|_| Problem::NotFound("stage"))?;
    let sequence = sequence(&project, &context)?;
    Ok(see_other(&to_stage(&sequence, &stage, query.as_deref())))
}

/// `GET …/sequence/{context}/event/{event}`
pub(crate) async fn event(
    Path((project, context, event)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let event: EventId = event.parse().map_err(|_| Problem::NotFound("event"))?;
    Ok(see_other(&to_event(&sequence(&project, &context)?, event, query.as_deref())))
}

/// `GET …/service`: Keptn's list of services, for what it said of their evaluations.
pub(crate) async fn services(Path(project): Path<String>) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    Ok(see_other(&format!("/bridge/project/{project}/quality")))
}

/// `GET …/service/{service}`
pub(crate) async fn service(
    Path((project, service)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let service = ServiceName::new(service).map_err(|_| Problem::NotFound("service"))?;
    let service = encode(service.as_str());
    Ok(see_other(&format!("/bridge/project/{project}/quality/{service}")))
}

/// `GET …/service/{service}/context/{context}`: how a delivery was evaluated, or else the delivery.
pub(crate) async fn deployment(
    Path((_, _, context)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let context: ContextId = context.parse().map_err(|_| Problem::NotFound("delivery"))?;
    Ok(see_other(&format!("/bridge/evaluation/{context}")))
}

/// `GET …/service/{service}/context/{context}/stage/{stage}`
pub(crate) async fn deployment_in(
    Path((_, _, context, stage)): Path<(String, String, String, String)>,
) -> Result<Response, Problem> {
    let context: ContextId = context.parse().map_err(|_| Problem::NotFound("delivery"))?;
    let stage = StageName::new(stage).map_err(|_| Problem::NotFound("stage"))?;
    Ok(see_other(&format!("/bridge/evaluation/{context}/{stage}")))
}

fn sequence(project: &str, context: &str) -> Result<String, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let context: ContextId = context.parse().map_err(|_| Problem::NotFound("sequence"))?;
    Ok(format!("/bridge/project/{project}/sequence/{context}"))
}

/// A stage on the page of a delivery, in view. The query says it, too: a browser forgets what is behind
/// `#` when it has to sign in on the way. What was asked for beside it stays in the address.
pub(super) fn to_stage(sequence: &str, stage: &StageName, query: Option<&str>) -> String {
    format!("{sequence}?stage={stage}{}#stage-{stage}", more(query))
}

/// An event on the page of a delivery, open and in view.
pub(super) fn to_event(sequence: &str, event: EventId, query: Option<&str>) -> String {
    format!("{sequence}?open={event}{}#e-{event}", more(query))
}

fn more(query: Option<&str>) -> String {
    match query {
        Some(query) if !query.is_empty() => format!("&{query}"),
        _ => String::new(),
    }
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
