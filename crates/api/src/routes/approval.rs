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

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::path::Path;
use crate::query::Query;
use crate::state::ApiState;
use view::ApprovalView;

/// `source` of the `approval.finished` that a vote on these routes makes.
const SOURCE: &str = "https://tidegate.dev/api";
/// Page size where the client names none.
const LIMIT: u64 = 100;

/// Open ones oldest first, decided and closed ones newest first.
#[derive(Serialize)]
pub(crate) struct Approvals {
    approvals: Vec<ApprovalView>,
    /// How many match in all.
    total: u64,
    /// `offset` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

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

pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, ApiError> {
    find(&state.engine, &id, ApprovalView::read).await.map(Json)
}

/// What a voter says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vote {
    decision: Decision,
    /// What the voter saw, as shown with the approval; without it the vote is a blind one.
    #[serde(default)]
    subject: Option<Subject>,
    #[serde(default)]
    comment: Option<String>,
}

/// Repeating the decision that counts is answered like the one that counted.
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
