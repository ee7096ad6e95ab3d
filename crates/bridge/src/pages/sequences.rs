//! The deliveries of a project, newest first.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::ContextState;
use tidegate_store::SequenceFilter;

use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Chip, Delivery, Status, Text, Upstream, When, Who, points, short};
use crate::visitor::Visitor;

/// Deliveries on one page.
const PAGE: u64 = 50;

#[derive(Template)]
#[template(path = "sequences.html")]
struct SequencesPage {
    frame: Frame,
    project: Text,
    path: String,
    /// Where the files are kept, where that is elsewhere.
    upstream: Option<Upstream>,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    total: u64,
    newer: Option<String>,
    older: Option<String>,
}

/// A link that narrows the list.
struct Filter {
    word: &'static str,
    href: String,
    is_chosen: bool,
}

/// One delivery.
struct Row {
    href: String,
    status: Status,
    sequence: Text,
    service: Text,
    /// What is delivered, where it says so.
    image: Option<Text>,
    stages: Vec<(Text, Chip)>,
    by: Who,
    began: When,
}

/// What the list can be narrowed to, in the order of the links.
const STATES: [(&str, &str, Option<ContextState>); 5] = [
    ("All", "", None),
    ("Under way", "started", Some(ContextState::Started)),
    ("Queued", "waiting", Some(ContextState::Waiting)),
    ("Finished", "finished", Some(ContextState::Finished)),
    ("Aborted", "aborted", Some(ContextState::Aborted)),
];

/// `GET /bridge/project/{project}/sequence`, with `state` and `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("project");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let offset = offset(&query);
    let asked = query.get("state").map_or("", String::as_str);
    let (_, word, chosen) =
        STATES.into_iter().find(|(_, word, _)| *word == asked).unwrap_or(STATES[0]);
    let filter = SequenceFilter { state: chosen, ..SequenceFilter::default() };
    let name = project.clone();
    let read = state.engine.read(move |reader| {
        let page = reader.sequences(&name, &filter, offset, Some(PAGE))?;
        let exists = !page.items.is_empty() || reader.project(&name)?.is_some();
        let items = page.items.into_iter().map(|context| Delivery::read(reader, context));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok((exists, items, page.total, page.next, waiting(reader)?))
    });
    let (exists, deliveries, total, next, waiting) = read.await?;
    if !exists {
        return Err(missing());
    }
    let upstream = match state.engine.upstream(project.clone()).await {
        Ok(status) => status.map(|status| Upstream::new(&status, &visitor)),
        Err(error) => {
            tracing::error!(%project, %error, "an upstream cannot be shown");
            None
        }
    };
    let path = format!("/bridge/project/{project}/sequence");
    let at = |offset: u64| format!("{path}?state={word}&offset={offset}");
    let page = SequencesPage {
        project: Text::line(&project),
        upstream,
        filters: filters(&path, word),
        rows: deliveries.iter().map(|delivery| row(delivery, &visitor)).collect(),
        total,
        newer: (offset > 0).then(|| at(offset.saturating_sub(PAGE))),
        older: next.map(at),
        frame: Frame::new(
            &visitor,
            Text::line(&project),
            Place::Project(project.clone(), Section::Sequences),
            waiting,
        )
        .live(Topic::Project(project.clone())),
        path,
    };
    html(&page, StatusCode::OK)
}

/// The offset that a query asks for; the first page where it makes no sense.
pub(super) fn offset(query: &HashMap<String, String>) -> u64 {
    query.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn filters(path: &str, chosen: &str) -> Vec<Filter> {
    let filter = |(word, state, _): (&'static str, &str, Option<ContextState>)| Filter {
        word,
        href: if state.is_empty() { path.to_owned() } else { format!("{path}?state={state}") },
        is_chosen: state == chosen,
    };
    STATES.into_iter().map(filter).collect()
}

fn row(delivery: &Delivery, visitor: &Visitor) -> Row {
    let context = &delivery.context;
    let stages = context.stages.iter().map(|stage| {
        let score = stage.latest_evaluation.as_ref().map(|evaluation| points(evaluation.score));
        let more = Text::line(score.unwrap_or_default());
        (Text::line(&stage.name), Chip { status: delivery.status_of(stage), more })
    });
    Row {
        href: format!("/bridge/project/{}/sequence/{}", context.project, context.id),
        status: delivery.status(),
        sequence: Text::line(&context.name),
        service: Text::line(&context.service),
        image: context.stages.iter().rev().find_map(|stage| stage.image.as_deref()).map(short),
        stages: stages.collect(),
        by: Who::new(&context.triggered_by, &visitor.principal),
        began: When::new(context.time, visitor.now),
    }
}
