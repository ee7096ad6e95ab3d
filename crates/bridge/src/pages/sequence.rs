//! One delivery: where it stands, and everything that happened.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_core::event::{EventKind, Phase};
use tidegate_core::names::{ContextId, EventId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Context, Execution, ExecutionState};
use tidegate_store::{
    ApprovalFilter, ExecutionSummary, LogRow, Reader, SequenceFilter, StoreError,
};

use super::abort::parse;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::live::Topic;
use crate::logs::{JobLog, JobLogs};
use crate::problem::Problem;
use crate::state::BridgeState;
use crate::view::{
    Asked, Card, Chip, Entry, Label, Material, Run, Scale, Standing, Status, Text, When, Who,
    end_of, labels, short, status_of, took,
};
use crate::visitor::Visitor;

/// Most entries of the log on the page.
const ENTRIES_MAX: u64 = 1000;
/// Most approvals of one delivery on the page.
const APPROVALS_MAX: u64 = 100;

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
    /// What follows "delivery of hello:v1 ".
    state: Text,
    by: Who,
    began: When,
    took: String,
    labels: Vec<Label>,
    context: String,
    is_open: bool,
    is_paused: bool,
    runs: Vec<Run>,
    others: Vec<Entry>,
    is_cut: bool,
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
    trace: Vec<LogRow>,
    asked: Vec<Asked>,
    logs: HashMap<EventId, JobLog>,
    waiting: u64,
}

/// `GET /bridge/project/{project}/sequence/{context}`, with `outcome` and `open`.
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((project, context)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let logs = state.logs;
    let read = state.engine.read(move |reader| read(reader, &logs, &project, context));
    let found = read.await?.ok_or(Problem::NotFound("delivery"))?;
    let id = |key: &str| query.get(key).and_then(|text| text.parse::<EventId>().ok());
    let outcome = id("outcome").and_then(|event| outcome(&found, event, &visitor));
    html(&show(found, outcome, id("open"), &visitor), StatusCode::OK)
}

fn read(
    reader: &dyn Reader,
    logs: &Arc<dyn JobLogs>,
    project: &ProjectName,
    id: ContextId,
) -> Result<Option<Found>, StoreError> {
    let filter = SequenceFilter { contexts: vec![id], ..SequenceFilter::default() };
    let found = reader.sequences(project, &filter, 0, Some(1))?.items.into_iter().next();
    let Some(context) = found else { return Ok(None) };
    let executions = reader.executions(project, id)?;
    let filter = ApprovalFilter {
        project: Some(project.clone()),
        context: Some(id),
        ..ApprovalFilter::default()
    };
    let approvals = reader.approvals(&filter, 0, APPROVALS_MAX)?.items.into_iter();
    let asked = approvals.map(|approval| Asked::read(reader, approval));
    Ok(Some(Found {
        context,
        asked: asked.collect::<Result<_, _>>()?,
        trace: reader.trace(project, id, ENTRIES_MAX)?,
        logs: executions
            .iter()
            .flat_map(task_ids)
            .filter_map(|task| Some((task, logs.log(task)?)))
            .collect(),
        executions,
        waiting: waiting(reader)?,
    }))
}

fn task_ids(summary: &ExecutionSummary) -> impl Iterator<Item = EventId> {
    let previous = summary.execution.previous.iter().map(|task| task.triggered_id);
    previous.chain(summary.open.as_ref().map(|open| open.id))
}

