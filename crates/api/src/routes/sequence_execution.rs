//! Executions: one run of one sequence in one stage.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_core::event::{EventType, Phase, Status, TaskResult, labels, text};
use tidegate_core::names::{
    CommitId, ContextId, EventId, ExecutionId, ProjectName, SequenceName, ServiceName, StageName,
    TaskName,
};
use tidegate_core::sequence::{AnswerKey, Before, Execution, ExecutionState, PreviousTask, Task};
use tidegate_core::shipyard::TaskDefinition;
use tidegate_store::{ExecutionFilter, ExecutionSummary, Page, Standing};
use utoipa::ToSchema;

use super::sequence::milliseconds;
use crate::error::ApiError;
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::parameters::NumberedPaging;
use crate::openapi::wire;
use crate::path;
use crate::query::{NoMatch, PAGE, Query};
use crate::state::ApiState;

/// The version of Keptn 1.4's documents.
const SCHEMA_VERSION: &str = "1";

/// A page of executions, newest first. Keptn 1.4: the key of the next page is a number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Executions {
    /// Where the next page begins; absent where this one is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(20))]
    next_page_key: Option<u64>,
    /// How many this page holds; absent where it holds none.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(examples(1))]
    page_size: usize,
    /// How many there are in all; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(1))]
    total_count: Option<u64>,
    /// The executions.
    sequence_executions: Vec<Document>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Lists the executions of a project's sequences, one per stage and service, newest first
