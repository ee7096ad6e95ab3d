//! Keptn's short addresses of a delivery, which name its context alone.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::EventType;
use tidegate_core::names::{ContextId, StageName};
use tidegate_store::EventFilter;

use super::moved::{to_event, to_stage};
use crate::frame::{Frame, Place, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "trace.html")]
struct MissPage {
    frame: Frame,
    /// What was asked for, as it was written.
    context: Text,
    /// Whether it can be a context at all.
    is_context: bool,
    /// The type of event that the context has none of, and the delivery's page.
    part: Option<(Text, String)>,
}

/// `GET /bridge/trace/{context}`
pub(crate) async fn whole(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(context): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    match find(&state, &context).await? {
        Some((_, page)) => Ok(see_other(&match query {
            Some(query) if !query.is_empty() => format!("{page}?{query}"),
            _ => page,
        })),
        None => miss(&state, &visitor, &context, None).await,
    }
}

/// `GET /bridge/trace/{context}/{part}`: a stage, or the type of an event, whose newest is meant.
pub(crate) async fn part(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((context, part)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Some((id, page)) = find(&state, &context).await? else {
        return miss(&state, &visitor, &context, None).await;
    };
    // A type of event has dots, a stage has none.
    if let Ok(stage) = StageName::new(&part) {
        return Ok(see_other(&to_stage(&page, &stage, query.as_deref())));
    }
    let kind = Some(EventType::new(&part));
    let filter = EventFilter { context: Some(id), kind, ..EventFilter::default() };
    let newest = state.engine.read(move |reader| reader.events(&filter, 0, 1)).await?;
    match newest.items.first() {
        Some(row) => Ok(see_other(&to_event(&page, row.event.id, query.as_deref()))),
        None => miss(&state, &visitor, &context, Some((Text::line(&part), page))).await,
    }
}

/// The page of a delivery whose project is not named.
pub(super) async fn find(
    state: &BridgeState,
    text: &str,
) -> Result<Option<(ContextId, String)>, Problem> {
    let Ok(context) = text.parse::<ContextId>() else { return Ok(None) };
    let filter = EventFilter { context: Some(context), ..EventFilter::default() };
    let found = state.engine.read(move |reader| {
        let Some(row) = reader.events(&filter, 0, 1)?.items.into_iter().next() else {
            return Ok(None);
        };
        reader.event(row.event.id)
    });
    let project = found.await?.map(|(project, _)| project);
    Ok(project.map(|project| (context, format!("/bridge/project/{project}/sequence/{context}"))))
}

/// Not found, and what that may mean.
pub(super) async fn miss(
    state: &BridgeState,
    visitor: &Visitor,
    context: &str,
    part: Option<(Text, String)>,
) -> Result<Response, Problem> {
    let waiting = state.engine.read(waiting).await?;
    let page = MissPage {
        frame: Frame::new(visitor, Text::line("Not found"), Place::Nowhere, waiting),
        context: Text::line(context),
        is_context: context.parse::<ContextId>().is_ok(),
        part,
    };
    html(&page, StatusCode::NOT_FOUND)
}
