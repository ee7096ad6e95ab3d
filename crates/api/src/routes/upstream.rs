//! How a project stands to the repository elsewhere that keeps its files.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tidegate_core::names::ProjectName;
use tidegate_resources::upstream::Status;
use utoipa::ToSchema;

use crate::error::{ApiError, shown};
use crate::openapi::answers::{Changes, Error, Guarded, Parsed, Upstream as Elsewhere};
use crate::openapi::parameters::ProjectPath;
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::Query;
use crate::state::ApiState;

/// How a project stands to the repository elsewhere that keeps its files, without any secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Upstream {
    /// The address of the repository.
    #[serde(rename = "remoteURL")]
    #[schema(examples("https://git.example.org/sockshop.git"))]
    remote_url: String,
    /// Who signs in there.
    #[schema(examples("tidegate"))]
    user: String,
    /// What it does not have yet.
    unsynced: Vec<Unsynced>,
    /// Branches here that hold commits which did not fit to what it has.
    #[schema(examples(json!(["tidegate/conflict/production/3f2504e04f89"])))]
    conflicts: Vec<String>,
    /// Since when it cannot be used, and why; null where it can.
    #[schema(required)]
    unreachable: Option<Unreachable>,
}

/// Commits of a branch that the repository elsewhere does not have yet.
#[derive(Serialize, ToSchema)]
struct Unsynced {
    /// The branch.
    #[schema(examples("production"))]
    branch: String,
    /// How many.
    #[schema(examples(1))]
    commits: usize,
}

/// Since when a repository elsewhere cannot be used, and why.
#[derive(Serialize, ToSchema)]
struct Unreachable {
    /// Since when.
    #[schema(value_type = wire::Time)]
    since: jiff::Timestamp,
    /// Why, in words.
    #[schema(examples("could not resolve host git.example.org"))]
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

/// Says how a project stands to the repository elsewhere that keeps its files
#[utoipa::path(get, path = "/api/tidegate/v1/project/{project}/upstream",
    operation_id = "getUpstream", tag = "Upstreams", params(ProjectPath),
    responses(Guarded, Parsed, Elsewhere,
        (status = 200, description = "How it stands.", body = Upstream),
        (status = 404, description = "There is no such project, or its files are kept here.",
            body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(project): Path<String>,
) -> Result<Json<Upstream>, ApiError> {
    let name = named(&project)?;
    let status = state.engine.upstream(name).await?;
    let none = || ApiError::not_found("the files of this project are kept here, not elsewhere");
    status.map(|status| Json(status.into())).ok_or_else(none)
}

/// Asks the repository elsewhere now, and answers when it has answered
#[utoipa::path(post, path = "/api/tidegate/v1/project/{project}/upstream/sync",
    operation_id = "syncUpstream", tag = "Upstreams", params(ProjectPath),
    responses(Guarded, Parsed, Changes, Elsewhere,
        (status = 200, description = "How it stands now.", body = Upstream),
        (status = 404, description = "There is no such project, or its files are kept here.",
            body = Error),
    ))]
pub(crate) async fn sync(
    state: State<ApiState>,
    project: Path<String>,
) -> Result<Json<Upstream>, ApiError> {
    state.engine.refresh(&named(&project.0)?).await?;
    get(state, project).await
}

/// Drops a branch of a commit that did not fit, once somebody has seen to it; the commit is kept
#[utoipa::path(delete, path = "/api/tidegate/v1/project/{project}/upstream/conflict",
    operation_id = "dropConflict", tag = "Upstreams",
    params(ProjectPath, ("branch" = String, Query, min_length = 1,
        description = "One of `conflicts` of the upstream.",
        example = "tidegate/conflict/production/3f2504e04f89")),
    responses(Guarded, Parsed, Changes,
        (status = 204, description = "It was dropped."),
        (status = 404, description = "There is no such project, or no such branch.", body = Error),
    ))]
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
