//! Approvals: Tidegate's own routes. They are strict: what cannot be read is refused.

mod view;

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_core::approval::{Approval, Comment, Decision, Subject};
use tidegate_core::names::EventId;
use tidegate_engine::{Ballot, Engine};
use tidegate_store::{ApprovalFilter, ApprovalState, PAGE_MAX, Reader, StoreError};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Body, Changes, Error, Guarded, Parsed, VoteConflict};
use crate::openapi::wire;
use crate::path::Path;
use crate::query::Query;
use crate::state::ApiState;
use view::ApprovalView;

/// `source` of the `approval.finished` that a vote on these routes makes.
const SOURCE: &str = "https://tidegate.dev/api";
/// Page size where the client names none.
const LIMIT: u64 = 100;

/// A page of approvals: open ones oldest first, decided and closed ones newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approvals {
    /// The approvals.
    approvals: Vec<ApprovalView>,
    /// How many match in all.
    #[schema(examples(1))]
    total: u64,
    /// `offset` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, examples(100))]
    next: Option<u64>,
}

/// Lists approvals: what waits for a person, or has been decided
#[utoipa::path(get, path = "/api/tidegate/v1/approvals", operation_id = "listApprovals",
    tag = "Approvals",
    params(
        ("state" = Option<String>, Query, pattern = "^(open|decided|closed)$",
            description = "Only those that are `open`, `decided` or `closed`.", example = "open"),
        ("project" = Option<wire::ProjectName>, Query, description = "Only of this project.",
            example = "sockshop"),
        ("stage" = Option<wire::StageName>, Query, description = "Only of this stage."),
        ("service" = Option<wire::ServiceName>, Query, description = "Only of this service."),
        ("context" = Option<wire::ContextId>, Query, description = "Only of this delivery."),
        ("offset" = Option<u64>, Query, description = "How many to leave out.", example = 0),
        ("limit" = Option<u64>, Query,
            description = "Most to be given: 1,000 at most, and 100 where it is absent."),
    ),
    responses(Guarded, Parsed, (status = 200, description = "The approvals.", body = Approvals)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Approvals>, ApiError> {
    let filter = ApprovalFilter {
        state: query.strict::<StateWord>("state")?.map(|word| word.0),
        project: query.strict("project")?,
        stage: query.strict("stage")?,
        service: query.strict("service")?,
        context: query.strict("context")?,
    };
    let offset = query.strict("offset")?.unwrap_or(0);
    let limit = query.strict("limit")?.unwrap_or(LIMIT).clamp(1, PAGE_MAX);
    let approvals = state.engine.read(move |reader| {
        let page = reader.approvals(&filter, offset, limit)?;
        let views = page.items.into_iter().map(|approval| ApprovalView::read(reader, approval));
        let approvals = views.collect::<Result<_, _>>()?;
        Ok(Approvals { approvals, total: page.total, next: page.next })
    });
    Ok(Json(approvals.await?))
}

/// `state` of a query.
struct StateWord(ApprovalState);

impl FromStr for StateWord {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "open" => Ok(Self(ApprovalState::Open)),
            "decided" => Ok(Self(ApprovalState::Decided)),
            "closed" => Ok(Self(ApprovalState::Closed)),
            _ => Err("must be open, decided or closed"),
        }
    }
}

/// Gives an approval: the question, what it is about, and where it stands
#[utoipa::path(get, path = "/api/tidegate/v1/approvals/{id}", operation_id = "getApproval",
    tag = "Approvals", params(("id" = wire::EventId, Path, description = "Its id.")),
    responses(Guarded, Parsed,
        (status = 200, description = "The approval.", body = ApprovalView),
        (status = 404, description = "There is no such approval.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, ApiError> {
    find(&state.engine, &id, ApprovalView::read).await.map(Json)
}

/// What a voter says. Other fields are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "decision": "approve",
    "subject": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "comment": "looks good"
})))]
pub(crate) struct Vote {
    /// Approve or decline.
    #[schema(value_type = wire::Decision)]
    decision: Decision,
    /// What the voter saw, as shown with the approval; without it the vote is a blind one.
    #[serde(default)]
    #[schema(value_type = Option<wire::Subject>)]
    subject: Option<Subject>,
    /// Why, in at most 4,096 bytes.
    #[serde(default)]
    #[schema(max_length = 1024, examples("looks good"))]
    comment: Option<String>,
}

/// Decides an approval
///
/// Repeating the decision that counts is answered like the one that counted.
#[utoipa::path(post, path = "/api/tidegate/v1/approvals/{id}/decision",
    operation_id = "decideApproval", tag = "Approvals",
    params(("id" = wire::EventId, Path, description = "Its id.")), request_body = Vote,
    responses(Guarded, Body, Changes,
        (status = 200, description = "It is decided.", body = ApprovalView),
        (status = 404, description = "There is no such approval.", body = Error),
        (status = 409, description = "Somebody decided otherwise, nobody has to decide any more, or the \
            approval asks something else than the voter saw.", body = VoteConflict),
    ))]
pub(crate) async fn decide(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path(id): Path<String>,
    JsonBody(vote): JsonBody<Vote>,
) -> Result<Json<ApprovalView>, ApiError> {
    let comment = Comment::parse(vote.comment.as_deref().unwrap_or_default());
    let comment = comment.map_err(ApiError::format)?;
    let approval = find(&state.engine, &id, |_, approval| Ok(approval)).await?;
    let ballot = Ballot {
        project: approval.scope.project,
        approval: approval.id,
        decision: vote.decision,
        subject: vote.subject,
        comment,
        source: SOURCE.to_owned(),
    };
    state.engine.vote(ballot, &by).await?;
    find(&state.engine, &id, ApprovalView::read).await.map(Json)
}

async fn find<T: Send + 'static>(
    engine: &Engine,
    id: &str,
    read: fn(&dyn Reader, Approval) -> Result<T, StoreError>,
) -> Result<T, ApiError> {
    let missing = || ApiError::not_found(format!("no approval {}", shown(id)));
    let id: EventId = id.parse().map_err(|_| missing())?;
    let found = engine.read(move |reader| {
        reader.approval(id)?.map(|approval| read(reader, approval)).transpose()
    });
    found.await?.ok_or_else(missing)
}
