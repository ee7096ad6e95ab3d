//! A commit that did not fit to what the repository elsewhere has: somebody has seen to it.

use axum::extract::{Path, State};
use axum::response::Response;
use tidegate_core::names::ProjectName;

use crate::form::Signed;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;

/// `POST …/upstream/conflict`, with `branch`. One that is gone is no problem: somebody was faster.
pub(crate) async fn settle(
    State(state): State<BridgeState>,
    Path(project): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let branch = signed.fields.get("branch").to_owned();
    state.engine.drop_conflict(project.clone(), branch).await?;
    Ok(see_other(&format!("/bridge/project/{project}/sequence")))
}
