//! One event, whole, as plain text.

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tidegate_core::names::EventId;

use crate::problem::Problem;
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// Browsers must show it, whatever it looks like.
pub(super) const PLAIN: [(axum::http::HeaderName, &str); 1] =
    [(CONTENT_TYPE, "text/plain; charset=utf-8")];

/// `GET /bridge/event/{event}`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    _: Visitor,
    Path(event): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("event");
    let event: EventId = event.parse().map_err(|_| missing())?;
    let found = state.engine.read(move |reader| reader.event(event)).await?;
    let (_, row) = found.ok_or_else(missing)?;
    let text = format!("{:#}\n", row.event.to_value());
    Ok((PLAIN, text).into_response())
}
