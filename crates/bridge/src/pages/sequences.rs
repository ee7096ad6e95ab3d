//! The deliveries of a project, newest first, narrowed by what the address says.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;
use tidegate_core::names::ProjectName;
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Found, Position, Reader, Start, StoreError};

use super::environment::upstream;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Delivery, Filter, Row, Text, Upstream, Usual, Value, When};
use crate::visitor::Visitor;

/// Deliveries on one page.
const PAGE: u64 = 50;
/// Counted no further than this.
const COUNT_MAX: u64 = 10_000;
/// Days that a search without a hit is widened to.
const WIDE_DAYS: i64 = 90;

#[derive(Template)]
#[template(path = "sequences.html")]
struct SequencesPage {
    frame: Frame,
    project: Text,
    path: String,
    /// Where the files are kept, where that is elsewhere.
    upstream: Option<Upstream>,
    quick: Vec<Quick>,
    form: Form,
    rows: Vec<Row>,
    /// `10 000+ sequences`
    count: String,
    /// How far a search looked that gave up.
    reached: Option<When>,
    searched: u64,
    /// The same search over more days.
    wider: Option<String>,
    newer: Option<String>,
    older: Option<String>,
}

/// A link that narrows the list to a status.
struct Quick {
    word: &'static str,
    href: String,
    is_chosen: bool,
}

/// The fields of the form, and what is chosen already.
struct Form {
    chips: Vec<Value>,
    kept: Vec<(&'static str, Text)>,
    services: Vec<Text>,
    stages: Vec<Text>,
    sequences: Vec<Text>,
    statuses: [(&'static str, &'static str); 12],
    q: Text,
    by: Text,
    from: Text,
    to: Text,
}

impl Form {
    /// Whether something that is chosen makes no sense: its field is where to put it right.
    fn has_wrong(&self) -> bool {
        self.chips.iter().any(|chip| !chip.wrong.is_empty())
    }
}

/// Statuses that one press leads to, as the address spells them.
const QUICK: [(&str, &str); 8] = [
    ("All", ""),
    ("Under way", "active"),
    ("Needs approval", "needs-approval"),
    ("Queued", "queued"),
    ("Failed", "failed"),
    ("Declined", "declined"),
    ("Passed", "passed"),
    ("Aborted", "aborted"),
];
/// Statuses that the form offers.
const STATUSES: [(&str, &str); 12] = [
    ("active", "Under way"),
    ("queued", "Queued"),
    ("running", "Running"),
    ("needs-approval", "Needs approval"),
    ("paused", "Paused"),
    ("passed", "Passed"),
    ("warning", "Warning"),
    ("overridden", "Overridden"),
    ("failed", "Failed"),
    ("declined", "Declined"),
    ("timed-out", "Timed out"),
    ("aborted", "Aborted"),
];

/// What the store says.
struct Answer {
    found: Found,
    deliveries: Vec<Delivery>,
    services: Vec<Text>,
    shipyard: Option<Shipyard>,
    count: u64,
    /// Whether this is the first page, whatever was asked for.
    is_first: bool,
    /// Whether the search went from older to newer ones.
    came_up: bool,
    waiting: u64,
}

/// `GET /bridge/project/{project}/sequence`, with the names of [`Filter`], `before` and `after`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("project");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let path = format!("/bridge/project/{project}/sequence");
    let filter = Filter::read(&query);
    // A form sends its empty fields as well; an address that is passed on should not have them.
    if visitor.whole && query.iter().any(|(_, value)| value.is_empty()) {
        return Ok(see_other(&filter.href(&path, None)));
    }
    let start = start(&query);
    let (name, wanted) = (project.clone(), filter.clone());
    let read = state.engine.read(move |reader| read(reader, &name, &wanted, start));
    let answer = read.await?.ok_or_else(missing)?;
    let upstream = upstream(&state, &project, &visitor).await;
    html(&show(&project, path, &filter, answer, upstream, &visitor), StatusCode::OK)
}

/// Where the page begins; at the newest where the address makes no sense.
fn start(query: &[(String, String)]) -> Start {
    let position = |wanted: &str| {
        let found = query.iter().find(|(name, _)| name == wanted);
        found.and_then(|(_, value)| value.parse::<Position>().ok())
    };
    match (position("before"), position("after")) {
        (Some(position), _) => Start::Before(position),
        (None, Some(position)) => Start::After(position),
        (None, None) => Start::Newest,
    }
}

