//! A new service of a project.

use axum::extract::{Path, State};
use axum::response::Response;
use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_engine::SERVICE_NAME_BYTES_MAX;

use crate::form::Signed;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;

/// `POST …/services`, with `name`.
pub(crate) async fn create(
    State(state): State<BridgeState>,
    Path(project): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let project = ProjectName::new(project).map_err(|_| Problem::NotFound("project"))?;
    let text = signed.fields.get("name").trim();
    let service = ServiceName::new(text)?;
    if text.len() > SERVICE_NAME_BYTES_MAX {
        return Err(Problem::LongName(SERVICE_NAME_BYTES_MAX));
    }
    state.engine.create_service(project.clone(), service, &signed.visitor.principal).await?;
    Ok(see_other(&format!("/bridge/project/{project}")))
}
