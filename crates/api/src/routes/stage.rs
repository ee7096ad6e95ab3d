//! Stages of a project.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tidegate_core::names::StageName;
use tidegate_engine::Engine;
use tidegate_store::{ProjectRow, Reader, StoreError};
use utoipa::ToSchema;

use super::project::ExpandedStage;
use crate::error::ApiError;
use crate::openapi::answers::{Error, Guarded, Parsed};
use crate::openapi::parameters::{Paging, ProjectPath, StagePath};
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

/// A page of stages, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stages {
    /// The stages.
    stages: Vec<ExpandedStage>,
    #[serde(flatten)]
    page: PageFields,
}

/// Lists the stages of a project with their services, by name
#[utoipa::path(get, path = "/api/controlPlane/v1/project/{project}/stage",
    operation_id = "listStages", tag = "Stages", params(ProjectPath, Paging),
    responses(Guarded, Parsed,
        (status = 200, description = "The stages.", body = Stages),
        (status = 404, description = "There is no such project.", body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path(project): Path<String>,
    query: Query,
) -> Result<Json<Stages>, ApiError> {
    let size = query.page_size()?.unwrap_or(PAGE);
    let mut stages = of_project(&state.engine, &project, ExpandedStage::all).await?;
    stages.sort_by(|a, b| a.stage_name.cmp(&b.stage_name));
    let (stages, page) = PageFields::cut(stages, query.offset(), size);
    Ok(Json(Stages { stages, page }))
}

/// Gives a stage with its services
#[utoipa::path(get, path = "/api/controlPlane/v1/project/{project}/stage/{stage}",
    operation_id = "getStage", tag = "Stages", params(StagePath),
    responses(Guarded, Parsed,
        (status = 200, description = "The stage.", body = ExpandedStage),
        (status = 404, description = "There is no such project, or no such stage.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path((project, stage)): Path<(String, String)>,
) -> Result<Json<ExpandedStage>, ApiError> {
    find(&state.engine, &project, &stage).await.map(Json)
}

/// The stage of these names.
pub(super) async fn find(
    engine: &Engine,
    project: &str,
    stage: &str,
) -> Result<ExpandedStage, ApiError> {
    let name = StageName::new(stage).ok();
    let found = of_project(engine, project, move |reader, row| match &name {
        Some(name) => ExpandedStage::one(reader, row, name),
        None => Ok(None),
    });
    found.await?.ok_or_else(|| ApiError::not_found("stage not found"))
}

/// Reads something of a project that exists.
pub(super) async fn of_project<T: Send + 'static>(
    engine: &Engine,
    project: &str,
    read: impl FnOnce(&dyn Reader, &ProjectRow) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let missing = || ApiError::not_found("project not found");
    let name = path::project(project).ok_or_else(missing)?;
    let found = engine.read(move |reader| match reader.project(&name)? {
        Some(row) => read(reader, &row).map(Some),
        None => Ok(None),
    });
    found.await?.ok_or_else(missing)
}
