//! `GET /event/triggered/{type}`: what executors ask for.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::event::{Event, EventType};
use tidegate_core::names::{EventId, ServiceName, StageName};
use tidegate_store::OpenEventFilter;

use crate::error::ApiError;
use crate::keptn::{self, Paging};
use crate::state::ApiState;

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(rename = "eventID")]
    id: String,
    project: String,
    stage: String,
    service: String,
}

/// Open `.triggered` events of a type, newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path(kind): Path<String>,
    Query(asked): Query<Asked>,
    Query(paging): Query<Paging>,
) -> Result<Json<Value>, ApiError> {
    let mut filter = OpenEventFilter { kind: Some(EventType::new(&kind)), ..Default::default() };
    if !asked.project.is_empty() {
        let missing = || ApiError::not_found("project not found");
        let project = keptn::project(&asked.project).map_err(|_| missing())?;
        let name = project.clone();
        if state.engine.read(move |reader| reader.project(&name)).await?.is_none() {
            return Err(missing());
        }
        filter.project = Some(project);
    }
    // A text that is no name, and an id that is no UUID, belong to no open event.
    if !asked.stage.is_empty() {
        let Ok(stage) = StageName::new(&asked.stage) else { return Ok(nothing()) };
        filter.stage = Some(stage);
    }
    if !asked.service.is_empty() {
        let Ok(service) = ServiceName::new(&asked.service) else { return Ok(nothing()) };
        filter.service = Some(service);
    }
    if !asked.id.is_empty() {
        let Ok(id) = asked.id.parse::<EventId>() else { return Ok(nothing()) };
        filter.id = Some(id);
    }
    let (offset, limit) = (paging.offset(), paging.limit());
    let page = state.engine.read(move |reader| reader.open_events(&filter, offset, limit)).await?;
    let events: Vec<Value> = page.items.iter().map(Event::to_value).collect();
    Ok(Json(keptn::page("events", &events, page.next, page.total)))
}

fn nothing() -> Json<Value> {
    Json(keptn::page("events", &[], None, 0))
}
