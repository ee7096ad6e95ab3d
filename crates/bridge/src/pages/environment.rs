//! A project: its stages from left to right, the gates between them, and what runs where.

mod aside;
mod legs;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Environment, EnvironmentFilter, Only, Page};

use super::sequences::offset;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::next::encode;
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{Graph, Map, Standing, Text, Upstream};
use crate::visitor::Visitor;

use aside::Aside;
use legs::Leg;

/// Services on one page.
pub(super) const PAGE: u64 = 25;
/// Longest part of a service's name that is looked for, in bytes.
const PART_BYTES_MAX: usize = 253;

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage {
    frame: Frame,
    project: Text,
    /// The address of the page, and the one with the selected stage.
    path: String,
    here: String,
    lead: String,
    upstream: Option<Upstream>,
    /// What is wrong with the shipyard.
    unreadable: Option<Text>,
    map: Option<(Map, Vec<String>)>,
    layers: Vec<Vec<Leg>>,
    aside: Option<Aside>,
    /// Whether the project has a service at all.
    is_empty: bool,
    part: String,
    /// What the services are narrowed to, beside their names.
    narrowed: Option<Text>,
    found: Found,
}

/// Which services are on the page.
struct Found {
    first: u64,
    last: u64,
    total: u64,
    before: Option<String>,
    after: Option<String>,
}

/// What a page is asked for.
pub(super) struct Wanted {
    pub(super) project: ProjectName,
    /// The stage that was selected.
    pub(super) stage: Option<StageName>,
    pub(super) only: Option<Filter>,
    pub(super) part: String,
    offset: u64,
}

/// Keptn 1.4's `filterType`: which services of the selected stage are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Problem,
    Evaluation,
    Approval,
}

impl Filter {
    pub(super) const ALL: [Self; 3] = [Self::Approval, Self::Evaluation, Self::Problem];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Evaluation => "evaluation",
            Self::Approval => "approval",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.word() == word)
    }

    /// What is left when it narrows a list.
    fn sentence(self, stage: &StageName) -> Text {
        Text::line(match self {
            Self::Problem => {
                format!("Services with an open problem in {stage}: none is known.")
            }
            Self::Evaluation => format!("Services whose last evaluation in {stage} has failed."),
            Self::Approval => format!("Services that wait before {stage}."),
        })
    }
}

/// `GET /bridge/project/{project}` and `…/environment`, with `service` and `offset`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(project): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    answer(&state, &visitor, &project, None, &query).await
}

