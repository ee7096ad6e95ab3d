//! One evaluation of a quality gate: what it says, by which objectives, and what it was compared with.

mod board;
mod outcome;
mod void;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::approval::Approval;
use tidegate_core::event::{Event, EventKind, EventType, Phase, Scope};
use tidegate_core::names::{EventId, ProjectName, StageName};
use tidegate_core::quality::{Details, SLO_PATH, Said, Slo, lint};
use tidegate_engine::Failure;
use tidegate_resources::{Place as FilePlace, ResourcePath};
use tidegate_store::{
    ApprovalFilter, ApprovalState, EventFilter, LogRow, Reader, StoreError, void_evaluations,
};

use super::moved::{to_event, to_stage};
use super::trace::{find, miss};
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::evaluation::{
    FINISHED, Judged, Met, Objective, Order, Verdict, objectives, quality_href, timeframe,
};
use crate::view::{Chip, Label, Overridden, Text, When, labels};
use crate::visitor::Visitor;

pub(crate) use board::whole;
pub(crate) use void::{ignore, restore};

use outcome::Outcome;
use void::Form;

/// Evaluations behind this one that are looked through for those that were compared with it: no file compares
/// with more.
const LATER_MAX: u64 = 100;
/// Approvals of its delivery that are looked through for one that has overridden it.
const APPROVALS_MAX: u64 = 100;

#[derive(Template)]
#[template(path = "evaluation.html")]
struct EvaluationPage {
    frame: Frame,
    /// What a form that was sent a moment ago has done, or why it has not.
    outcome: Option<Outcome>,
    project: Text,
    stage: Text,
    service: Text,
    /// The evaluations of the service in the stage.
    quality: String,
    id: String,
    href: String,
    raw: String,
    sequence: String,
    name: Text,
    at: When,
    verdict: Verdict,
    /// Who has let its delivery go on although it is a fail.
    overridden: Option<Overridden>,
    rows: Vec<Objective>,
    orders: Vec<(Order, bool)>,
    /// Why the details cannot be read.
    unreadable: Option<Text>,
    timeframe: Option<(Text, Text, String)>,
    source: Text,
    labels: Vec<Label>,
    compared: Vec<Link>,
    /// Evaluations that it was compared with and that are kept no more.
    forgotten: usize,
    later: Vec<Link>,
    slo: Option<File>,
    /// What was said of it last, and when.
    said: Option<(bool, Text, When)>,
    form: Form,
}

/// Another evaluation.
struct Link {
    id: String,
    href: String,
    name: Text,
    chip: Chip,
    at: When,
    is_void: bool,
}

/// The file that an evaluation went by.
struct File {
    text: Text,
    commit: Option<Text>,
    /// How it stands to the one that is in force; empty where nobody can say.
    now: &'static str,
    findings: Vec<Text>,
}

/// What the store says about an evaluation.
struct Found {
    scope: Scope,
    judged: Judged,
    compared: Vec<Judged>,
    later: Vec<Judged>,
    said: Option<Said>,
    /// The approval that has overridden it.
    overridden: Option<Approval>,
    waiting: u64,
}

/// `GET /bridge/evaluation/{context}/{part}`: the id of an event, or a stage, whose newest evaluation is meant.
/// With `sort` and `outcome`. Keptn's Bridge has the same addresses.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((context, part)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let Some((id, sequence)) = find(&state, &context).await? else {
        return miss(&state, &visitor, &context, None).await;
    };
    let Ok(event) = part.parse::<EventId>() else {
        let stage = StageName::new(&part).map_err(|_| Problem::NotFound("stage"))?;
        let newest = EventFilter {
            context: Some(id),
            stage: Some(stage.to_string()),
            kind: Some(EventType::new(FINISHED)),
            ..EventFilter::default()
        };
        let found = state.engine.read(move |reader| reader.events(&newest, 0, 1)).await?;
        return Ok(see_other(&match found.items.first() {
            Some(row) => format!("/bridge/evaluation/{id}/{}", row.event.id),
            None => to_stage(&sequence, &stage, raw.as_deref()),
        }));
    };
    let row = state.engine.read(move |reader| reader.event(event)).await?;
    let Some((project, row)) = row.filter(|(_, row)| row.event.context == id) else {
        return Err(Problem::NotFound("evaluation"));
    };
    if row.event.kind.as_str() != FINISHED {
        return Ok(see_other(&elsewhere(&state, &row, &sequence, raw.as_deref()).await?));
    }
    let found = read(&state, project, row).await?;
    let outcome = query.get("outcome").and_then(|id| Outcome::of(&found, id));
    let order = query.get("sort").map_or(Order::default(), |word| Order::parse(word));
    let form = Form::fresh(&state);
    show(&state, found, order, outcome, form, &visitor, StatusCode::OK).await
}

