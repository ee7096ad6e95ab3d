//! Stages of a project.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tidegate_core::names::StageName;
use tidegate_engine::Engine;
use tidegate_store::{ProjectRow, Reader, StoreError};

use super::project::ExpandedStage;
use crate::error::ApiError;
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

#[derive(Serialize)]
pub(crate) struct Stages {
    stages: Vec<ExpandedStage>,
    #[serde(flatten)]
    page: PageFields,
}

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
async fn of_project<T: Send + 'static>(
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
