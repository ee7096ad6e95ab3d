//! The evaluations of one delivery, in all its stages.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::{EventType, Scope};
use tidegate_core::names::ProjectName;
use tidegate_store::{EventFilter, Reader, StoreError, void_evaluations};

use super::{FINISHED, Judged};
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::pages::trace::{find, miss};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Chip, Text, When};
use crate::visitor::Visitor;

/// Most evaluations of one delivery on the page, the newest.
const EVALUATIONS_MAX: u64 = 100;

#[derive(Template)]
#[template(path = "evaluations.html")]
struct BoardPage {
    frame: Frame,
    project: Text,
    sequence: String,
    name: Text,
    rows: Vec<Row>,
    /// How many there are in all.
    total: u64,
}

/// An evaluation.
struct Row {
    href: String,
    chip: Chip,
    stage: Text,
    at: When,
    is_void: bool,
}

/// `GET /bridge/evaluation/{context}`: where there is one evaluation, that one; where there is none, the
/// delivery.
pub(crate) async fn whole(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(context): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Some((id, sequence)) = find(&state, &context).await? else {
        return miss(&state, &visitor, &context, None).await;
    };
    let filter = EventFilter {
        context: Some(id),
        kind: Some(EventType::new(FINISHED)),
        ..EventFilter::default()
    };
    let read = state.engine.read(move |reader| Ok((read(reader, &filter)?, waiting(reader)?)));
    let (Some(Evaluations { project, found, total }), waiting) = read.await? else {
        return Ok(see_other(&match query {
            Some(query) if !query.is_empty() => format!("{sequence}?{query}"),
            _ => sequence,
        }));
    };
    if let [(_, only)] = found.as_slice() {
        return Ok(see_other(&only.href()));
    }
    let name = found.first().map(|(_, judged)| judged.name()).unwrap_or_default();
    let rows = found.iter().map(|(scope, judged)| Row {
        href: judged.href(),
        chip: judged.chip(),
        stage: Text::line(&scope.stage),
        at: When::new(judged.at, visitor.now),
        is_void: judged.is_void,
    });
    let title = Text::line(format!("Evaluations of {name}"));
    let page = BoardPage {
        rows: rows.collect(),
        name,
        total,
        sequence,
        frame: Frame::new(
            &visitor,
            title,
            Place::Project(project.clone(), Section::Quality),
            waiting,
        )
        .live(Topic::Context(id)),
        project: Text::line(&project),
    };
    html(&page, StatusCode::OK)
}

/// The evaluations of a delivery.
struct Evaluations {
    project: ProjectName,
    /// Newest first, each with where it was made.
    found: Vec<(Scope, Judged)>,
    /// How many there are in all.
    total: u64,
}

/// None where there is none.
fn read(reader: &dyn Reader, filter: &EventFilter) -> Result<Option<Evaluations>, StoreError> {
    let page = reader.events(filter, 0, EVALUATIONS_MAX)?;
    let Some(first) = page.items.first() else { return Ok(None) };
    let Some((project, _)) = reader.event(first.event.id)? else { return Ok(None) };
    let void = void_evaluations(reader, &project, page.items.iter().map(|row| &row.event))?;
    let mut found = Vec::new();
    for row in &page.items {
        let Ok(scope) = Scope::of(&row.event.data) else { continue };
        let scope = Scope { project: project.clone(), ..scope };
        found.push((scope, Judged::with_image(reader, &row.event, &void)?));
    }
    let total = page.total;
    Ok((!found.is_empty()).then_some(Evaluations { project, found, total }))
}