/// What an address means that names another event of an evaluation: the newest answer to it.
async fn elsewhere(
    state: &BridgeState,
    row: &LogRow,
    sequence: &str,
    query: Option<&str>,
) -> Result<String, Problem> {
    let is_task = matches!(row.event.kind.kind(),
        EventKind::Task { task, phase: Phase::Triggered | Phase::Started } if task == "evaluation");
    let task = row.event.triggered_id.unwrap_or(row.event.id);
    let answer = EventFilter {
        context: Some(row.event.context),
        kind: Some(EventType::new(FINISHED)),
        triggered_id: Some(task),
        ..EventFilter::default()
    };
    let found = match is_task {
        true => state.engine.read(move |reader| reader.events(&answer, 0, 1)).await?.items,
        false => Vec::new(),
    };
    Ok(match found.first() {
        Some(finished) => {
            format!("/bridge/evaluation/{}/{}", finished.event.context, finished.event.id)
        }
        None => to_event(sequence, row.event.id, query),
    })
}

/// Reads what the page shows of an evaluation.
async fn read(state: &BridgeState, project: ProjectName, row: LogRow) -> Result<Found, Problem> {
    let scope = Scope::of(&row.event.data).map_err(|_| Problem::NotFound("evaluation"))?;
    // Whatever its data says: it is kept under this one.
    let scope = Scope { project, ..scope };
    Ok(state.engine.read(move |reader| found(reader, scope, &row)).await?)
}

fn found(reader: &dyn Reader, scope: Scope, row: &LogRow) -> Result<Found, StoreError> {
    let void = void_evaluations(reader, &scope.project, [&row.event])?;
    let judged = Judged::with_image(reader, &row.event, &void)?;
    let named = judged.details().map(|details| details.compared_events.as_slice());
    let mut compared = Vec::new();
    // No file compares with more; an event of somebody else's may name what it likes.
    for id in named.unwrap_or_default().iter().take(LATER_MAX as usize) {
        let found = id.parse::<EventId>().ok().map(|id| reader.event(id)).transpose()?.flatten();
        if let Some((_, row)) = found.filter(|(_, row)| row.event.kind.as_str() == FINISHED) {
            compared.push(row.event);
        }
    }
    let compared = judged_all(reader, &scope.project, &compared)?;
    Ok(Found {
        later: later(reader, &scope, &judged, row.n)?,
        overridden: overridden(reader, &scope, &judged)?,
        said: judged.task.and_then(|task| void.said(task).cloned()),
        waiting: waiting(reader)?,
        compared,
        judged,
        scope,
    })
}

/// The approval by which the delivery went on although this evaluation had failed.
fn overridden(
    reader: &dyn Reader,
    scope: &Scope,
    judged: &Judged,
) -> Result<Option<Approval>, StoreError> {
    let filter = ApprovalFilter {
        state: Some(ApprovalState::Decided),
        project: Some(scope.project.clone()),
        context: Some(judged.context),
        ..ApprovalFilter::default()
    };
    let mut decided = reader.approvals(&filter, 0, APPROVALS_MAX)?.items.into_iter();
    let is_of_this = |approval: &Approval| {
        let gate = approval.failed_gate();
        approval.is_overridden() && gate.is_some_and(|gate| gate.event == judged.id)
    };
    Ok(decided.find(is_of_this))
}

/// Evaluations that this one was compared with, oldest first: of those right behind it.
fn later(
    reader: &dyn Reader,
    scope: &Scope,
    judged: &Judged,
    n: u64,
) -> Result<Vec<Judged>, StoreError> {
    let filter =
        EventFilter { behind: Some(n), ..EventFilter::of(scope, EventType::new(FINISHED)) };
    let total = reader.events(&filter, 0, 1)?.total;
    let offset = total.saturating_sub(LATER_MAX);
    let (behind, id) = (reader.events(&filter, offset, LATER_MAX)?.items, judged.id.to_string());
    let uses = |event: &Event| {
        let later = Judged::of(event, None, false);
        later.details().is_some_and(|details| details.compared_events.contains(&id))
    };
    let all: Vec<_> = behind.into_iter().rev().map(|row| row.event).filter(uses).collect();
    judged_all(reader, &scope.project, &all)
}

