//! The evaluations of a service in a stage: side by side, and as lines.

mod all;
mod compare;
mod replay;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::Scope;
use tidegate_core::names::{EventId, ProjectName, ServiceName, StageName};
use tidegate_core::shipyard::Shipyard;
use tidegate_store::{Page, ProjectRow, Reader, StoreError};

use super::sequences::offset;
use crate::assets::Asset;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::evaluation::{Heatmap, Judged, Trend, quality_href, trends};
use crate::view::{Chip, Text, When};
use crate::visitor::Visitor;

pub(crate) use all::page as all;
pub(crate) use compare::page as compare;
pub(crate) use replay::{FORM_BYTES_MAX, page as replay, run as replay_again};

/// Evaluations on one page, unless another number is asked for.
const SHOWN: u64 = 20;
/// The numbers that are offered; the last is the most that a page shows.
const SIZES: [u64; 4] = [SHOWN, 50, 100, 200];

#[derive(Template)]
#[template(path = "quality.html")]
struct QualityPage {
    frame: Frame,
    project: Text,
    service: Text,
    stage: Text,
    path: String,
    /// The newest evaluation, where it is on the page.
    newest: Option<(Chip, Text, String, When)>,
    /// The stages of the project, where each leads, and whether it is this one.
    stages: Vec<(Text, String, bool)>,
    map: Heatmap,
    trends: Vec<Trend>,
    /// How many are shown, with what leads to another number.
    sizes: Vec<(u64, String, bool)>,
    first: u64,
    last: u64,
    total: u64,
    newer: Option<String>,
    older: Option<String>,
    /// Where nothing was evaluated yet: what to add to the shipyard, as far as something is missing.
    missing: Option<String>,
}

/// What a page is asked for.
struct Wanted {
    scope: Scope,
    offset: u64,
    count: u64,
    chosen: Option<EventId>,
}

/// What the store says.
struct Found {
    row: ProjectRow,
    is_service: bool,
    page: Page<Judged>,
    waiting: u64,
}

/// `GET /bridge/project/{project}/quality/{service}`: the last stage that has evaluated it.
pub(crate) async fn service(
    State(state): State<BridgeState>,
    _: Visitor,
    Path((project, service)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::NotFound("service");
    let project = ProjectName::new(project).map_err(|_| missing())?;
    let service = ServiceName::new(service).map_err(|_| missing())?;
    let name = project.clone();
    let row = state.engine.read(move |reader| reader.project(&name)).await?.ok_or_else(missing)?;
    let shipyard = Shipyard::parse(&row.shipyard).ok();
    let stages: Vec<StageName> =
        shipyard.iter().flat_map(|shipyard| &shipyard.stages).map(|s| s.name.clone()).collect();
    let last = stages.last().cloned().ok_or_else(missing)?;
    let read = state.engine.read(move |reader| {
        for stage in stages.into_iter().rev() {
            let scope = Scope { project: project.clone(), stage, service: service.clone() };
            if !Judged::read(reader, &scope, 0, 1)?.items.is_empty() {
                return Ok(scope);
            }
        }
        Ok(Scope { project, stage: last, service })
    });
    Ok(see_other(&quality_href(&read.await?)))
}

/// `GET /bridge/project/{project}/quality/{service}/{stage}`, with `n`, `offset`, and `at`, the evaluation that
/// is looked at.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let count = query.get("n").and_then(|n| n.parse::<u64>().ok());
    let wanted = Wanted {
        scope: scope(path)?,
        offset: offset(&query),
        count: count.map_or(SHOWN, |count| count.clamp(1, SIZES[SIZES.len() - 1])),
        chosen: query.get("at").and_then(|id| id.parse().ok()),
    };
    let (scope, offset, count) = (wanted.scope.clone(), wanted.offset, wanted.count);
    let read = state.engine.read(move |reader| read(reader, &scope, offset, count));
    let found = read.await?.ok_or(Problem::NotFound("project"))?;
    html(&show(found, &wanted, &visitor)?, StatusCode::OK)
}

/// Reads the three names of an address.
fn scope((project, service, stage): (String, String, String)) -> Result<Scope, Problem> {
    Ok(Scope {
        project: ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?,
        stage: StageName::new(stage).map_err(|_| Problem::NotFound("stage"))?,
        service: ServiceName::new(service).map_err(|_| Problem::NotFound("service"))?,
    })
}

fn read(
    reader: &dyn Reader,
    scope: &Scope,
    offset: u64,
    count: u64,
) -> Result<Option<Found>, StoreError> {
    let Some(row) = reader.project(&scope.project)? else { return Ok(None) };
    let page = Judged::read(reader, scope, offset, count)?;
    let is_service = match page.items.is_empty() {
        true => reader.services(&scope.project)?.iter().any(|row| row.name == scope.service),
        false => true,
    };
    Ok(Some(Found { row, is_service, page, waiting: waiting(reader)? }))
}

