//! One delivery: where it stands, and everything that happened.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::approval::ApprovalState;
use tidegate_core::event::{EventKind, Phase};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::sequence::Context;
use tidegate_store::{
    ApprovalFilter, EventFilter, ExecutionSummary, LogRow, Reader, SequenceFilter, StoreError,
};

use super::abort::parse;
use super::rerun::Reruns;
use crate::assets::Asset;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::logs::{JobLog, JobLogs};
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{
    Asked, Card, Chip, Entry, Label, Line, Material, Node, Overridden, Overrides, Payload, Run,
    Scale, Sentence, Stage, Standing, Status, Svg, Text, Verdict, WINDOW_BYTES, When, Who,
    by_stage, end_of, first_failure, image_of, image_or, labels, took,
};
use crate::visitor::Visitor;

/// Most entries of the log on the page.
const ENTRIES_MAX: u64 = 1000;
/// Most approvals of one delivery on the page.
const APPROVALS_MAX: u64 = 100;
/// Most runs on the page, the newest.
const RUNS_MAX: usize = 100;
/// Most logs on the page; the others are one link away.
const LOGS_MAX: usize = 4;
/// Bytes of payloads that come with the page.
const PAYLOADS_BYTES: usize = 96 * 1024;

#[derive(Template)]
#[template(path = "sequence.html")]
struct SequencePage {
    frame: Frame,
    /// What a form that was sent a moment ago has done.
    outcome: Option<Outcome>,
    project: Text,
    list: String,
    path: String,
    chip: Chip,
    what: Text,
    sequence: Text,
    sentence: Sentence,
    by: Who,
    began: When,
    took: String,
    /// The approval that waits, for a way to it that is short.
    decide: Option<EventId>,
    /// Since when it is open, in milliseconds since 1970.
    since_ms: Option<i64>,
    /// Failed gates that somebody has overridden.
    overridden: Vec<Overridden>,
    labels: Vec<Label>,
    problem: Option<Text>,
    context: String,
    can: Can,
    reruns: Reruns,
    /// Start and length of the scale, in milliseconds.
    range_ms: (i64, i64),
    axis: Svg,
    stages: Vec<Stage>,
    /// The stage that the address asks for.
    asked_stage: String,
    /// Runs that are not shown.
    hidden: usize,
    others: Vec<Entry>,
    /// Whether the entries of the sequences are open at first.
    others_opened: bool,
    is_cut: bool,
}

/// What the reader can do.
#[derive(Debug, Clone, Copy)]
struct Can {
    pause: bool,
    resume: bool,
    abort: bool,
    rerun: bool,
}

/// A decision, as the heading of the page that follows it.
struct Outcome {
    heading: Text,
    text: Text,
    status: Status,
}

/// What the store says about a delivery.
struct Found {
    context: Context,
    executions: Vec<ExecutionSummary>,
    hidden: usize,
    trace: Vec<LogRow>,
    /// Whether the log is longer than that.
    is_cut: bool,
    asked: Vec<Asked>,
    lines: HashMap<EventId, Line>,
    logs: HashMap<EventId, JobLog>,
    /// The integrations that tasks were left to.
    left: HashMap<EventId, Vec<String>>,
    reruns: Reruns,
    waiting: u64,
}

/// `GET /bridge/project/{project}/sequence/{context}`, with `outcome`, `open` and `stage`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((project, context)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let id = |key: &str| query.get(key).and_then(|text| text.parse::<EventId>().ok());
    let open = id("open");
    let logs = state.logs;
    let read = state.engine.read(move |reader| read(reader, &logs, &project, context, open));
    let found = read.await?.ok_or(Problem::NotFound("delivery"))?;
    let outcome = id("outcome").and_then(|event| outcome(&found, event, &visitor));
    let page = show(found, outcome, open, &visitor);
    let asked_stage = query.get("stage").cloned().unwrap_or_default();
    html(&SequencePage { asked_stage, ..page }, StatusCode::OK)
}

