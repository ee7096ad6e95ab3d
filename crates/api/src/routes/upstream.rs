//! How a project stands to the repository elsewhere that keeps its files.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tidegate_core::names::ProjectName;
use tidegate_resources::upstream::Status;

use crate::error::{ApiError, shown};
use crate::path::{self, Path};
use crate::query::Query;
use crate::state::ApiState;

/// The state of an upstream, without any secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Upstream {
    #[serde(rename = "remoteURL")]
    remote_url: String,
    user: String,
    /// What it does not have yet.
    unsynced: Vec<Unsynced>,
    /// Branches here that hold commits which did not fit to what it has.
    conflicts: Vec<String>,
    /// Since when it cannot be used, and why.
    unreachable: Option<Unreachable>,
}

#[derive(Serialize)]
struct Unsynced {
    branch: String,
    commits: usize,
}

#[derive(Serialize)]
struct Unreachable {
    since: jiff::Timestamp,
    reason: String,
}

impl From<Status> for Upstream {
    fn from(status: Status) -> Self {
        let Status { upstream, unsynced, conflicts, unreachable } = status;
        let unsynced =
            unsynced.into_iter().map(|(branch, commits)| Unsynced { branch, commits }).collect();
        let unreachable =
            unreachable.map(|known| Unreachable { since: known.since, reason: known.reason });
        let (remote_url, user) = (upstream.url().to_owned(), upstream.user().to_owned());
        Self { remote_url, user, unsynced, conflicts, unreachable }
    }
}

/// `GET /api/tidegate/v1/project/{project}/upstream`
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(project): Path<String>,
) -> Result<Json<Upstream>, ApiError> {
    let name = named(&project)?;
    let status = state.engine.upstream(name).await?;
    let none = || ApiError::not_found("the files of this project are kept here, not elsewhere");
    status.map(|status| Json(status.into())).ok_or_else(none)
}

/// `POST …/upstream/sync`: asks the upstream now, and answers when it has answered.
pub(crate) async fn sync(
    state: State<ApiState>,
    project: Path<String>,
) -> Result<Json<Upstream>, ApiError> {
    state.engine.refresh(&named(&project.0)?).await?;
    get(state, project).await
}

/// `DELETE …/upstream/conflict?branch=`: drops a branch of a commit that did not fit, once somebody has
/// seen to it. The commit itself is kept.
pub(crate) async fn drop_conflict(
    State(state): State<ApiState>,
    Path(project): Path<String>,
    query: Query,
) -> Result<StatusCode, ApiError> {
    let branch = query.text("branch").unwrap_or_default().to_owned();
    match state.engine.drop_conflict(named(&project)?, branch).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("there is no such branch of a conflict")),
    }
}

fn named(project: &str) -> Result<ProjectName, ApiError> {
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(project)));
    path::project(project).ok_or_else(missing)
}