/// `GET …/environment/stage/{stage}`, with `filterType` beside them.
pub(crate) async fn stage(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((project, stage)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let stage = StageName::new(stage).map_err(|_| Problem::NotFound("stage"))?;
    answer(&state, &visitor, &project, Some(stage), &query).await
}

async fn answer(
    state: &BridgeState,
    visitor: &Visitor,
    project: &str,
    stage: Option<StageName>,
    query: &HashMap<String, String>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("project");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let only = query.get("filterType").and_then(|word| Filter::parse(word));
    let part = query.get("service").map_or("", |part| part.trim());
    let wanted = Wanted {
        project: project.clone(),
        only: only.filter(|_| stage.is_some()),
        stage,
        part: part.chars().take(PART_BYTES_MAX).collect(),
        offset: offset(query),
    };
    let (name, filter, from) = (project.clone(), wanted.filter(), wanted.offset);
    let read = state.engine.read(move |reader| {
        let found = reader.environment(&name, &filter, from, PAGE)?;
        Ok((found, waiting(reader)?))
    });
    let (found, waiting) = read.await?;
    let mut environment = found.ok_or_else(missing)?;
    if wanted.only == Some(Filter::Problem) {
        // Nothing of ours looks for problems yet, so there is no service that has one.
        environment.services = Page { items: Vec::new(), total: 0, next: None };
    }
    let upstream = upstream(state, &project, visitor).await;
    let page = show(&environment, &wanted, upstream, waiting, visitor)?;
    html(&page, StatusCode::OK)
}

/// How the project stands to the repository elsewhere; that nobody can say is no reason to show nothing.
pub(super) async fn upstream(
    state: &BridgeState,
    project: &ProjectName,
    visitor: &Visitor,
) -> Option<Upstream> {
    match state.engine.upstream(project.clone()).await {
        Ok(status) => status.map(|status| Upstream::new(&status, visitor)),
        Err(error) => {
            tracing::error!(%project, %error, "an upstream cannot be shown");
            None
        }
    }
}

impl Wanted {
    fn filter(&self) -> EnvironmentFilter {
        let only = match (self.only, &self.stage) {
            (Some(Filter::Approval), Some(stage)) => Some(Only::Asked(stage.clone())),
            (Some(Filter::Evaluation), Some(stage)) => Some(Only::FailedGate(stage.clone())),
            _ => None,
        };
        EnvironmentFilter { service: self.part.clone(), only }
    }

    /// The address of the project.
    pub(super) fn path(&self) -> String {
        format!("/bridge/project/{}", self.project)
    }

    /// The address of a stage.
    pub(super) fn stage_path(&self, stage: &StageName) -> String {
        format!("{}/environment/stage/{stage}", self.path())
    }

    /// The same page from another service on.
    fn from(&self, offset: u64) -> String {
        let path = self.stage.as_ref().map_or_else(|| self.path(), |stage| self.stage_path(stage));
        let only = self.only.map_or(String::new(), |only| format!("&filterType={}", only.word()));
        format!("{path}?service={}&offset={offset}{only}", encode(&self.part))
    }
}

fn show(
    environment: &Environment,
    wanted: &Wanted,
    upstream: Option<Upstream>,
    waiting: u64,
    visitor: &Visitor,
) -> Result<EnvironmentPage, Problem> {
    let project = &wanted.project;
    let parsed = Shipyard::parse(&environment.project.shipyard);
    let shipyard = parsed.as_ref().ok();
    if let (Some(shipyard), Some(stage)) = (shipyard, &wanted.stage)
        && shipyard.stage(stage).is_none()
    {
        return Err(Problem::NotFound("stage"));
    }
    let graph = shipyard.map(Graph::of);
    let layers = match (shipyard, &graph) {
        (Some(shipyard), Some(graph)) => legs::all(shipyard, graph, environment, wanted, visitor),
        _ => Vec::new(),
    };
    let aside = match (shipyard, &wanted.stage) {
        (Some(shipyard), Some(stage)) => {
            shipyard.stage(stage).map(|stage| Aside::new(stage, environment, wanted, visitor))
        }
        _ => None,
    };
    let map = graph.as_ref().filter(|graph| !graph.is_chain()).map(|graph| {
        let links = graph.nodes.iter().map(|node| wanted.stage_path(&node.stage));
        (Map::of(graph), links.collect())
    });
    let is_narrowed = wanted.only.is_some() || !wanted.part.is_empty();
    let here = wanted.stage.as_ref().map_or_else(|| wanted.path(), |s| wanted.stage_path(s));
    let title = match &wanted.stage {
        Some(stage) => format!("{stage} of {project}"),
        None => project.to_string(),
    };
    Ok(EnvironmentPage {
        lead: lead(environment),
        upstream,
        unreadable: parsed.as_ref().err().map(|error| Text::block(error.to_string())),
        map,
        layers,
        aside,
        is_empty: environment.services.total == 0 && !is_narrowed,
        narrowed: wanted
            .stage
            .as_ref()
            .and_then(|stage| wanted.only.map(|only| only.sentence(stage))),
        found: Found::new(&environment.services, wanted),
        part: wanted.part.clone(),
        path: wanted.path(),
        here,
        project: Text::line(project),
        frame: Frame::new(
            visitor,
            Text::line(title),
            Place::Project(project.clone(), Section::Environment),
            waiting,
        )
        .live(Topic::Project(project.clone())),
    })
}

/// What needs somebody, and what moves.
fn lead(environment: &Environment) -> String {
    let waiting: u64 = environment.waiting.values().sum();
    let running: u64 = environment.running.values().sum();
    let more = if environment.waiting_is_cut { "more than " } else { "" };
    let waits = match waiting {
        0 => "Nothing waits for a decision".to_owned(),
        1 => "1 delivery waits for a decision".to_owned(),
        _ => format!("{more}{waiting} deliveries wait for a decision"),
    };
    let runs = match running {
        0 => "nothing runs".to_owned(),
        1 => "1 sequence runs".to_owned(),
        _ => format!("{running} sequences run"),
    };
    format!("{}{}; {runs}.", waits[..1].to_uppercase(), &waits[1..])
}

impl Found {
    fn new(services: &Page<ServiceName>, wanted: &Wanted) -> Self {
        let count = services.items.len() as u64;
        let before = (wanted.offset > 0).then(|| wanted.offset.saturating_sub(PAGE));
        Self {
            first: if count == 0 { 0 } else { wanted.offset + 1 },
            last: wanted.offset.saturating_add(count),
            total: services.total,
            before: before.map(|offset| wanted.from(offset)),
            after: services.next.map(|offset| wanted.from(offset)),
        }
    }
}