fn read(
    reader: &dyn Reader,
    logs: &Arc<dyn JobLogs>,
    project: &ProjectName,
    id: ContextId,
    open: Option<EventId>,
) -> Result<Option<Found>, StoreError> {
    let filter = SequenceFilter { contexts: vec![id], ..SequenceFilter::default() };
    let found = reader.sequences(project, &filter, 0, Some(1))?.items.into_iter().next();
    let Some(context) = found else { return Ok(None) };
    let mut executions = reader.executions(project, id)?;
    let reruns = Reruns::read(reader, &context, executions.first())?;
    let hidden = executions.len().saturating_sub(RUNS_MAX);
    executions.drain(..hidden);
    let filter = ApprovalFilter {
        project: Some(project.clone()),
        context: Some(id),
        ..ApprovalFilter::default()
    };
    let approvals = reader.approvals(&filter, 0, APPROVALS_MAX)?.items.into_iter();
    let asked = approvals.map(|approval| Asked::read(reader, approval));
    let mut trace = reader.trace(project, id, ENTRIES_MAX)?;
    let is_cut = trace.len() as u64 >= ENTRIES_MAX;
    if is_cut {
        // The newest runs are shown, so their entries are.
        let (project, context) = (Some(project.clone()), Some(id));
        let filter = EventFilter { project, context, ..EventFilter::default() };
        trace = reader.events(&filter, 0, ENTRIES_MAX)?.items;
        trace.reverse();
    }
    let lines = executions.iter().map(|summary| &summary.execution);
    let lines = lines.map(|run| Ok(Line::read(reader, run)?.map(|line| (run.trigger, line))));
    let tasks = opened(&executions, &trace, open).into_iter().take(LOGS_MAX);
    let mut left = HashMap::<EventId, Vec<String>>::new();
    for row in reader.stood_down(project, id)? {
        left.entry(row.event).or_default().push(row.integration);
    }
    Ok(Some(Found {
        left,
        reruns: reruns.with(&trace),
        context,
        asked: asked.collect::<Result<_, _>>()?,
        lines: lines.filter_map(Result::transpose).collect::<Result<_, StoreError>>()?,
        logs: tasks.filter_map(|task| Some((task, logs.log(task, WINDOW_BYTES)?))).collect(),
        trace,
        is_cut,
        executions,
        hidden,
        waiting: waiting(reader)?,
    }))
}

/// The tasks whose rows are open at first: the one that was asked for, the one that failed first,
/// and those that are open. A log costs a look at the disk, so the others are read on demand.
fn opened(
    executions: &[ExecutionSummary],
    trace: &[LogRow],
    asked: Option<EventId>,
) -> Vec<EventId> {
    let asked = asked.and_then(|id| trace.iter().find(|row| row.event.id == id));
    let asked = asked.map(|row| row.event.triggered_id.unwrap_or(row.event.id));
    let open = executions.iter().filter_map(|run| run.open.as_ref().map(|open| open.id));
    let mut seen = HashSet::new();
    let all = asked.into_iter().chain(first_failure(executions)).chain(open);
    all.filter(|task| seen.insert(*task)).collect()
}

