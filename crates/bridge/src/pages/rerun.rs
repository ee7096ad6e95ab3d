//! Running a delivery again: a new one with what the old one was asked to deliver. Each says where the
//! other is.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tidegate_core::event::{Draft, EventType, Phase, text};
use tidegate_core::names::{ContextId, EventId, ProjectName, SequenceName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Context, Execution, ExecutionState};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{Engine, Failure};
use tidegate_store::{
    ExecutionSummary, IdempotencyRow, LogRow, Reader, SequenceFilter, StoreError,
};

use super::abort::parse;
use crate::form::Signed;
use crate::frame::{Frame, Place, Section, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Label, Status, Text, When, image_of, image_or, labels, status_in};
use crate::visitor::Visitor;

/// `source` of what is triggered here. Keptn 1.4: clients know the Bridge by it.
const SOURCE: &str = "https://github.com/keptn/keptn/bridge";
/// The event that tells the old delivery of the new one. It moves nothing.
const RERUN: &str = "sh.tidegate.sequence.rerun";
/// What a delivery brings along of how a former one went; a new one finds out by itself.
const OUTCOMES: [&str; 4] = ["result", "status", "message", "temporaryData"];
/// How long a form that is sent again is known.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many newer deliveries are looked at for one of the same service.
const NEWER_MAX: u64 = 200;

/// What ran before or after the same delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reruns {
    /// The page of the one that this one repeats.
    pub(crate) of: Option<Rerun>,
    /// Those that repeat this one.
    pub(crate) by: Vec<Rerun>,
}

/// A delivery, as a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rerun {
    pub(crate) href: String,
    /// The last digits of its context.
    pub(crate) short: String,
    /// The stage that it begins with, where that is not the first.
    pub(crate) from: Text,
}

impl Rerun {
    fn new(project: &ProjectName, data: &Map<String, Value>, key: &str) -> Option<Self> {
        let context: ContextId = text(data, key).parse().ok()?;
        Some(Self {
            href: format!("/bridge/project/{project}/sequence/{context}"),
            // Two that were made together begin alike.
            short: context.to_string()[28..].to_owned(),
            from: Text::line(text(data, "from")),
        })
    }
}

impl Reruns {
    /// What the first trigger of a delivery says.
    ///
    /// # Errors
    /// The store's own.
    pub(super) fn read(
        reader: &dyn Reader,
        context: &Context,
        first: Option<&ExecutionSummary>,
    ) -> Result<Self, StoreError> {
        let Some(first) = first else { return Ok(Self::default()) };
        let trigger = reader.event(first.execution.trigger)?;
        let of = trigger.and_then(|(_, row)| {
            let rerun = row.event.data.get("rerun")?.as_object()?;
            Rerun::new(&context.project, rerun, "of")
        });
        Ok(Self { of, by: Vec::new() })
    }

    /// The same with what its log says.
    pub(super) fn with(mut self, trace: &[LogRow]) -> Self {
        let told = trace.iter().filter(|row| row.event.kind.as_str() == RERUN);
        self.by = told
            .filter_map(|row| {
                let project = ProjectName::new(text(&row.event.data, "project")).ok()?;
                Rerun::new(&project, &row.event.data, "context")
            })
            .collect();
        self
    }
}

#[derive(Template)]
#[template(path = "rerun.html")]
struct RerunPage {
    frame: Frame,
    sequence: Text,
    what: Text,
    service: Text,
    href: String,
    once: String,
    is_open: bool,
    choices: Vec<Choice>,
    /// Why something cannot be run again, a sentence each.
    refusals: Vec<Text>,
    labels: Vec<Label>,
    /// A delivery of the same service that began since.
    newer: Option<(Text, String, When)>,
}

/// Where a new delivery can begin.
struct Choice {
    /// The stage, for the form; empty where it begins at the beginning.
    from: Text,
    stage: Text,
    sequence: Text,
}

