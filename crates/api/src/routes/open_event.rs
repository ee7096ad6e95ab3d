//! `GET /api/controlPlane/v1/event/triggered/{type}`: the tasks that wait for an executor, and the
//! approvals that wait for a person.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::event::{Event, EventType};
use tidegate_store::{OpenEventFilter, Page};

use crate::error::ApiError;
use crate::path::{self, Path};
use crate::query::{NoMatch, PAGE, PageFields, Query};
use crate::state::ApiState;

/// Newest first.
#[derive(Serialize)]
pub(crate) struct OpenEvents {
    events: Vec<Value>,
    #[serde(flatten)]
    page: PageFields,
}

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
