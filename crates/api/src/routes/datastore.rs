//! The log of events, as Keptn's datastore shows it.

mod filter;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::event::EventType;
use tidegate_core::names::ProjectName;
use tidegate_store::{EventFilter, LogRow, Page};

use crate::error::{ApiError, shown};
use crate::path::{self, Path};
use crate::query::{NoMatch, PAGE, Query};
use crate::state::ApiState;
use filter::{SEARCHED_MAX, TypeFilter};

/// Keptn 1.4 refuses larger pages on these two routes.
const PAGE_MAX: i64 = 100;

/// Newest first. Keptn 1.4: on this route `nextPageKey` is absent at the end, and the sizes are
/// always there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_key: Option<String>,
    page_size: u64,
    total_count: u64,
}

pub(crate) async fn events(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Events>, ApiError> {
    let page_size = size(&query, "pageSize")?;
    let offset = query.offset();
    let (from, before) = (query.time("fromTime")?, query.time("beforeTime")?);
    let page = match event_filter(&query) {
        Ok(filter) => {
            let filter = EventFilter { from, before, ..filter };
            state.engine.read(move |reader| reader.events(&filter, offset, page_size)).await?
        }
        Err(NoMatch) => Page { items: Vec::new(), total: 0, next: None },
    };
    Ok(Json(Events {
        events: page.items.iter().map(|row| row.event.to_value()).collect(),
        next_page_key: page.next.map(|offset| offset.to_string()),
        page_size,
        total_count: page.total,
    }))
}

/// Keptn 1.4: without project and context, only what belongs to no project is searched.
fn event_filter(query: &Query) -> Result<EventFilter, NoMatch> {
    let owned = |key| query.text(key).map(str::to_owned);
    let context = query.filter("keptnContext")?;
    let project = match query.text("project") {
        Some(name) => Some(path::project(name).ok_or(NoMatch)?),
        None if context.is_none() => Some(ProjectName::unmapped()),
        None => None,
    };
    Ok(EventFilter {
        project,
        context,
        kind: query.text("type").map(EventType::new),
        stage: owned("stage"),
        service: owned("service"),
        source: owned("source"),
        id: query.filter("eventID")?,
        root: query.text("root").is_some(),
        ..EventFilter::default()
    })
}

/// Newest first.
#[derive(Serialize)]
pub(crate) struct EventsOfType {
    events: Vec<Value>,
}

pub(crate) async fn events_of_type(
    State(state): State<ApiState>,
    Path(kind): Path<String>,
    query: Query,
) -> Result<Json<EventsOfType>, ApiError> {
    let limit = usize::try_from(size(&query, "limit")?).expect("at most a hundred");
    let from = query.time("fromTime")?;
    let valid_only = query.strict::<bool>("excludeInvalidated")?.unwrap_or(false);
    let text = query.text("filter");
    let text = text.ok_or_else(|| ApiError::schema(602, "filter in query is required"))?;
    let filter = TypeFilter::parse(EventType::new(&kind), text)?;
    let rows = state.engine.read(move |reader| filter.find(reader, from, limit, valid_only));
    let rows: Vec<LogRow> = rows.await?.ok_or_else(|| {
        let message = format!(
            "more than {SEARCHED_MAX} events would have to be searched; add shkeptncontext, \
             data.stage or data.service to the filter, or a later fromTime"
        );
        ApiError::bad_request(message)
    })?;
    let events = rows.iter().map(|row| row.event.to_value()).collect();
    Ok(Json(EventsOfType { events }))
}

/// A page size by Keptn's schema, with the codes of its validation.
fn size(query: &Query, key: &str) -> Result<u64, ApiError> {
    let Some(text) = query.text(key) else { return Ok(PAGE) };
    match text.parse::<i64>() {
        Ok(..1) => {
            let message = format!("{key} in query should be greater than or equal to 1");
            Err(ApiError::schema(609, message))
        }
        Ok(size @ 1..=PAGE_MAX) => Ok(size.unsigned_abs()),
        Ok(_) => {
            let message = format!("{key} in query should be less than or equal to {PAGE_MAX}");
            Err(ApiError::schema(608, message))
        }
        Err(_) => {
            let message = format!("{key} in query must be of type int64: {:?}", shown(text));
            Err(ApiError::schema(601, message))
        }
    }
}
