//! Sequences as Tidegate's own routes show them: of all projects at once, with who triggered them, what
//! they wait for and how they ended. They are strict: what cannot be read is refused.

mod find;
mod run;

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_core::event::{Outcome, TaskResult};
use tidegate_core::names::{ContextId, EventId, ProjectName, SequenceName, ServiceName, StageName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Context, ContextState, ExecutionState, StageState};
use tidegate_store::{ExecutionSummary, PAGE_MAX, Reader, StoreError};
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::wire;
use crate::path::Path;
use crate::query::Query;
use crate::state::ApiState;
use find::{Beginning, Wanted};
use run::Run;

/// How many are given where the client does not say.
const LIMIT: u64 = 100;
/// Most entries of the log that the times of tasks are read from; later ones are shown without.
const TRACE_MAX: u64 = 5000;

/// Sequences, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sequences {
    /// The sequences.
    sequences: Vec<SequenceView>,
    /// Whether there may be more that match: ask again with `before` the last one's `triggeredAt`.
    #[schema(examples(false))]
    more: bool,
}

/// One delivery, remediation or whatever a shipyard calls it. Times are RFC 3339.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FollowedSequence)]
pub(crate) struct SequenceView {
    /// Its id.
    #[schema(value_type = wire::ContextId)]
    context: ContextId,
    /// The project.
    #[schema(value_type = wire::ProjectName)]
    project: ProjectName,
    /// The service.
    #[schema(value_type = wire::ServiceName)]
    service: ServiceName,
    /// The sequence that was triggered first.
    #[schema(value_type = wire::SequenceName)]
    sequence: SequenceName,
    /// Keptn's word: `triggered`, `waiting`, `started`, `paused`, `finished`, `aborted`, `timedOut`.
    #[schema(examples("started"))]
    state: &'static str,
    /// `pass`, `warning` or `fail`, once nothing of it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::TaskResult)]
    result: Option<TaskResult>,
    /// When it was triggered.
    #[schema(value_type = wire::Time)]
    triggered_at: Timestamp,
    /// By whom.
    #[schema(value_type = wire::Principal)]
    triggered_by: Principal,
    /// The labels of its trigger.
    #[schema(value_type = wire::Labels)]
    labels: BTreeMap<String, String>,
    /// The problem that it remedies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("Error rate is high"))]
    problem: Option<String>,
    /// In the order they were reached.
    stages: Vec<Reached>,
    /// The approvals that wait for a person.
    #[schema(value_type = Vec<wire::EventId>)]
    approvals: Vec<EventId>,
    /// Each run of a sequence in a stage, in the order they were triggered; only where one sequence was
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Run>)]
    runs: Option<Vec<Run>>,
}

/// A stage that a sequence has reached.
#[derive(Serialize, ToSchema)]
#[schema(as = ReachedStage)]
struct Reached {
    /// Its name.
    #[schema(value_type = wire::StageName)]
    name: StageName,
    /// The image that was asked for there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("registry.example.org/carts:1.2"))]
    image: Option<String>,
    /// The approval by which it went on although a gate had failed: there, or the gate of that stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::EventId)]
    overridden: Option<EventId>,
}

impl Reached {
    fn of(stage: StageState) -> Self {
        let overridden = stage.overridden.map(|known| known.approval);
        Self { name: stage.name, image: stage.image, overridden }
    }
}

impl SequenceView {
    fn read(reader: &dyn Reader, context: Context) -> Result<Self, StoreError> {
        let executions = reader.executions(&context.project, context.id)?;
        Ok(Self::of(context, &executions))
    }

    /// The same with its runs.
    fn read_whole(reader: &dyn Reader, context: Context) -> Result<Self, StoreError> {
        let executions = reader.executions(&context.project, context.id)?;
        let trace = reader.trace(&context.project, context.id, TRACE_MAX)?;
        let runs = Run::all(&executions, &trace);
        Ok(Self { runs: Some(runs), ..Self::of(context, &executions) })
    }

    fn of(context: Context, executions: &[ExecutionSummary]) -> Self {
        let waiting = executions.iter().filter_map(|summary| match summary.execution.state {
            ExecutionState::WaitingForApproval { approval } => Some(approval),
            _ => None,
        });
        let stages = context.stages.into_iter();
        Self {
            approvals: waiting.collect(),
            state: context.state.as_str(),
            result: context.state.is_final().then(|| result(context.state, executions)),
            context: context.id,
            project: context.project,
            service: context.service,
            sequence: context.name,
            triggered_at: context.time,
            triggered_by: context.triggered_by,
            labels: context.labels,
            problem: context.problem_title,
            stages: stages.map(Reached::of).collect(),
            runs: None,
        }
    }
}

