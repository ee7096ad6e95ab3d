//! Addresses that are no text lead nowhere, whichever page they would fit.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// Turns away a path that is not UTF-8 once it is decoded.
pub(crate) async fn only(request: Request, next: Next) -> Response {
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return Problem::NotFound("page").into_response();
    }
    next.run(request).await
}
