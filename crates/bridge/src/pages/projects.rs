//! The projects, and what runs where in all of them.

mod overview;
mod versions;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;
use tidegate_core::names::ProjectName;
use tidegate_store::{ProjectOrder, ProjectsFilter};

use super::sequences::offset;
use crate::frame::{Frame, Place, html, waiting};
use crate::live::Topic;
use crate::next::encode;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Text, Upstream};
use crate::visitor::Visitor;

use overview::Row;
use versions::Group;

/// Projects, or services, on one page.
const PAGE: u64 = 100;
/// How long a failure is counted.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Longest part of a name that is looked for, in characters.
const PART_CHARS_MAX: usize = 253;

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    frame: Frame,
    view: View,
    part: String,
    tabs: [Tab; 2],
    list: List,
    /// Whether there is no project at all.
    is_empty: bool,
    first: u64,
    last: u64,
    total: u64,
    before: Option<String>,
    after: Option<String>,
}

/// What is listed.
enum List {
    Projects { rows: Vec<Row>, orders: [Tab; 2] },
    Versions(Vec<Group>),
}

/// A link to the same page in another way.
struct Tab {
    word: &'static str,
    href: String,
    is_chosen: bool,
}

/// Which list, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Projects(ProjectOrder),
    Versions,
}

impl View {
    fn parse(query: &HashMap<String, String>) -> Self {
        match (query.get("view").map(String::as_str), query.get("sort").map(String::as_str)) {
            (Some("versions"), _) => Self::Versions,
            (_, Some("name")) => Self::Projects(ProjectOrder::Name),
            _ => Self::Projects(ProjectOrder::Attention),
        }
    }

    /// What of the address says so.
    fn query(self) -> &'static str {
        match self {
            Self::Versions => "view=versions",
            Self::Projects(ProjectOrder::Name) => "sort=name",
            Self::Projects(ProjectOrder::Attention) => "sort=attention",
        }
    }

    fn href(self, part: &str, offset: u64) -> String {
        let mut href = format!("/bridge/projects?{}", self.query());
        if !part.is_empty() {
            href.push_str(&format!("&q={}", encode(part)));
        }
        if offset > 0 {
            href.push_str(&format!("&offset={offset}"));
        }
        href
    }
}

/// `GET /bridge/projects`, with `q`, `sort`, `view` and `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let (view, offset) = (View::parse(&query), offset(&query));
    let part = query.get("q").map_or("", |part| part.trim());
    let part: String = part.chars().take(PART_CHARS_MAX).collect();
    let Found { list, count, total, next, waiting } = match view {
        View::Projects(order) => projects(&state, &visitor, &part, order, offset).await?,
        View::Versions => versions(&state, &visitor, &part, offset).await?,
    };
    let tab = |word, to: View| Tab {
        word,
        href: to.href(&part, 0),
        is_chosen: matches!(to, View::Versions) == matches!(view, View::Versions),
    };
    let page = ProjectsPage {
        tabs: [
            tab("How they stand", View::Projects(ProjectOrder::Attention)),
            tab("What runs where", View::Versions),
        ],
        is_empty: total == 0 && part.is_empty() && view != View::Versions,
        first: if count == 0 { 0 } else { offset + 1 },
        last: offset.saturating_add(count),
        total,
        before: (offset > 0).then(|| view.href(&part, offset.saturating_sub(PAGE))),
        after: next.map(|next| view.href(&part, next)),
        list,
        view,
        part,
        frame: Frame::new(&visitor, Text::line("Projects"), Place::Projects, waiting)
            .live(Topic::All),
    };
    html(&page, StatusCode::OK)
}

/// One page of a list.
struct Found {
    list: List,
    count: u64,
    total: u64,
    next: Option<u64>,
    waiting: u64,
}

async fn projects(
    state: &BridgeState,
    visitor: &Visitor,
    part: &str,
    order: ProjectOrder,
    offset: u64,
) -> Result<Found, Problem> {
    let since = visitor.now - DAY;
    let filter = ProjectsFilter { name: part.to_owned(), order, since };
    let read = state
        .engine
        .read(move |reader| Ok((reader.overview(&filter, offset, PAGE)?, waiting(reader)?)));
    let (found, waiting) = read.await?;
    let names = found.items.iter().map(|one| one.project.name.clone()).collect();
    let upstreams = upstreams(state, names, visitor).await;
    let rows: Vec<Row> = found
        .items
        .iter()
        .map(|one| Row::new(one, upstreams.get(&one.project.name), since, visitor))
        .collect();
    let sort =
        |word, to| Tab { word, href: View::Projects(to).href(part, 0), is_chosen: to == order };
    Ok(Found {
        count: rows.len() as u64,
        list: List::Projects {
            rows,
            orders: [sort("Attention", ProjectOrder::Attention), sort("Name", ProjectOrder::Name)],
        },
        total: found.total,
        next: found.next,
        waiting,
    })
}

async fn versions(
    state: &BridgeState,
    visitor: &Visitor,
    part: &str,
    offset: u64,
) -> Result<Found, Problem> {
    let wanted = part.to_owned();
    let read = state
        .engine
        .read(move |reader| Ok((reader.versions(&wanted, offset, PAGE)?, waiting(reader)?)));
    let (found, waiting) = read.await?;
    Ok(Found {
        count: found.rows.items.len() as u64,
        total: found.rows.total,
        next: found.rows.next,
        list: List::Versions(versions::groups(&found, visitor.now)),
        waiting,
    })
}

/// How projects stand to the repositories elsewhere that keep their files.
async fn upstreams(
    state: &BridgeState,
    names: Vec<ProjectName>,
    visitor: &Visitor,
) -> HashMap<ProjectName, Upstream> {
    let upstreams = state.engine.upstreams().clone();
    let read = state.engine.git(move |_| {
        let away = names.into_iter().filter(|name| upstreams.has(name));
        let known = away.map(|name| {
            let status = upstreams.status(&name);
            (name, status)
        });
        Ok(known.collect::<Vec<_>>())
    });
    let mut known = HashMap::new();
    for (project, status) in read.await.unwrap_or_default() {
        match status {
            Ok(Some(status)) => drop(known.insert(project, Upstream::new(&status, visitor))),
            Ok(None) => {}
            Err(error) => tracing::error!(%project, %error, "an upstream cannot be shown"),
        }
    }
    known
}