/// What is run again.
struct Old {
    context: Context,
    executions: Vec<ExecutionSummary>,
    /// The data of its first trigger.
    data: Map<String, Value>,
    shipyard: Option<Shipyard>,
    newer: Option<Context>,
    waiting: u64,
}

/// `GET …/rerun`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
    Path((project, context)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let old = read(&state.engine, &project, context).await?;
    let (mut choices, mut refusals) = (Vec::new(), Vec::new());
    for start in old.starts() {
        match old.check(&start) {
            Ok(()) => choices.push(Choice {
                from: Text::line(start.from.map(StageName::as_str).unwrap_or_default()),
                stage: Text::line(start.stage),
                sequence: Text::line(start.sequence),
            }),
            Err(reason) => refusals.push(Text::line(format!(
                "{} in {} cannot be run again: {reason}.",
                start.sequence, start.stage
            ))),
        }
    }
    let Old { context, data, newer, waiting, .. } = old;
    let list = format!("/bridge/project/{project}/sequence");
    let what = image_or(image_of(&data), &context.service);
    let page = RerunPage {
        sequence: Text::line(&context.name),
        what,
        service: Text::line(&context.service),
        href: format!("{list}/{}", context.id),
        once: state.engine.uuid().to_string(),
        is_open: context.open > 0,
        choices,
        refusals,
        labels: labels(&context.labels),
        newer: newer.map(|newer| {
            let image = newer.stages.iter().find_map(|stage| stage.image.as_deref());
            let what = image_or(image, &newer.service);
            let when = When::new(newer.time, visitor.now);
            (what, format!("{list}/{}", newer.id), when)
        }),
        frame: Frame::new(
            &visitor,
            Text::line("Re-run"),
            Place::Project(project, Section::Sequences),
            waiting,
        ),
    };
    html(&page, StatusCode::OK)
}

/// `POST …/rerun`, with `from` and `once`.
pub(crate) async fn rerun(
    State(state): State<BridgeState>,
    Path((project, context)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let (project, context) = parse(&project, &context)?;
    let Signed { visitor, fields } = signed;
    let (from, once) = (fields.get("from"), fields.get("once"));
    let old = read(&state.engine, &project, context).await?;
    let start = old.starts().into_iter().find(|start| {
        start.from.map(StageName::as_str).unwrap_or_default() == from && old.check(start).is_ok()
    });
    let start = start.ok_or(Problem::NotFound("sequence to begin with"))?;
    if once.is_empty() {
        return Err(Problem::Form { status: StatusCode::UNPROCESSABLE_ENTITY });
    }
    let by = &visitor.principal;
    let key = |what: &str| key(&state.engine, by, [what, once], &format!("{context} {from}"));
    let trigger = old.trigger(&start)?;
    let accepted = state.engine.accept(trigger, by, Some(key("rerun")?)).await?;
    let told = json!({"type": RERUN, "source": SOURCE, "shkeptncontext": context,
        "data": {"project": project, "stage": start.stage, "service": old.context.service,
            "context": accepted.context, "from": from}});
    // The new delivery says where it comes from all the same.
    if let Err(error) = state.engine.accept(draft(told)?, by, Some(key("told")?)).await {
        tracing::warn!(%error, %project, %context, "a delivery is not told that it was run again");
    }
    Ok(see_other(&format!("/bridge/project/{project}/sequence/{}", accepted.context)))
}

async fn read(engine: &Engine, project: &ProjectName, id: ContextId) -> Result<Old, Problem> {
    let name = project.clone();
    let read = engine.read(move |reader| {
        let filter = SequenceFilter { contexts: vec![id], ..SequenceFilter::default() };
        let found = reader.sequences(&name, &filter, 0, Some(1))?.items.into_iter().next();
        let Some(context) = found else { return Ok(None) };
        let executions = reader.executions(&name, id)?;
        let first: Option<EventId> = executions.first().map(|run| run.execution.trigger);
        let trigger = match first {
            Some(trigger) => reader.event(trigger)?,
            None => None,
        };
        let since = SequenceFilter { from: Some(context.time), ..SequenceFilter::default() };
        let newer = reader.sequences(&name, &since, 0, Some(NEWER_MAX))?.items.into_iter();
        let shipyard = reader.project(&name)?.and_then(|row| Shipyard::parse(&row.shipyard).ok());
        Ok(Some(Old {
            newer: newer
                .filter(|newer| newer.id != context.id)
                .find(|newer| newer.service == context.service && newer.name == context.name),
            data: trigger.map(|(_, row)| row.event.data).unwrap_or_default(),
            context,
            executions,
            shipyard,
            waiting: waiting(reader)?,
        }))
    });
    read.await?.ok_or(Problem::NotFound("delivery"))
}

/// Where a new delivery begins.
struct Start<'a> {
    /// None where it is the beginning.
    from: Option<&'a StageName>,
    stage: &'a StageName,
    sequence: &'a SequenceName,
}

