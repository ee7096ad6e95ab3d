//! What Keptn's gateway answers by itself.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;

use crate::error::{ApiError, shown};

/// `/`: people want the Bridge.
pub(crate) async fn to_bridge() -> impl IntoResponse {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "/bridge/")])
}

/// `/nginx-health`: load balancers in front of Keptn ask for it.
pub(crate) async fn nginx_health() -> &'static str {
    "OK\n"
}

/// A path under `/api` that nobody serves.
pub(crate) async fn unknown(uri: Uri) -> ApiError {
    ApiError::not_found(format!("path {} was not found", shown(uri.path())))
}

/// A path that is served, but not by this method.
pub(crate) async fn method(method: Method, uri: Uri) -> ApiError {
    let (method, path) = (shown(method.as_str()), shown(uri.path()));
    let message = format!("method {method} is not allowed for {path}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