/// How a sequence has ended: as the worst of its runs. What was stopped or given up has failed.
fn result(state: ContextState, executions: &[ExecutionSummary]) -> TaskResult {
    if state != ContextState::Finished {
        return TaskResult::Fail;
    }
    let outcomes = executions.iter().map(|summary| match &summary.execution.state {
        ExecutionState::Finished { outcome, .. } => *outcome,
        _ => Outcome::ABORTED,
    });
    run::judged(outcomes.fold(Outcome::PASS, Outcome::and))
}

/// Lists sequences of all projects, newest first, with what they wait for and how they ended
#[utoipa::path(get, path = "/api/tidegate/v1/sequences", operation_id = "findSequences",
    tag = "Following",
    params(
        ("project" = Option<wire::ProjectName>, Query, description = "Only of this project."),
        ("stage" = Option<wire::StageName>, Query,
            description = "Only those that have reached this stage."),
        ("service" = Option<wire::ServiceName>, Query, description = "Only of this service."),
        ("sequence" = Option<wire::SequenceName>, Query, description = "Only of this name."),
        ("state" = Option<String>, Query,
            pattern = "^(triggered|waiting|started|paused|finished|aborted|timedOut)$",
            description = "Only those in this state.", example = "started"),
        ("context" = Option<String>, Query, pattern = "^[0-9a-fA-F-]{4,36}$",
            description = "Only those whose id begins so.", example = "6f2b1c4e"),
        ("from" = Option<wire::Time>, Query, description = "Only those triggered later."),
        ("before" = Option<wire::Time>, Query, description = "Only those triggered earlier."),
        ("limit" = Option<u64>, Query,
            description = "Most to be given: 1,000 at most, and 100 where it is absent."),
    ),
    responses(Guarded, Parsed, (status = 200, description = "The sequences.", body = Sequences)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Sequences>, ApiError> {
    let wanted = Wanted {
        project: query.strict("project")?,
        stage: query.strict("stage")?,
        service: query.strict("service")?,
        name: query.strict("sequence")?,
        state: query.strict::<StateWord>("state")?.map(|word| word.0),
        context: query.strict::<Beginning>("context")?,
        from: query.time("from")?,
        before: query.time("before")?,
        limit: query.strict("limit")?.unwrap_or(LIMIT).clamp(1, PAGE_MAX),
    };
    let found = state.engine.read(move |reader| {
        let found = find::all(reader, &wanted)?;
        let views = found.contexts.into_iter().map(|context| SequenceView::read(reader, context));
        Ok(Sequences { sequences: views.collect::<Result<_, _>>()?, more: found.more })
    });
    Ok(Json(found.await?))
}

/// Gives a sequence with its runs, their tasks, and when each was triggered, taken and done
#[utoipa::path(get, path = "/api/tidegate/v1/sequences/{context}", operation_id = "followSequence",
    tag = "Following", params(("context" = wire::ContextId, Path, description = "Its id.")),
    responses(Guarded, Parsed,
        (status = 200, description = "The sequence.", body = SequenceView),
        (status = 404, description = "There is no such sequence.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(context): Path<String>,
) -> Result<Json<SequenceView>, ApiError> {
    let missing = || ApiError::not_found(format!("no sequence {}", shown(&context)));
    let id: ContextId = context.parse().map_err(|_| missing())?;
    let found = state.engine.read(move |reader| {
        let found = find::one(reader, id)?;
        found.map(|context| SequenceView::read_whole(reader, context)).transpose()
    });
    found.await?.map(Json).ok_or_else(missing)
}

/// `state` of a query.
struct StateWord(ContextState);

impl FromStr for StateWord {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        const STATES: [ContextState; 7] = [
            ContextState::Triggered,
            ContextState::Waiting,
            ContextState::Started,
            ContextState::Paused,
            ContextState::Finished,
            ContextState::Aborted,
            ContextState::TimedOut,
        ];
        STATES.into_iter().find(|state| state.as_str() == word).map(Self).ok_or_else(|| {
            format!("must be one of {}", STATES.map(ContextState::as_str).join(", "))
        })
    }
}
