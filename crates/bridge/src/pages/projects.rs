//! The projects.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{
    ApprovalFilter, ApprovalState, ProjectRow, Reader, SequenceFilter, StoreError,
};

use super::sequences::offset;
use crate::frame::{Frame, Place, html, waiting};
use crate::live::Topic;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Delivery, Status, Text, When};
use crate::visitor::Visitor;

/// Projects on one page.
const PAGE: u64 = 100;

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<u64>,
    is_first: bool,
}

/// One project.
struct Row {
    name: Text,
    href: String,
    /// Its stages in words, or what is wrong with its shipyard.
    stages: Text,
    /// How many approvals wait.
    waiting: u64,
    /// The newest delivery: how it stands, and when it began.
    last: Option<(Status, When)>,
}

/// What the store says about a project.
type Found = (ProjectRow, u64, Option<Delivery>);

/// `GET /bridge/projects`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let offset = offset(&query);
    let read = state.engine.read(move |reader| {
        let page = reader.projects(offset, PAGE)?;
        let found = page.items.into_iter().map(|row| about(reader, row));
        Ok((found.collect::<Result<Vec<_>, _>>()?, page.next, waiting(reader)?))
    });
    let (found, next, waiting) = read.await?;
    let page = ProjectsPage {
        rows: found.into_iter().map(|found| row(found, &visitor)).collect(),
        next,
        is_first: offset == 0,
        frame: Frame::new(&visitor, Text::line("Projects"), Place::Projects, waiting)
            .live(Topic::All),
    };
    html(&page, StatusCode::OK)
}

fn about(reader: &dyn Reader, row: ProjectRow) -> Result<Found, StoreError> {
    let open = ApprovalFilter {
        state: Some(ApprovalState::Open),
        project: Some(row.name.clone()),
        ..ApprovalFilter::default()
    };
    let waiting = reader.approvals(&open, 0, 1)?.total;
    let newest = reader.sequences(&row.name, &SequenceFilter::default(), 0, Some(1))?;
    let newest = newest.items.into_iter().next().map(|context| Delivery::read(reader, context));
    Ok((row, waiting, newest.transpose()?))
}

fn row((row, waiting, newest): Found, visitor: &Visitor) -> Row {
    let stages = match Shipyard::parse(&row.shipyard) {
        Ok(shipyard) => {
            let names: Vec<&str> = shipyard.stages.iter().map(|s| s.name.as_str()).collect();
            names.join(" → ")
        }
        Err(error) => format!("shipyard.yaml cannot be read: {error}"),
    };
    Row {
        href: format!("/bridge/project/{}/sequence", row.name),
        name: Text::line(&row.name),
        stages: Text::line(stages),
        waiting,
        last: newest.map(|newest| (newest.status(), When::new(newest.context.time, visitor.now))),
    }
}