impl Old {
    /// The beginning, and where it came to a bad end.
    fn starts(&self) -> Vec<Start<'_>> {
        let mut runs = self.executions.iter().map(|run| &run.execution);
        let Some(first) = runs.next() else { return Vec::new() };
        let mut starts =
            vec![Start { from: None, stage: &first.scope.stage, sequence: &first.sequence }];
        if let Some(bad) = runs.rev().find(|run| ended_badly(run)) {
            let (stage, sequence) = (&bad.scope.stage, &bad.sequence);
            if (stage, sequence) != (&first.scope.stage, &first.sequence) {
                starts.push(Start { from: Some(stage), stage, sequence });
            }
        }
        starts
    }

    /// Whether the newest shipyard still has what a delivery would begin with.
    fn check(&self, start: &Start<'_>) -> Result<(), String> {
        if self.context.open > 0 {
            return Err("it is still under way".to_owned());
        }
        if self.data.is_empty() {
            return Err("the event that triggered it was removed".to_owned());
        }
        let shipyard = self.shipyard.as_ref().ok_or("the shipyard cannot be read")?;
        shipyard.tasks(start.stage, start.sequence).map(drop)
    }

    /// The event that starts it.
    fn trigger(&self, start: &Start<'_>) -> Result<Draft, Problem> {
        let mut data = self.data.clone();
        for key in OUTCOMES {
            data.remove(key);
        }
        data.insert("stage".to_owned(), Value::from(start.stage.as_str()));
        let from = start.from.map(StageName::as_str).unwrap_or_default();
        data.insert("rerun".to_owned(), json!({"of": self.context.id, "from": from}));
        let kind = EventType::sequence(start.stage, start.sequence, Phase::Triggered);
        draft(json!({"type": kind, "source": SOURCE, "data": data}))
    }
}

fn ended_badly(run: &Execution) -> bool {
    match &run.state {
        ExecutionState::Aborted { .. } | ExecutionState::TimedOut { .. } => true,
        _ => {
            matches!(status_in(&run.state, &run.previous), Status::Failed | Status::Declined)
        }
    }
}

fn draft(body: Value) -> Result<Draft, Problem> {
    let made = |error| Problem::Failed(Failure::Internal(format!("an event of ours: {error}")));
    Draft::from_value(body).map_err(made)
}

/// The key of a form counts for whoever sent it and no other.
fn key(
    engine: &Engine,
    by: &Principal,
    parts: [&str; 2],
    request: &str,
) -> Result<IdempotencyRow, Problem> {
    let owner = serde_json::to_vec(by)
        .map_err(|error| Problem::Failed(Failure::Internal(error.to_string())))?;
    let mut key = Sha256::new().chain_update(owner);
    for part in parts {
        key = key.chain_update([0]).chain_update(part);
    }
    Ok(IdempotencyRow {
        key: key.finalize().into(),
        request: Sha256::digest(request).into(),
        answer: String::new(),
        expires: engine.now() + KEPT,
    })
}
