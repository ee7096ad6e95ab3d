//! The log of events, as Keptn's datastore shows it.

mod filter;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::event::EventType;
use tidegate_core::names::ProjectName;
use tidegate_store::{EventFilter, LogRow, Page};
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::parameters::{DatastorePaging, Span};
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::{NoMatch, PAGE, Query};
use crate::state::ApiState;
use filter::{SEARCHED_MAX, TypeFilter};

/// Keptn 1.4 refuses larger pages on these two routes.
const PAGE_MAX: i64 = 100;

/// A page of events, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    /// The events.
    #[schema(value_type = Vec<wire::Event>)]
    events: Vec<Value>,
    /// Where the next page begins; absent where this one is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::NextPageKey)]
    next_page_key: Option<String>,
    /// The size of a page, as it was asked for.
    #[schema(examples(20))]
    page_size: u64,
    /// How many there are in all.
    #[schema(examples(1))]
    total_count: u64,
}

/// Searches the log of events, newest first
///
/// Without a project and a delivery, only events that belong to no project are searched, as in Keptn.
#[utoipa::path(get, path = "/api/mongodb-datastore/event", operation_id = "listEvents",
    tag = "Events",
    params(
        ("project" = Option<wire::ProjectName>, Query, description = "Only of this project.",
            example = "sockshop"),
        ("keptnContext" = Option<wire::ContextId>, Query, description = "Only of this delivery."),
        ("type" = Option<wire::EventType>, Query, description = "Only of this type."),
        ("stage" = Option<wire::StageName>, Query, description = "Only of this stage."),
        ("service" = Option<wire::ServiceName>, Query, description = "Only of this service."),
        ("source" = Option<String>, Query, description = "Only from this source.",
            example = "shipyard-controller"),
        ("eventID" = Option<wire::EventId>, Query, description = "Only the one with this id."),
        ("root" = Option<String>, Query, description = "Any text: only the first of each delivery.",
            example = "true"),
        Span, DatastorePaging,
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "The events.", body = Events),
        (status = 422, description = "`pageSize` is no size of a page; `code` is 601, 608 or 609.",
            body = Error, example = json!({"code": 608,
                "message": "pageSize in query should be less than or equal to 100"})),
    ))]
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

/// The newest events of a type that match.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventsOfType {
    /// The events, newest first.
    #[schema(value_type = Vec<wire::Event>)]
    events: Vec<Value>,
}

/// Searches the events of a type by what they say, newest first
#[utoipa::path(get, path = "/api/mongodb-datastore/event/type/{type}",
    operation_id = "listEventsOfType", tag = "Events",
    params(
        ("type" = String, Path, min_length = 1, description = "The type of the events.",
            example = "sh.keptn.event.evaluation.finished"),
        ("filter" = String, Query, min_length = 1,
            description = "`key:value AND key:value,value`; keys are paths into the event, such as \
                `data.result`. `data.project` or `shkeptncontext` is one of them.",
            example = "data.project:sockshop AND data.result:pass"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 100,
            description = "Most events to be given; 20 where it is absent."),
        ("excludeInvalidated" = Option<bool>, Query,
            description = "Whether to leave out what was invalidated later."),
        ("fromTime" = Option<wire::Time>, Query, description = "Only what came after this time.",
            example = "2026-11-24T10:00:00.000Z"),
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "The events.", body = EventsOfType),
        (status = 422, description = "`limit` is no number of events, or there is no `filter`.",
            body = Error, example = json!({"code": 602, "message": "filter in query is required"})),
    ))]
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
