//! Search: projects, services, deliveries and events by name or id.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_store::{EventFilter, Page, ProjectRow, Reader, StoreError};

use crate::frame::{Frame, Place, html, waiting};
use crate::next::encode;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::Visitor;

/// Longest text that is looked for; no name is longer.
const CHARS_MAX: usize = 253;
/// Most projects that are looked through.
const PROJECTS_MAX: u64 = 1000;
/// Most results.
const RESULTS_MAX: usize = 20;

#[derive(Debug, serde::Deserialize)]
pub(crate) struct Question {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    asked: Text,
    results: Vec<Found>,
    /// Whether there is more than what is shown.
    is_cut: bool,
}

/// Something that was found.
struct Found {
    /// What it is.
    kind: &'static str,
    icon: &'static str,
    name: Text,
    /// Where it is.
    place: Text,
    href: String,
}

/// `GET /bridge/search?q=…`: an id leads straight to what it names.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(Question { q }): Query<Question>,
) -> Result<Response, Problem> {
    let asked: String = q.trim().chars().take(CHARS_MAX).collect();
    let text = asked.to_lowercase();
    let read = state.engine.read(move |reader| Ok((find(reader, &text)?, waiting(reader)?)));
    let ((mut results, is_cut), waiting) = read.await?;
    if visitor.whole && results.len() == 1 && results[0].is_exact() {
        return Ok(see_other(&results.remove(0).href));
    }
    let page = SearchPage {
        asked: Text::line(&asked),
        results,
        is_cut,
        frame: Frame::new(&visitor, Text::line("Search"), Place::Search, waiting),
    };
    html(&page, StatusCode::OK)
}

impl Found {
    /// Whether its id was asked for, so that nothing else can be meant.
    fn is_exact(&self) -> bool {
        matches!(self.kind, "Delivery" | "Event" | "Approval")
    }
}

fn find(reader: &dyn Reader, text: &str) -> Result<(Vec<Found>, bool), StoreError> {
    if text.is_empty() {
        return Ok((Vec::new(), false));
    }
    if let Some(found) = by_id(reader, text)? {
        return Ok((vec![found], false));
    }
    let mut results: Vec<Found> = PLACES
        .iter()
        .filter(|(name, ..)| name.to_lowercase().contains(text))
        .map(|(name, icon, href)| Found {
            kind: "Page",
            icon,
            name: Text::line(name),
            place: Text::default(),
            href: (*href).to_owned(),
        })
        .collect();
    let Page { items: projects, next, .. } = reader.projects(0, PROJECTS_MAX)?;
    let named = projects.iter().filter(|row| row.name.as_str().to_lowercase().contains(text));
    results.extend(named.map(project));
    for row in &projects {
        if results.len() > RESULTS_MAX {
            break;
        }
        let services = reader.services(&row.name)?;
        let named = services.iter().filter(|row| row.name.as_str().to_lowercase().contains(text));
        results.extend(named.map(|service| self::service(&row.name, service.name.as_str())));
    }
    let is_cut = results.len() > RESULTS_MAX || next.is_some();
    results.truncate(RESULTS_MAX);
    Ok((results, is_cut))
}

const PLACES: [(&str, &str, &str); 3] = [
    ("Inbox", "inbox", "/bridge/inbox"),
    ("Projects", "projects", "/bridge/projects"),
    ("Me", "person", "/bridge/me"),
];

/// What an id names: a delivery, an approval or another event.
fn by_id(reader: &dyn Reader, text: &str) -> Result<Option<Found>, StoreError> {
    let Ok(id) = text.parse::<EventId>() else { return Ok(None) };
    if let Some(approval) = reader.approval(id)? {
        let scope = &approval.scope;
        return Ok(Some(Found {
            kind: "Approval",
            icon: "gate-closed",
            name: Text::line(format!("{} for {}", scope.service, scope.stage)),
            place: Text::line(&scope.project),
            href: format!("/bridge/approval/{id}"),
        }));
    }
    if let Some((project, row)) = reader.event(id)? {
        let context = row.event.context;
        let base = format!("/bridge/project/{project}/sequence/{context}");
        return Ok(Some(Found {
            kind: "Event",
            icon: "log",
            name: Text::line(row.event.kind.as_str()),
            place: Text::line(&project),
            href: format!("{base}?open={id}#e-{id}"),
        }));
    }
    let Ok(context) = text.parse::<ContextId>() else { return Ok(None) };
    let filter = EventFilter { context: Some(context), ..EventFilter::default() };
    let Some(row) = reader.events(&filter, 0, 1)?.items.into_iter().next() else { return Ok(None) };
    let Some((project, row)) = reader.event(row.event.id)? else { return Ok(None) };
    Ok(Some(Found {
        kind: "Delivery",
        icon: "box",
        name: Text::line(row.event.context.to_string()),
        place: Text::line(&project),
        href: format!("/bridge/project/{project}/sequence/{context}"),
    }))
}

fn project(row: &ProjectRow) -> Found {
    Found {
        kind: "Project",
        icon: "projects",
        name: Text::line(&row.name),
        place: Text::default(),
        href: format!("/bridge/project/{}", row.name),
    }
}

fn service(project: &ProjectName, service: &str) -> Found {
    Found {
        kind: "Service",
        icon: "box",
        name: Text::line(service),
        place: Text::line(project),
        href: format!("/bridge/project/{project}/sequence?Service={}", encode(service)),
    }
}