/// Evaluations of a project, each with what its delivery names.
fn judged_all(
    reader: &dyn Reader,
    project: &ProjectName,
    events: &[Event],
) -> Result<Vec<Judged>, StoreError> {
    let void = void_evaluations(reader, project, events)?;
    events.iter().map(|event| Judged::with_image(reader, event, &void)).collect()
}

async fn show(
    state: &BridgeState,
    found: Found,
    order: Order,
    outcome: Option<Outcome>,
    form: Form,
    visitor: &Visitor,
    status: StatusCode,
) -> Result<Response, Problem> {
    let Found { scope, judged, compared, later, said, overridden, waiting } = found;
    let text = judged.details().and_then(Details::slo);
    let slo = text.as_deref().and_then(|text| Slo::parse(text).ok());
    let findings = text.as_deref().map(lint).unwrap_or_default();
    let rows = objectives(&judged, slo.as_ref(), &compared, order);
    let now = current(state, &scope).await;
    let file = text.as_deref().map(|text| File {
        text: Text::block(text),
        commit: judged.commit.as_ref().map(|commit| Text::line(short(commit.as_str()))),
        now: match &now {
            None => "",
            Some(None) => "There is no such file any more.",
            Some(Some(now)) if now == text => "The file is still the same.",
            Some(Some(_)) => "The file is another one by now.",
        },
        findings: findings.iter().map(|finding| Text::line(finding.to_string())).collect(),
    });
    let named = judged.details().map_or(0, |details| details.compared_events.len());
    let link = |judged: &Judged| Link::new(judged, visitor);
    let href = judged.href();
    let verdict = Verdict::new(&judged, slo.as_ref(), &rows, &findings);
    let title = Text::line(format!("{} in {}: {}", judged.name(), scope.stage, verdict.words));
    // A page that answers a form stays as it is.
    let is_live =
        !outcome.as_ref().is_some_and(|outcome| outcome.is_refusal) && form.error.is_none();
    let place = Place::Project(scope.project.clone(), Section::Quality);
    let mut frame = Frame::new(visitor, title, place, waiting);
    if is_live {
        frame = frame.live(Topic::Context(judged.context));
    }
    let times = judged.details().map(|details| (&details.time_start, &details.time_end));
    let page = EvaluationPage {
        frame,
        outcome,
        quality: quality_href(&scope),
        id: judged.id.to_string(),
        raw: format!("/bridge/event/{}", judged.id),
        sequence: format!(
            "/bridge/project/{}/sequence/{}?open={2}#e-{2}",
            scope.project, judged.context, judged.id
        ),
        name: judged.name(),
        at: When::new(judged.at, visitor.now),
        overridden: overridden.and_then(|approval| Overridden::of(&approval, visitor)),
        verdict,
        rows,
        orders: Order::ALL.into_iter().map(|one| (one, one == order)).collect(),
        unreadable: judged.details.as_ref().err().map(Text::line),
        timeframe: times.and_then(|(start, end)| timeframe(start, end)),
        source: Text::line(&judged.source),
        labels: labels(&judged.labels),
        forgotten: named.saturating_sub(compared.len()),
        compared: compared.iter().map(link).collect(),
        later: later.iter().map(link).collect(),
        slo: file,
        said: said
            .map(|said| (said.void, Text::block(&said.reason), When::new(said.at, visitor.now))),
        form: Form { can: judged.task.is_some(), ..form },
        project: Text::line(&scope.project),
        stage: Text::line(&scope.stage),
        service: Text::line(&scope.service),
        href,
    };
    html(&page, status)
}

impl Link {
    fn new(judged: &Judged, visitor: &Visitor) -> Self {
        Self {
            id: judged.id.to_string(),
            href: judged.href(),
            name: judged.name(),
            chip: judged.chip(),
            at: When::new(judged.at, visitor.now),
            is_void: judged.is_void,
        }
    }
}

/// The first digits of a commit: enough to tell it from others.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// The newest `slo.yaml` of a service, none within where there is none; none where nobody can say.
pub(super) async fn current(state: &BridgeState, scope: &Scope) -> Option<Option<String>> {
    let place = FilePlace::Service(scope.stage.clone(), scope.service.clone());
    let path = ResourcePath::new(SLO_PATH).expect("a plain name");
    let project = scope.project.clone();
    let read = state.engine.git(move |git| match git.read(&project, &place, &path, None) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(Failure::from(error)),
    });
    match read.await {
        Ok(bytes) => Some(bytes.and_then(|bytes| String::from_utf8(bytes).ok())),
        Err(error) => {
            tracing::warn!(%error, "the newest slo.yaml cannot be read");
            None
        }
    }
}
