//! Approvals: what waits, what was decided, and the decision itself.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::approval::{Approval, Comment, Decision, Subject};
use tidegate_core::names::{ContextId, EventId, ServiceName, StageName};
use tidegate_engine::Ballot;
use tidegate_store::{ApprovalFilter, ApprovalState, Reader, StoreError};

use crate::approval::ApprovalView;
use crate::auth::Caller;
use crate::body;
use crate::error::ApiError;
use crate::keptn;
use crate::state::ApiState;

/// `source` of an `approval.finished` that was caused here.
const SOURCE: &str = "https://github.com/tidegate/tidegate/api#approval.finished";
/// Largest page, and the default one.
const PAGE: u64 = 100;

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    state: String,
    project: String,
    stage: String,
    service: String,
    context: String,
    offset: u64,
    limit: Option<u64>,
}

/// Approvals: open ones oldest first, others newest decision first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, ApiError> {
    let (offset, limit) = (asked.offset, asked.limit.unwrap_or(PAGE));
    let Some(filter) = filter(&asked)? else {
        return Ok(Json(json!({"approvals": [], "total": 0})));
    };
    let listed = state.engine.read(move |reader| {
        let page = reader.approvals(&filter, offset, limit)?;
        let views: Result<Vec<_>, _> = page.items.iter().map(|row| view(reader, row)).collect();
        let mut body = json!({"approvals": views?, "total": page.total});
        if let Some(next) = page.next {
            body["next"] = json!(next);
        }
        Ok(body)
    });
    Ok(Json(listed.await?))
}

fn filter(asked: &Asked) -> Result<Option<ApprovalFilter>, ApiError> {
    let state = match asked.state.as_str() {
        "" => None,
        "open" => Some(ApprovalState::Open),
        "decided" => Some(ApprovalState::Decided),
        "closed" => Some(ApprovalState::Closed),
        _ => return Err(ApiError::invalid_request("state is open, decided or closed")),
    };
    let mut filter = ApprovalFilter { state, ..ApprovalFilter::default() };
    // A text that is no name belongs to no approval.
    if !asked.project.is_empty() {
        let Ok(project) = keptn::project(&asked.project) else { return Ok(None) };
        filter.project = Some(project);
    }
    if !asked.stage.is_empty() {
        let Ok(stage) = StageName::new(&asked.stage) else { return Ok(None) };
        filter.stage = Some(stage);
    }
    if !asked.service.is_empty() {
        let Ok(service) = ServiceName::new(&asked.service) else { return Ok(None) };
        filter.service = Some(service);
    }
    if !asked.context.is_empty() {
        let Ok(context) = asked.context.parse::<ContextId>() else { return Ok(None) };
        filter.context = Some(context);
    }
    Ok(Some(filter))
}

pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, ApiError> {
    let id = approval_id(&id)?;
    one(&state, id).await.map(Json)
}

async fn one(state: &ApiState, id: EventId) -> Result<ApprovalView, ApiError> {
    let found = state.engine.read(move |reader| match reader.approval(id)? {
        Some(approval) => view(reader, &approval).map(Some),
        None => Ok(None),
    });
    found.await?.ok_or_else(|| missing(&id.to_string()))
}

/// A decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decide {
    decision: Decision,
    /// What the voter saw. Without it the vote is a blind one.
    subject: Option<Subject>,
    #[serde(default)]
    comment: String,
}

/// Decides. The answer is the approval as it is now; a repeat of the winning decision is answered the
/// same, a contrary one 409 with who decided.
pub(crate) async fn decide(
    State(state): State<ApiState>,
    Caller(principal): Caller,
    Path(id): Path<String>,
    body::Json(decide): body::Json<Decide>,
) -> Result<Json<ApprovalView>, ApiError> {
    let id = approval_id(&id)?;
    let comment = Comment::parse(&decide.comment).map_err(ApiError::invalid_request)?;
    let found = state.engine.read(move |reader| reader.approval(id)).await?;
    let approval = found.ok_or_else(|| missing(&id.to_string()))?;
    let ballot = Ballot {
        project: approval.scope.project,
        approval: id,
        decision: decide.decision,
        subject: decide.subject,
        comment,
        source: SOURCE.to_owned(),
    };
    state.engine.vote(ballot, &principal).await?;
    one(&state, id).await.map(Json)
}

fn approval_id(text: &str) -> Result<EventId, ApiError> {
    text.parse().map_err(|_| missing(text))
}

fn missing(id: &str) -> ApiError {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    ApiError::not_found(format!("no approval {shown}; `tidegate approvals` lists what waits"))
}

fn view(reader: &dyn Reader, approval: &Approval) -> Result<ApprovalView, StoreError> {
    let scope = &approval.scope;
    let deployed = reader.deployed(&scope.project, &scope.stage, &scope.service)?;
    Ok(ApprovalView::of(approval, deployed.last()))
}