fn show(
    found: Found,
    outcome: Option<Outcome>,
    open: Option<EventId>,
    visitor: &Visitor,
) -> SequencePage {
    let Found {
        context,
        executions,
        hidden,
        trace,
        is_cut,
        asked,
        lines,
        logs,
        left,
        reruns,
        waiting,
    } = found;
    let list = format!("/bridge/project/{}/sequence", context.project);
    let path = format!("{list}/{}", context.id);
    let is_open = context.open > 0;
    let ends = executions.iter().filter_map(|run| end_of(&run.execution));
    let end = if is_open { visitor.now } else { ends.max().unwrap_or(visitor.now) };
    let start = match hidden {
        0 => context.time,
        _ => executions.first().map_or(context.time, |run| run.execution.triggered_at),
    };
    let (entries, mut others) = by_task(trace);
    let mut material = Material {
        path: path.clone(),
        entries,
        logs,
        cards: asked.iter().map(|asked| (asked.approval.id, Card::new(asked, visitor))).collect(),
        overrides: Overrides::of(&asked, visitor),
        lines,
        left,
        open,
        first_failure: first_failure(&executions),
        payload_bytes: PAYLOADS_BYTES,
        scale: if is_open { Scale::open(start, end) } else { Scale::ended(start, end) },
    };
    let runs = executions.iter().map(|summary| {
        (summary.execution.scope.stage.clone(), Run::new(summary, &mut material, visitor))
    });
    let stages = by_stage(runs.collect());
    // Answers to what is no task of these runs: shown all the same.
    others.extend(std::mem::take(&mut material.entries).into_values().flatten());
    others.sort_by_key(|row| row.n);
    let overrides = &material.overrides;
    let sentence = Sentence::of(&executions, overrides, context.paused.all, visitor);
    let image = asked.iter().find_map(|asked| asked.approval.image.as_deref());
    let image = image.or_else(|| context.stages.iter().find_map(|stage| stage.image.as_deref()));
    // One that has not begun says it in what triggered it.
    let asked_for = || image_of(&executions.first()?.execution.carry);
    let image = image.or_else(asked_for);
    let what = image_or(image, &context.service);
    let title = Text::line(format!("{} of {what}", context.name));
    let is_paused = context.paused.all || !context.paused.stages.is_empty();
    SequencePage {
        outcome,
        project: Text::line(&context.project),
        list,
        chip: Chip::plain(sentence.status),
        what,
        sequence: Text::line(&context.name),
        sentence,
        by: Who::new(&context.triggered_by, &visitor.principal),
        began: When::new(context.time, visitor.now),
        took: took(context.time, end),
        decide: asked
            .iter()
            .map(|asked| &asked.approval)
            .find(|approval| approval.state == ApprovalState::Open)
            .map(|approval| approval.id),
        since_ms: is_open.then(|| context.time.as_millisecond()),
        overridden: overrides.all().to_vec(),
        labels: labels(&context.labels),
        problem: context.problem_title.as_ref().map(Text::line),
        context: context.id.to_string(),
        can: Can {
            pause: is_open && !context.paused.all,
            resume: is_open && is_paused,
            abort: is_open,
            rerun: !is_open && !executions.is_empty(),
        },
        reruns,
        range_ms: material.scale.range_ms(),
        axis: material.axis(),
        stages,
        asked_stage: String::new(),
        hidden,
        others_opened: others.iter().any(|row| Some(row.event.id) == open),
        others: Entry::all(&others, &mut material, visitor),
        is_cut,
        frame: Frame::new(
            visitor,
            title,
            Place::Project(context.project.clone(), Section::Sequences),
            waiting,
        )
        .live(Topic::Context(context.id))
        .with(Asset::Sequence),
        path,
    }
}

/// Sorts the log by the task that an entry belongs to; what is left belongs to the sequences.
fn by_task(trace: Vec<LogRow>) -> (HashMap<EventId, Vec<LogRow>>, Vec<LogRow>) {
    let (mut tasks, mut others) = (HashMap::<EventId, Vec<LogRow>>::new(), Vec::new());
    for row in trace {
        if matches!(row.event.kind.kind(), EventKind::Task { phase: Phase::Triggered, .. }) {
            tasks.insert(row.event.id, vec![row]);
            continue;
        }
        match row.event.triggered_id.and_then(|task| tasks.get_mut(&task)) {
            Some(rows) => rows.push(row),
            None => others.push(row),
        }
    }
    (tasks, others)
}

/// What the log says about the decision with that event; nothing comes from the address itself.
fn outcome(found: &Found, event: EventId, visitor: &Visitor) -> Option<Outcome> {
    let decided = |asked: &&Asked| asked.approval.decided().is_some_and(|d| d.event == event);
    let asked = found.asked.iter().find(decided)?;
    let card: Card = Card::new(asked, visitor);
    let Standing::Decided(verdict) = &card.standing else { return None };
    let Verdict { done, by, comment, status, .. } = verdict;
    let heading = format!("{} {done} {} for {}", by.subject(), card.what, card.stage);
    let text = match (comment, by.is_reader) {
        (_, false) => "It was decided before your vote came; your vote was not needed.".to_owned(),
        (Some(comment), true) => format!("“{comment}”"),
        (None, true) => String::new(),
    };
    Some(Outcome { heading: Text::line(heading), text: Text::block(text), status: *status })
}
