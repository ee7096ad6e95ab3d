//! `GET /api/controlPlane/v1/event/triggered/{type}`: the tasks that wait for an executor, and the
//! approvals that wait for a person.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::event::{Event, EventType};
use tidegate_store::{OpenEventFilter, Page};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::parameters::Paging;
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::{NoMatch, PAGE, PageFields, Query};
use crate::state::ApiState;

/// A page of open events, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenEvents {
    /// The events.
    #[schema(value_type = Vec<wire::Event>)]
    events: Vec<Value>,
    #[serde(flatten)]
    page: PageFields,
}

/// Lists the tasks of a type that wait for an executor, and the approvals that wait for a person
#[utoipa::path(get, path = "/api/controlPlane/v1/event/triggered/{type}",
    operation_id = "listOpenEvents", tag = "Events",
    params(
        ("type" = String, Path, min_length = 1, description = "The type of the event.",
            example = "sh.keptn.event.deployment.triggered"),
        ("project" = Option<wire::ProjectName>, Query, description = "Only of this project.",
            example = "sockshop"),
        ("stage" = Option<wire::StageName>, Query, description = "Only of this stage."),
        ("service" = Option<wire::ServiceName>, Query, description = "Only of this service."),
        ("eventID" = Option<wire::EventId>, Query, description = "Only the one with this id."),
        Paging,
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "What waits.", body = OpenEvents),
        (status = 404, description = "There is no such project.", body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path(kind): Path<String>,
    query: Query,
) -> Result<Json<OpenEvents>, ApiError> {
    let (offset, size) = (query.offset(), query.page_size()?.unwrap_or(PAGE));
    let missing = || ApiError::not_found("project not found");
    let named = query.text("project");
    let project = named.map(|text| path::project(text).ok_or_else(missing)).transpose()?;
    let filter = filter(&kind, &query);
    let page = state.engine.read(move |reader| {
        if let Some(name) = &project
            && reader.project(name)?.is_none()
        {
            return Ok(None);
        }
        match filter {
            Ok(filter) => {
                let filter = OpenEventFilter { project, ..filter };
                reader.open_events(&filter, offset, size).map(Some)
            }
            Err(NoMatch) => Ok(Some(Page { items: Vec::new(), total: 0, next: None })),
        }
    });
    let page = page.await?.ok_or_else(missing)?;
    let events = page.items.iter().map(Event::to_value).collect();
    Ok(Json(OpenEvents { events, page: PageFields::new(page.next, page.total) }))
}

fn filter(kind: &str, query: &Query) -> Result<OpenEventFilter, NoMatch> {
    Ok(OpenEventFilter {
        kind: Some(EventType::new(kind)),
        id: query.filter("eventID")?,
        project: None,
        stage: query.filter("stage")?,
        service: query.filter("service")?,
    })
}
