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

use super::sequence::milliseconds;
use crate::error::ApiError;
use crate::path;
use crate::query::{NoMatch, PAGE, Query};
use crate::state::ApiState;

/// The version of Keptn 1.4's documents.
const SCHEMA_VERSION: &str = "1";

/// Newest first. Keptn 1.4: the key of the next page is a number, absent at the end, and `pageSize` is
/// the number of items.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Executions {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_key: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    page_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
    sequence_executions: Vec<Document>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

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

/// Keptn 1.4's document of an execution.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "_id")]
    id: ExecutionId,
    schema_version: &'static str,
    sequence: Sequence,
    status: ExecutionStatus,
    scope: Scope,
    input_properties: Map<String, Value>,
    #[serde(serialize_with = "milliseconds")]
    triggered_at: Timestamp,
}

#[derive(Serialize)]
struct Sequence {
    name: SequenceName,
    tasks: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    name: TaskName,
    #[serde(skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_after: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecutionStatus {
    state: &'static str,
    state_before_pause: &'static str,
    previous_tasks: Vec<Previous>,
    current_task: Current,
}

#[derive(Serialize)]
struct Previous {
    name: TaskName,
    #[serde(rename = "triggeredID")]
    triggered_id: EventId,
    result: TaskResult,
    status: Status,
}

#[derive(Serialize, Default)]
struct Current {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<TaskName>,
    #[serde(rename = "triggeredID", skip_serializing_if = "Option::is_none")]
    triggered_id: Option<EventId>,
    events: Vec<Answered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    event_type: EventType,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Scope {
    project: ProjectName,
    stage: StageName,
    service: ServiceName,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    result: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    keptn_context: ContextId,
    triggered_id: EventId,
    #[serde(rename = "gitcommitid", skip_serializing_if = "Option::is_none")]
    commit: Option<CommitId>,
    /// Ours: why it runs on commits that may not be the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<String>,
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