fn read(
    reader: &dyn Reader,
    project: &ProjectName,
    filter: &Filter,
    start: Start,
) -> Result<Option<Answer>, StoreError> {
    let Some(row) = reader.project(project)? else { return Ok(None) };
    let (search, keep) = (filter.search(), filter.keep());
    let mut found = reader.search(project, &search, &keep, start, PAGE)?;
    let mut is_first = start == Start::Newest;
    // Towards newer ones there is no half page: the newest ones fill it.
    if matches!(start, Start::After(_)) && found.more.is_none() {
        found = reader.search(project, &search, &keep, Start::Newest, PAGE)?;
        is_first = true;
    }
    let deliveries = found.items.iter().map(|(_, context)| Delivery::read(reader, context.clone()));
    let mut deliveries = deliveries.collect::<Result<Vec<_>, _>>()?;
    deliveries.retain(|delivery| filter.means(delivery));
    let services = reader.services(project)?;
    Ok(Some(Answer {
        deliveries,
        found,
        services: services.iter().map(|service| Text::line(&service.name)).collect(),
        shipyard: Shipyard::parse(&row.shipyard).ok(),
        count: reader.sequence_count(project, COUNT_MAX)?,
        is_first,
        came_up: !is_first && matches!(start, Start::After(_)),
        waiting: waiting(reader)?,
    }))
}

fn show(
    project: &ProjectName,
    path: String,
    filter: &Filter,
    answer: Answer,
    upstream: Option<Upstream>,
    visitor: &Visitor,
) -> SequencesPage {
    let Answer { found, deliveries, services, shipyard, count, is_first, came_up, waiting } =
        answer;
    let at =
        |name: &str, position: Position| filter.href(&path, Some((name, position.to_string())));
    // Coming from older ones, those are behind the last of the page.
    let older = match (came_up, found.items.last()) {
        (true, Some((last, _))) => Some(*last),
        _ => found.more,
    };
    let usual = Usual::of(&deliveries, visitor.now);
    SequencesPage {
        project: Text::line(project),
        upstream,
        quick: quick(&path, filter),
        form: form(&path, filter, services, shipyard.as_ref()),
        rows: deliveries.iter().map(|delivery| Row::new(delivery, &usual, visitor)).collect(),
        count: counted(count),
        reached: found
            .more
            .filter(|_| found.is_cut)
            .map(|more| When::new(more.time(), visitor.now)),
        searched: found.searched,
        wider: (!filter.one("from").is_empty()).then(|| {
            let from = visitor.now - SignedDuration::from_hours(24 * WIDE_DAYS);
            filter.with("from", &from.strftime("%Y-%m-%d").to_string()).href(&path, None)
        }),
        newer: match found.items.first() {
            Some((first, _)) if !is_first => Some(at("after", *first)),
            None if !is_first => Some(filter.href(&path, None)),
            _ => None,
        },
        older: older.map(|position| at("before", position)),
        frame: Frame::new(
            visitor,
            Text::line(format!("Sequences of {project}")),
            Place::Project(project.clone(), Section::Sequences),
            waiting,
        )
        .live(Topic::Project(project.clone())),
        path,
    }
}

/// The offset that a query asks for; the first page where it makes no sense.
pub(super) fn offset(query: &HashMap<String, String>) -> u64 {
    query.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn counted(count: u64) -> String {
    match count {
        0 => "No sequence yet".to_owned(),
        1 => "1 sequence".to_owned(),
        COUNT_MAX.. => "10 000+ sequences".to_owned(),
        count if count >= 1000 => format!("{} {:03} sequences", count / 1000, count % 1000),
        count => format!("{count} sequences"),
    }
}

fn quick(path: &str, filter: &Filter) -> Vec<Quick> {
    let link = |(word, status): (&'static str, &str)| {
        let narrowed = filter.with("Status", status);
        Quick { word, href: narrowed.href(path, None), is_chosen: narrowed == *filter }
    };
    QUICK.into_iter().map(link).collect()
}

fn form(path: &str, filter: &Filter, services: Vec<Text>, shipyard: Option<&Shipyard>) -> Form {
    let stages = shipyard.into_iter().flat_map(|shipyard| &shipyard.stages);
    let mut sequences: Vec<Text> = stages
        .clone()
        .flat_map(|stage| &stage.sequences)
        .map(|sequence| Text::line(&sequence.name))
        .collect();
    sequences.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    sequences.dedup();
    let text = |name| Text::line(filter.one(name));
    Form {
        chips: filter.chips(path),
        kept: filter.kept().collect(),
        services,
        stages: stages.map(|stage| Text::line(&stage.name)).collect(),
        sequences,
        statuses: STATUSES,
        q: text("q"),
        by: text("by"),
        from: text("from"),
        to: text("to"),
    }
}