#[utoipa::path(get, path = "/api/controlPlane/v1/sequence-execution",
    operation_id = "listSequenceExecutions", tag = "Sequences",
    params(
        ("project" = wire::ProjectName, Query, description = "The project.", example = "sockshop"),
        ("stage" = Option<wire::StageName>, Query, description = "Only in this stage."),
        ("service" = Option<wire::ServiceName>, Query, description = "Only of this service."),
        ("name" = Option<wire::SequenceName>, Query, description = "Only of this sequence."),
        ("status" = Option<String>, Query, description = "Only in this state.", example = "started"),
        ("keptnContext" = Option<wire::ContextId>, Query, description = "Only of this delivery."),
        NumberedPaging,
    ),
    responses(Guarded, Parsed,
        (status = 200, description = "The executions.", body = Executions),
        (status = 404, description = "There is no such project.", body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Executions>, ApiError> {
    let project = query
        .text("project")
        .ok_or_else(|| ApiError::format("project name must not be empty"))?
        .to_owned();
    let size = query.page_size()?.unwrap_or(PAGE);
    let offset = query.strict("nextPageKey")?.unwrap_or(0);
    let missing = || ApiError::not_found("project not found");
    let project = path::project(&project).ok_or_else(missing)?;
    let filter = filter(&query);
    let found = state.engine.read(move |reader| {
        if reader.project(&project)?.is_none() {
            return Ok(None);
        }
        match &filter {
            Ok(filter) => reader.all_executions(&project, filter, offset, size).map(Some),
            Err(NoMatch) => Ok(Some(Page { items: Vec::new(), total: 0, next: None })),
        }
    });
    let page = found.await?.ok_or_else(missing)?;
    Ok(Json(Executions {
        next_page_key: page.next,
        page_size: page.items.len(),
        total_count: (page.total > 0).then_some(page.total),
        sequence_executions: page.items.into_iter().map(Document::of).collect(),
    }))
}

fn filter(query: &Query) -> Result<ExecutionFilter, NoMatch> {
    let standing = |word: &str| {
        Standing::ALL.into_iter().find(|standing| standing.as_str() == word).ok_or(NoMatch)
    };
    Ok(ExecutionFilter {
        stage: query.filter("stage")?,
        service: query.filter("service")?,
        name: query.filter("name")?,
        states: query.text("status").map(standing).transpose()?.into_iter().collect(),
        context: query.filter("keptnContext")?,
    })
}

/// One run of one sequence in one stage: Keptn 1.4's document of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Execution)]
struct Document {
    /// Its id.
    #[serde(rename = "_id")]
    #[schema(value_type = wire::ExecutionId)]
    id: ExecutionId,
    /// The version of this document.
    #[schema(examples("1"))]
    schema_version: &'static str,
    /// What is run.
    sequence: Sequence,
    /// How far it has come.
    status: ExecutionStatus,
    /// Where, for what, and why it runs.
    scope: Scope,
    /// What it was triggered with, and what its tasks have said since.
    #[schema(value_type = Object)]
    input_properties: Map<String, Value>,
    /// When it was triggered.
    #[serde(serialize_with = "milliseconds")]
    #[schema(value_type = wire::Milliseconds)]
    triggered_at: Timestamp,
}

/// A sequence as it was defined when it was triggered.
#[derive(Serialize, ToSchema)]
struct Sequence {
    /// Its name.
    #[schema(value_type = wire::SequenceName)]
    name: SequenceName,
    /// Its tasks, in order.
    tasks: Vec<Definition>,
}

/// A task of a shipyard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskDefinition)]
struct Definition {
    /// Its name.
    #[schema(value_type = wire::TaskName)]
    name: TaskName,
    /// Its properties, as in the shipyard.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
    /// How long it waits before it is triggered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("600s"))]
    triggered_after: Option<String>,
}

/// How far an execution has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExecutionStatus {
    /// `triggered`, `started`, `waitingForApproval`, `paused`, `finished` or `timedOut`.
    #[schema(examples("started"))]
    state: &'static str,
    /// The state that it goes back to when it is resumed; empty where it is not paused.
    #[schema(examples(""))]
    state_before_pause: &'static str,
    /// Its tasks that are over, in order.
    previous_tasks: Vec<Previous>,
    /// Its task that is open; without a name where none is.
    current_task: Current,
}

/// A task that is over.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviousTask)]
struct Previous {
    /// Its name.
    #[schema(value_type = wire::TaskName)]
    name: TaskName,
    /// Its `.triggered` event.
    #[serde(rename = "triggeredID")]
    #[schema(value_type = wire::EventId)]
    triggered_id: EventId,
    /// What came of it.
    #[schema(value_type = wire::TaskResult)]
    result: TaskResult,
    /// Whether its executors could do it.
    #[schema(value_type = wire::Status)]
    status: Status,
}

/// A task that is open.
#[derive(Serialize, Default, ToSchema)]
#[schema(as = CurrentTask)]
struct Current {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::TaskName)]
    name: Option<TaskName>,
    /// Its `.triggered` event.
    #[serde(rename = "triggeredID", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::EventId)]
    triggered_id: Option<EventId>,
    /// The answers that were counted, in the order they came.
    events: Vec<Answered>,
}

/// An answer to a task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskAnswer)]
struct Answered {
    /// Its type.
    #[schema(value_type = wire::EventType)]
    event_type: EventType,
    /// Who sent it.
    #[schema(examples("helm-service"))]
    source: String,
    /// What came of the task, where this is a `.finished`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::TaskResult)]
    result: Option<TaskResult>,
    /// Whether the executor could do it, where this is a `.finished`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::Status)]
    status: Option<Status>,
}

/// Where, for what, and why an execution runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Scope {
    /// The project.
    #[schema(value_type = wire::ProjectName)]
    project: ProjectName,
    /// The stage.
    #[schema(value_type = wire::StageName)]
    stage: StageName,
    /// The service.
    #[schema(value_type = wire::ServiceName)]
    service: ServiceName,
    /// Labels of the delivery.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = wire::Labels)]
    labels: BTreeMap<String, String>,
    /// What the newest answer said: whether the executor could do it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("succeeded"))]
    status: String,
    /// What the newest answer said: what came of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("pass"))]
    result: String,
    /// What the newest answer said, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(examples("deployed"))]
    message: String,
    /// The delivery.
    #[schema(value_type = wire::ContextId)]
    keptn_context: ContextId,
    /// The event that triggered it.
    #[schema(value_type = wire::EventId)]
    triggered_id: EventId,
    /// The commit of the stage that it runs on.
    #[serde(rename = "gitcommitid", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::CommitId)]
    commit: Option<CommitId>,
    /// Tidegate's own: why it runs on commits that may not be the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String,
        examples("the upstream could not be reached; what was known was used"))]
    stale: Option<String>,
    /// The type of the event that triggered it.
    #[schema(value_type = wire::EventType)]
    event_type: EventType,
}

