//! What the quality gates of a project have said last, service by service.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::Scope;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Environment, EnvironmentFilter};

use super::quality_href;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::pages::environment::PAGE;
use crate::pages::sequences::offset;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Chip, ServiceStanding, Text};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "quality_all.html")]
struct AllPage {
    frame: Frame,
    project: Text,
    stages: Vec<Text>,
    rows: Vec<(Text, Vec<Option<Gate>>)>,
    before: Option<String>,
    after: Option<String>,
}

/// The gate of a service in a stage.
struct Gate {
    href: String,
    /// How it has judged last.
    chip: Chip,
    /// The same of those before it, in words.
    judged: String,
    dots: Vec<crate::view::Dot>,
}

/// `GET /bridge/project/{project}/quality`, with `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("project");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let (name, from) = (project.clone(), offset(&query));
    let read = state.engine.read(move |reader| {
        let found = reader.environment(&name, &EnvironmentFilter::default(), from, PAGE)?;
        Ok((found, waiting(reader)?))
    });
    let (found, waiting) = read.await?;
    let environment = found.ok_or_else(missing)?;
    let shipyard = Shipyard::parse(&environment.project.shipyard).ok();
    let stages: Vec<StageName> =
        shipyard.iter().flat_map(|shipyard| &shipyard.stages).map(|s| s.name.clone()).collect();
    let path = format!("/bridge/project/{project}/quality");
    let rows = environment.services.items.iter().map(|service| {
        let gates =
            stages.iter().map(|stage| gate(&environment, &project, service, stage, &visitor));
        (Text::line(service), gates.collect())
    });
    let page = AllPage {
        rows: rows.collect(),
        before: (from > 0).then(|| format!("{path}?offset={}", from.saturating_sub(PAGE))),
        after: environment.services.next.map(|next| format!("{path}?offset={next}")),
        stages: stages.iter().map(Text::line).collect(),
        frame: Frame::new(
            &visitor,
            Text::line(format!("Quality of {project}")),
            Place::Project(project.clone(), Section::Quality),
            waiting,
        )
        .live(Topic::Project(project.clone())),
        project: Text::line(&project),
    };
    html(&page, StatusCode::OK)
}

/// None where nothing was evaluated.
fn gate(
    environment: &Environment,
    project: &ProjectName,
    service: &ServiceName,
    stage: &StageName,
    visitor: &Visitor,
) -> Option<Gate> {
    let is_here =
        |cell: &&tidegate_store::Cell| cell.place.stage == *stage && cell.place.service == *service;
    let cell = environment.cells.iter().find(is_here)?;
    let standing = ServiceStanding::new(project, cell, visitor);
    let scope = Scope { project: project.clone(), stage: stage.clone(), service: service.clone() };
    Some(Gate {
        href: quality_href(&scope),
        chip: standing.gate?,
        judged: standing.judged,
        dots: standing.dots,
    })
}
