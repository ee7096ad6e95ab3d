//! Whether the server is alive, and whether it can answer.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::ApiState;

/// The process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The store answers.
pub(crate) async fn ready(State(state): State<ApiState>) -> Result<Json<Value>, ApiError> {
    match state.engine.read(|reader| reader.projects(0, 1)).await {
        Ok(_) => Ok(Json(json!({"status": "ok"}))),
        Err(error) => {
            tracing::error!(%error, "not ready: the store does not answer");
            let message = "the store does not answer; the server's log says why";
            Err(ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, message))
        }
    }
}