impl Document {
    fn of(summary: ExecutionSummary) -> Self {
        let ExecutionSummary { execution, open } = summary;
        let standing = Standing::of(&execution.state).as_str();
        let before = match &execution.state {
            ExecutionState::Paused { before: Before::Start } => "triggered",
            ExecutionState::Paused { before: Before::Task { .. } } => "started",
            _ => "",
        };
        let carried = |key| text(&execution.carry, key).to_owned();
        let kind =
            EventType::sequence(&execution.scope.stage, &execution.sequence, Phase::Triggered);
        Self {
            id: execution.id,
            schema_version: SCHEMA_VERSION,
            sequence: Sequence {
                name: execution.sequence.clone(),
                tasks: execution.tasks.iter().map(Definition::of).collect(),
            },
            status: ExecutionStatus {
                state: standing,
                state_before_pause: before,
                previous_tasks: execution.previous.iter().map(Previous::of).collect(),
                current_task: Current::of(&execution, open),
            },
            scope: Scope {
                project: execution.scope.project.clone(),
                stage: execution.scope.stage.clone(),
                service: execution.scope.service.clone(),
                labels: labels(&execution.carry),
                status: carried("status"),
                result: carried("result"),
                message: carried("message"),
                keptn_context: execution.context,
                triggered_id: execution.trigger,
                commit: execution.commits.as_ref().and_then(|commits| commits.stage.clone()),
                stale: execution.commits.as_ref().and_then(|commits| commits.stale.clone()),
                event_type: kind,
            },
            triggered_at: execution.triggered_at,
            input_properties: execution.carry,
        }
    }
}

impl Definition {
    fn of(task: &TaskDefinition) -> Self {
        Self {
            name: task.name.clone(),
            properties: task.properties.clone(),
            triggered_after: task.triggered_after.map(|after| format!("{}s", after.as_secs_f64())),
        }
    }
}

impl Previous {
    fn of(task: &PreviousTask) -> Self {
        Self {
            name: task.name.clone(),
            triggered_id: task.triggered_id,
            result: task.outcome.result,
            status: task.outcome.status,
        }
    }
}

impl Current {
    fn of(execution: &Execution, open: Option<Task>) -> Self {
        if let Some(task) = open {
            return Self {
                name: Some(task.name.clone()),
                triggered_id: Some(task.id),
                events: answers(&task),
            };
        }
        match &execution.state {
            ExecutionState::WaitingForApproval { approval } => Self {
                name: execution.task().map(|task| task.name.clone()),
                triggered_id: Some(*approval),
                events: Vec::new(),
            },
            _ => Self::default(),
        }
    }
}

/// The answers that have been counted, in the order they came, as far as that is known.
fn answers(task: &Task) -> Vec<Answered> {
    let mut outcomes = task.finished.iter();
    let answered = |key: &AnswerKey| {
        let outcome = match key.phase {
            Phase::Finished => outcomes.next().map(|answered| answered.outcome),
            Phase::Triggered | Phase::Started => None,
        };
        Answered {
            event_type: EventType::task(&task.name, key.phase),
            source: key.source.clone(),
            result: outcome.map(|outcome| outcome.result),
            status: outcome.map(|outcome| outcome.status),
        }
    };
    task.keys.iter().map(answered).collect()
}
