//! `GET /api/tidegate/v1/events/{id}`: one event of the log, and what it meant.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::Disposition;
use tidegate_store::LogRow;
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::wire;
use crate::path::Path;
use crate::state::ApiState;

/// An entry of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = LogEntry)]
pub(crate) struct Entry {
    /// The project whose log holds it; absent where it belongs to none that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::ProjectName)]
    project: Option<ProjectName>,
    /// Its number in that log.
    #[schema(examples(17))]
    number: u64,
    /// `accepted`, `late`, `repeated` or `refused`.
    #[schema(examples("accepted"))]
    disposition: &'static str,
    /// Why it has no effect, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("the task is over"))]
    reason: Option<String>,
    /// The event as Keptn spells it.
    #[schema(value_type = wire::Event)]
    event: Value,
}

impl Entry {
    fn of(project: ProjectName, row: LogRow) -> Self {
        Self {
            project: Some(project).filter(|project| !project.is_unmapped()),
            number: row.n,
            disposition: match row.disposition {
                Disposition::Accepted => "accepted",
                Disposition::Late => "late",
                Disposition::Repeated => "repeated",
                Disposition::Refused => "refused",
            },
            reason: row.reason,
            event: row.event.to_value(),
        }
    }
}

/// Gives an event of the log, whatever its project, and what it meant
#[utoipa::path(get, path = "/api/tidegate/v1/events/{id}", operation_id = "getEvent",
    tag = "Following", params(("id" = wire::EventId, Path, description = "Its id.")),
    responses(Guarded, Parsed,
        (status = 200, description = "The event.", body = Entry),
        (status = 404, description = "There is no such event.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Entry>, ApiError> {
    let missing = || ApiError::not_found(format!("no event {}", shown(&id)));
    let event: EventId = id.parse().map_err(|_| missing())?;
    let found = state.engine.read(move |reader| reader.event(event)).await?;
    found.map(|(project, row)| Json(Entry::of(project, row))).ok_or_else(missing)
}
