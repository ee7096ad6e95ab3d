//! `GET /api/tidegate/v1/projects/{project}/stages/{stage}/services/{service}/evaluations`: how the quality gate
//! of a service has judged, and by which values. What judges a history again needs no more.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::event::{EventType, Phase, Scope, TaskResult};
use tidegate_core::names::{ContextId, EventId, ServiceName, StageName, TaskName};
use tidegate_core::quality::{IndicatorResult, IndicatorStatus, Past, SliResult, Void};
use tidegate_store::{EventFilter, LogRow, PAGE_MAX, Page, Reader, StoreError, void_evaluations};
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::parameters::ServicePath;
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::Query;
use crate::state::ApiState;

/// How many are given where the client does not say.
const LIMIT: u64 = 100;
/// Events that are read at a time: each may be large, and little of it is kept.
const CHUNK: u64 = 500;

/// Evaluations, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Evaluations {
    /// The evaluations. What cannot be read as one is left out, as by a gate that looks for earlier ones.
    evaluations: Vec<Evaluation>,
    /// How many there are in all, with those that are left out.
    #[schema(examples(1))]
    total: u64,
    /// `offset` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(100))]
    next: Option<u64>,
}

/// How a gate has judged.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Evaluation {
    /// The id of its `evaluation.finished` event.
    #[schema(value_type = wire::EventId)]
    id: EventId,
    /// The delivery that it was made for.
    #[schema(value_type = wire::ContextId)]
    context: ContextId,
    /// When it was made.
    #[schema(value_type = wire::Time)]
    time: Timestamp,
    /// The verdict. Whatever is neither `pass` nor `warning` counts as `fail`.
    #[schema(value_type = wire::TaskResult)]
    result: TaskResult,
    /// In percent of what can be had.
    #[schema(examples(75.0))]
    score: f64,
    /// What the evaluation says; absent where all is said.
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    /// Whether somebody has declared it invalid.
    #[schema(examples(false))]
    invalidated: bool,
    /// One for each objective, without its criteria, which are in the event; empty where nothing was judged.
    indicator_results: Vec<Indicator>,
}

/// How an objective was met.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EvaluatedIndicator)]
struct Indicator {
    /// What people call the objective; may be empty.
    #[schema(examples("Response time"))]
    display_name: String,
    /// `pass`, `warning`, `fail`, or `info` where it only informs.
    #[schema(value_type = String, examples("pass"))]
    status: IndicatorStatus,
    /// What it adds to the score.
    #[schema(examples(1.0))]
    score: f64,
    /// Whether all fails where it does.
    #[schema(examples(false))]
    key_sli: bool,
    /// What was measured; absent where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Measured)]
    value: Option<Measured>,
}

/// What was measured.
#[derive(Serialize, ToSchema)]
#[schema(as = MeasuredIndicator)]
struct Measured {
    /// The name of the indicator.
    #[schema(examples("response_time_p95"))]
    metric: String,
    /// The number.
    #[schema(examples(212.5))]
    value: f64,
    /// Whether there is a number at all.
    #[schema(examples(true))]
    success: bool,
    /// Why there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("query did not return any values"))]
    message: String,
}

/// Whose evaluations, and which part of them.
struct Wanted {
    scope: Scope,
    /// Earlier than this.
    before: Option<Timestamp>,
    offset: u64,
    limit: u64,
}

/// Lists how the quality gate of a service in a stage has judged, newest first, and by which values
#[utoipa::path(get,
    path = "/api/tidegate/v1/projects/{project}/stages/{stage}/services/{service}/evaluations",
    operation_id = "listEvaluations", tag = "Following",
    params(
        ServicePath,
        ("before" = Option<wire::Time>, Query, description = "Only those made earlier."),
        ("offset" = Option<u64>, Query, description = "How many to leave out.", example = 0),
        ("limit" = Option<u64>, Query,
            description = "Most to be given: 1,000 at most, and 100 where it is absent."),
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "The evaluations.", body = Evaluations),
        (status = 404, description = "There is no such project, or no such stage or service can be.",
            body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path((project, stage, service)): Path<(String, String, String)>,
    query: Query,
) -> Result<Json<Evaluations>, ApiError> {
    let missing =
        |what: &str, name: &str| ApiError::not_found(format!("no {what} {}", shown(name)));
    let name = path::project(&project).ok_or_else(|| missing("project", &project))?;
    let stage = StageName::new(&stage).map_err(|_| missing("stage", &stage))?;
    let service = ServiceName::new(&service).map_err(|_| missing("service", &service))?;
    let scope = Scope { project: name.clone(), stage, service };
    let before = query.time("before")?;
    let offset = query.strict("offset")?.unwrap_or(0);
    let limit = query.strict("limit")?.unwrap_or(LIMIT).clamp(1, PAGE_MAX);
    let wanted = Wanted { scope, before, offset, limit };
    let found = state.engine.read(move |reader| {
        let known = reader.project(&name)?.is_some();
        known.then(|| find(reader, &wanted)).transpose()
    });
    found.await?.map(Json).ok_or_else(|| missing("project", &project))
}

fn find(reader: &dyn Reader, wanted: &Wanted) -> Result<Evaluations, StoreError> {
    let Wanted { scope, before, offset, limit } = wanted;
    let task = TaskName::new("evaluation").expect("a plain word");
    let kind = EventType::task(&task, Phase::Finished);
    let filter = EventFilter { before: *before, ..EventFilter::of(scope, kind) };
    let mut evaluations = Vec::new();
    let end = offset.saturating_add(*limit);
    let (mut next, mut total) = (Some(*offset), 0);
    while let Some(begin) = next.filter(|begin| *begin < end) {
        let page: Page<LogRow> = reader.events(&filter, begin, CHUNK.min(end - begin))?;
        let events = page.items.iter().map(|row| &row.event);
        let void = void_evaluations(reader, &scope.project, events)?;
        evaluations.extend(page.items.into_iter().filter_map(|row| Evaluation::of(row, &void)));
        (next, total) = (page.next, page.total);
    }
    Ok(Evaluations { evaluations, total, next })
}

impl Evaluation {
    /// None where it cannot be read.
    fn of(row: LogRow, void: &Void) -> Option<Self> {
        let event = row.event;
        let invalidated = void.holds(event.triggered_id);
        let past = Past::of(&event.id.to_string(), &event.data, invalidated).ok()?;
        Some(Self {
            id: event.id,
            context: event.context,
            time: event.time,
            result: past.result,
            score: past.score,
            message: past.message,
            invalidated,
            indicator_results: past.indicators.into_iter().map(Indicator::of).collect(),
        })
    }
}

impl Indicator {
    fn of(result: IndicatorResult) -> Self {
        let IndicatorResult { score, value, display_name, key_sli, status, .. } = result;
        Self { display_name, status, score, key_sli, value: value.map(Measured::of) }
    }
}

impl Measured {
    fn of(result: SliResult) -> Self {
        let SliResult { metric, value, compared_value: _, success, message } = result;
        Self { metric, value, success, message }
    }
}