fn show(
    found: Found,
    outcome: Option<Outcome>,
    open: Option<EventId>,
    visitor: &Visitor,
) -> SequencePage {
    let Found { context, executions, trace, asked, logs, waiting } = found;
    let is_cut = trace.len() as u64 >= ENTRIES_MAX;
    let is_open = context.open > 0;
    let ends = executions.iter().filter_map(|run| end_of(&run.execution));
    let end = if is_open { visitor.now } else { ends.max().unwrap_or(visitor.now) };
    let (entries, mut others) = by_task(trace);
    let cards = asked.iter().map(|asked| (asked.approval.id, Card::new(asked, visitor))).collect();
    let mut material = Material {
        entries,
        logs,
        cards,
        open,
        stages: HashSet::new(),
        scale: Scale::new(context.time, end),
    };
    let runs: Vec<Run> =
        executions.iter().map(|run| Run::new(run, &mut material, visitor)).collect();
    // Answers to what is no task of these runs: shown all the same.
    others.extend(material.entries.into_values().flatten());
    others.sort_by_key(|row| row.n);
    let (status, state) = standing(&executions, context.paused.all, visitor);
    let image = asked.iter().find_map(|asked| asked.approval.image.as_deref());
    let image = image.or_else(|| context.stages.iter().find_map(|stage| stage.image.as_deref()));
    let what = image.map_or_else(|| Text::line(&context.service), short);
    let title = Text::line(format!("{} of {what}", context.name));
    let list = format!("/bridge/project/{}/sequence", context.project);
    SequencePage {
        outcome,
        project: Text::line(&context.project),
        path: format!("{list}/{}", context.id),
        list,
        chip: Chip::plain(status),
        what,
        sequence: Text::line(&context.name),
        state,
        by: Who::new(&context.triggered_by, &visitor.principal),
        began: When::new(context.time, visitor.now),
        took: took(context.time, end),
        labels: labels(&context.labels),
        context: context.id.to_string(),
        is_open,
        is_paused: context.paused.all,
        runs,
        others: others.iter().map(|row| Entry::new(row, visitor)).collect(),
        is_cut,
        frame: Frame::new(
            visitor,
            title,
            Place::Project(context.project.clone(), Section::Sequences),
            waiting,
        )
        .live(Topic::Context(context.id)),
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

/// How the delivery stands: its most urgent run, or else its newest.
fn standing(executions: &[ExecutionSummary], is_paused: bool, visitor: &Visitor) -> (Status, Text) {
    let all = || executions.iter().map(|run| &run.execution);
    let with = |status| all().rev().find(|run| status_of(run) == status);
    let urgent = [Status::NeedsApproval, Status::Running, Status::Paused, Status::Queued];
    let bad = [Status::Aborted, Status::Declined, Status::Failed, Status::Warning];
    let found = urgent.into_iter().chain(bad).find_map(with).or(all().next_back());
    match found {
        Some(run) if is_paused && !run.state.is_final() => {
            (Status::Paused, Text::line(format!("is paused; it {}", sentence(run, visitor))))
        }
        Some(run) => (status_of(run), Text::line(sentence(run, visitor))),
        None => (Status::Queued, Text::line("is queued")),
    }
}

fn sentence(run: &Execution, visitor: &Visitor) -> String {
    let stage = &run.scope.stage;
    let task = run.task().map_or("the next task", |task| task.name.as_str());
    match (status_of(run), &run.state) {
        (_, ExecutionState::WaitingForApproval { .. }) => format!("needs approval for {stage}"),
        (_, ExecutionState::Running { .. }) => format!("is running in {stage}: {task}"),
        (_, ExecutionState::Ready { .. }) => format!("is next to go on in {stage}: {task}"),
        (_, ExecutionState::Paused { .. }) => format!("stands before {task} in {stage}"),
        (_, ExecutionState::TimedOut { .. }) => format!("timed out in {stage}: {task}"),
        (_, ExecutionState::Aborted { by, .. }) => format!("was aborted by {}", you(by, visitor)),
        (Status::Declined, _) => format!("was declined for {stage}"),
        (Status::Failed, _) => match run.previous.last() {
            Some(last) => format!("failed in {stage}: {}", last.name),
            None => format!("failed in {stage}"),
        },
        (Status::Warning, _) => format!("ended in {stage} with a warning"),
        (Status::Queued, _) => format!("is queued in {stage}"),
        _ => format!("passed, and ended in {stage}"),
    }
}

fn you(by: &Principal, visitor: &Visitor) -> Text {
    Who::new(by, &visitor.principal).object()
}

/// What the log says about the decision with that event; nothing comes from the address itself.
fn outcome(found: &Found, event: EventId, visitor: &Visitor) -> Option<Outcome> {
    let decided = |asked: &&Asked| asked.approval.decided().is_some_and(|d| d.event == event);
    let asked = found.asked.iter().find(decided)?;
    let card: Card = Card::new(asked, visitor);
    let Standing::Decided(verdict) = &card.standing else { return None };
    let done = verdict.done;
    let who = verdict.by.subject();
    let heading = format!("{who} {done} {} for {}", card.what, card.stage);
    let text = match (&verdict.comment, verdict.by.is_reader) {
        (_, false) => "It was decided before your vote came; your vote was not needed.".to_owned(),
        (Some(comment), true) => format!("“{comment}”"),
        (None, true) => String::new(),
    };
    Some(Outcome { heading: Text::line(heading), text: Text::block(text), status: verdict.status })
}