fn show(found: Found, wanted: &Wanted, visitor: &Visitor) -> Result<QualityPage, Problem> {
    let Found { row, is_service, page, waiting } = found;
    let scope = &wanted.scope;
    let shipyard = Shipyard::parse(&row.shipyard).ok();
    let known = |stage: &StageName| shipyard.as_ref().is_none_or(|s| s.stage(stage).is_some());
    // What was evaluated before a stage or a service was taken away can still be looked at.
    if page.total == 0 && !is_service {
        return Err(Problem::NotFound("service"));
    }
    if page.total == 0 && !known(&scope.stage) {
        return Err(Problem::NotFound("stage"));
    }
    let path = quality_href(scope);
    let to = |offset: u64, count: u64| match (offset, count) {
        (0, SHOWN) => path.clone(),
        (0, count) => format!("{path}?n={count}"),
        (offset, count) => format!("{path}?n={count}&offset={offset}"),
    };
    let mut stages = Vec::new();
    for stage in shipyard.iter().flat_map(|shipyard| &shipyard.stages) {
        let other = Scope { stage: stage.name.clone(), ..scope.clone() };
        let is_this = stage.name == scope.stage;
        stages.push((Text::line(&stage.name), quality_href(&other), is_this));
    }
    let shown = page.items.len() as u64;
    let oldest = page.total.saturating_sub(wanted.offset.saturating_add(shown)) + 1;
    let title = Text::line(format!("Quality of {} in {}", scope.service, scope.stage));
    let place = Place::Project(scope.project.clone(), Section::Quality);
    let newest = page.items.first().filter(|_| wanted.offset == 0).map(|judged| {
        (judged.chip(), judged.name(), judged.href(), When::new(judged.at, visitor.now))
    });
    Ok(QualityPage {
        newest,
        map: Heatmap::new(&page.items, oldest, wanted.chosen, visitor),
        trends: trends(&page.items),
        sizes: SIZES
            .into_iter()
            .map(|size| (size, to(wanted.offset, size), size == wanted.count))
            .collect(),
        first: wanted.offset + u64::from(shown > 0),
        last: wanted.offset.saturating_add(shown),
        total: page.total,
        newer: (wanted.offset > 0)
            .then(|| to(wanted.offset.saturating_sub(wanted.count), wanted.count)),
        older: page.next.map(|next| to(next, wanted.count)),
        missing: shipyard.as_ref().and_then(|shipyard| missing(shipyard, &scope.stage)),
        project: Text::line(&scope.project),
        service: Text::line(&scope.service),
        stage: Text::line(&scope.stage),
        stages,
        frame: Frame::new(visitor, title, place, waiting)
            .live(Topic::Project(scope.project.clone()))
            .with(Asset::Heatmap),
        path,
    })
}

/// The lines that a stage of a shipyard misses to be evaluated; none where it has the task.
fn missing(shipyard: &Shipyard, stage: &StageName) -> Option<String> {
    let sequences = &shipyard.stage(stage)?.sequences;
    let mut tasks = sequences.iter().flat_map(|sequence| sequence.tasks.iter());
    if tasks.any(|task| task.name == "evaluation") {
        return None;
    }
    let sequence = sequences.first()?;
    let mut lines = format!("- name: {stage}\n  sequences:\n    - name: {}\n", sequence.name);
    lines.push_str("      tasks:\n");
    for task in sequence.tasks.iter() {
        lines.push_str(&format!("        - name: {}\n", task.name));
    }
    lines
        .push_str("        - name: evaluation\n          properties:\n            timeframe: 5m\n");
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_are_missing_fit_the_shipyard() {
        let text = "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nmetadata: {name: x}\nspec:\n  stages:\n    \
                    - name: qa\n      sequences:\n        - name: delivery\n          tasks: [{name: deployment}]\n    \
                    - name: prod\n      sequences:\n        - name: delivery\n          tasks: [{name: evaluation}]\n";
        let shipyard = Shipyard::parse(text).unwrap();
        let stage = |name: &str| StageName::new(name).unwrap();
        assert_eq!(
            missing(&shipyard, &stage("qa")).unwrap(),
            "- name: qa\n  sequences:\n    - name: delivery\n      tasks:\n        - name: deployment\n        \
             - name: evaluation\n          properties:\n            timeframe: 5m\n"
        );
        assert_eq!(missing(&shipyard, &stage("prod")), None);
        assert_eq!(missing(&shipyard, &stage("gone")), None);
    }
}
