//! Whether the server is alive, and whether it can answer.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::openapi::answers::{Error, Guarded};
use crate::state::ApiState;

/// All is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Well {
    /// Always `ok`.
    #[schema(examples("ok"))]
    status: &'static str,
}

const WELL: Well = Well { status: "ok" };

/// Says that the process answers
#[utoipa::path(get, path = "/health", operation_id = "isAlive", tag = "Operations", security(()),
    responses((status = 200, description = "It does.", body = Well)))]
pub(crate) async fn alive() -> Json<Well> {
    Json(WELL)
}

/// Says that the server answers, under Keptn's path of its control plane
#[utoipa::path(get, path = "/api/controlPlane/health", operation_id = "isControlPlaneAlive",
    tag = "Server", responses(Guarded, (status = 200, description = "It does.", body = Well)))]
pub(crate) async fn control_plane() -> Json<Well> {
    Json(WELL)
}

/// Says that the server answers, under Keptn's path of its resource service
#[utoipa::path(get, path = "/api/resource-service/health", operation_id = "isResourceServiceAlive",
    tag = "Server", responses(Guarded, (status = 200, description = "It does.", body = Well)))]
pub(crate) async fn resource_service() -> Json<Well> {
    Json(WELL)
}

/// Says whether the store answers
#[utoipa::path(get, path = "/ready", operation_id = "isReady", tag = "Operations", security(()),
    responses(
        (status = 200, description = "It does.", body = Well),
        (status = 503, description = "It does not; the server's log says why.", body = Error),
    ))]
pub(crate) async fn ready(State(state): State<ApiState>) -> Result<Json<Well>, ApiError> {
    match state.engine.read(|reader| reader.projects(0, 1)).await {
        Ok(_) => Ok(Json(WELL)),
        Err(error) => {
            tracing::error!(%error, "not ready: the store does not answer");
            let message = "the store does not answer; the server's log says why";
            Err(ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, message))
        }
    }
}
