//! Two evaluations side by side.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::Scope;
use tidegate_core::names::EventId;
use tidegate_store::{Reader, StoreError, void_evaluations};

use super::{Judged, quality_href, scope};
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::evaluation::{FINISHED, Pair, Side, compare};
use crate::view::{Chip, Text, When};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    project: Text,
    service: Text,
    stage: Text,
    path: String,
    /// What came before, and what came after.
    heads: [Head; 2],
    /// What they are called.
    old: Text,
    new: Text,
    pairs: Vec<Pair>,
    /// The same two the other way round.
    swapped: String,
}

/// One of the two.
struct Head {
    name: Text,
    href: String,
    chip: Chip,
    at: When,
    is_void: bool,
}

/// `GET …/compare`, with the ids `before` and `after`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let scope = scope(path)?;
    let id = |key: &str| query.get(key).and_then(|text| text.parse::<EventId>().ok());
    let path = quality_href(&scope);
    // A form that chose nothing.
    let (Some(before), Some(after)) = (id("before"), id("after")) else {
        return Ok(see_other(&path));
    };
    let place = scope.clone();
    let read = state.engine.read(move |reader| {
        Ok((one(reader, &place, before)?, one(reader, &place, after)?, waiting(reader)?))
    });
    let (Some(old), Some(new), waiting) = read.await? else {
        return Err(Problem::NotFound("evaluation"));
    };
    let title = Text::line(format!("{} and {} side by side", old.name(), new.name()));
    let page = ComparePage {
        pairs: compare(&old, &new),
        old: old.name(),
        new: new.name(),
        heads: [Head::new(&old, &visitor), Head::new(&new, &visitor)],
        swapped: format!("{path}/compare?before={after}&after={before}"),
        project: Text::line(&scope.project),
        service: Text::line(&scope.service),
        stage: Text::line(&scope.stage),
        frame: Frame::new(
            &visitor,
            title,
            Place::Project(scope.project, Section::Quality),
            waiting,
        ),
        path,
    };
    html(&page, StatusCode::OK)
}

/// An evaluation of that service in that stage.
fn one(reader: &dyn Reader, scope: &Scope, id: EventId) -> Result<Option<Judged>, StoreError> {
    let is_it = |(project, row): &(_, tidegate_store::LogRow)| {
        *project == scope.project
            && row.event.kind.as_str() == FINISHED
            && Scope::of(&row.event.data).is_ok_and(|of| of == *scope)
    };
    let Some((_, row)) = reader.event(id)?.filter(is_it) else { return Ok(None) };
    let void = void_evaluations(reader, &scope.project, [&row.event])?;
    Judged::with_image(reader, &row.event, &void).map(Some)
}

impl Head {
    fn new(judged: &Judged, visitor: &Visitor) -> Self {
        Self {
            name: judged.name(),
            href: judged.href(),
            chip: judged.chip(),
            at: When::new(judged.at, visitor.now),
            is_void: judged.is_void,
        }
    }
}
