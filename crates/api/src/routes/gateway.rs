//! What Keptn's gateway answers by itself.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;

use crate::error::{ApiError, shown};

/// Leads people to the Bridge
#[utoipa::path(get, path = "/", operation_id = "toBridge", tag = "Operations", security(()),
    responses((status = 301, description = "The Bridge is at `/bridge/`.",
        headers(("Location" = String, description = "`/bridge/`")))))]
pub(crate) async fn to_bridge() -> impl IntoResponse {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "/bridge/")])
}

/// Says that the process answers, as load balancers in front of Keptn ask for it
#[utoipa::path(get, path = "/nginx-health", operation_id = "isGatewayAlive", tag = "Server",
    security(()),
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain",
        example = "OK\n")))]
pub(crate) async fn nginx_health() -> &'static str {
    "OK\n"
}

/// Leads people to the page about the API
#[utoipa::path(get, path = "/api", operation_id = "toApiPage", tag = "Server", security(()),
    responses((status = 301, description = "The page is at `/api/swagger-ui/`.",
        headers(("Location" = String, description = "`/api/swagger-ui/`")))))]
pub(crate) async fn to_page() -> impl IntoResponse {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "/api/swagger-ui/")])
}

/// Leads people to the page about the API, who forgot the slash behind it
#[utoipa::path(get, path = "/api/swagger-ui", operation_id = "toApiPageBelow", tag = "Server",
    security(()),
    responses((status = 301, description = "The page is at `/api/swagger-ui/`.",
        headers(("Location" = String, description = "`/api/swagger-ui/`")))))]
pub(crate) async fn to_page_below() -> impl IntoResponse {
    to_page().await
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
