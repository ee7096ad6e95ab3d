//! `/api/v1/auth`: is this token any good?

use axum::http::StatusCode;

use crate::openapi::answers::Error;

/// Says whether a token is any good
// Whoever comes as far as this has shown one that somebody holds.
#[utoipa::path(post, path = "/api/v1/auth", operation_id = "checkToken", tag = "Server",
    responses(
        (status = 200, description = "Somebody holds this token."),
        (status = 401, description = "No token, or one that nobody holds.", body = Error,
            example = json!({"code": 401, "message": "incorrect api key auth"})),
        (status = 429, description = "Too many wrong tokens came from this address.",
            headers(("Retry-After" = u64,
                description = "After how many seconds it makes sense to ask again.")),
            body = String, content_type = "text/plain", example = "Too Many Requests"),
    ))]
pub(crate) async fn check() -> StatusCode {
    StatusCode::OK
}

/// The same by GET, which Keptn's gateway takes as well
#[utoipa::path(get, path = "/api/v1/auth", operation_id = "checkTokenByGet", tag = "Server",
    responses(
        (status = 200, description = "Somebody holds this token."),
        (status = 401, description = "No token, or one that nobody holds.", body = Error,
            example = json!({"code": 401, "message": "incorrect api key auth"})),
        (status = 429, description = "Too many wrong tokens came from this address.",
            headers(("Retry-After" = u64,
                description = "After how many seconds it makes sense to ask again.")),
            body = String, content_type = "text/plain", example = "Too Many Requests"),
    ))]
pub(crate) async fn check_by_get() -> StatusCode {
    check().await
}
