//! The document of the API, and the page that people read it on. Both are open to everybody, as Keptn's
//! are: they hold no secret.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::openapi::{self, page};
use crate::packed::Packed;
use crate::state::ApiState;

/// Gives this document
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "getDocument", tag = "Operations",
    security(()),
    responses((status = 200, description = "A document by OpenAPI 3.1.", body = Object,
        content_type = "application/json")))]
pub(crate) async fn json(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    static DOCUMENT: OnceLock<Packed> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| Packed::new(openapi::text(state.version)));
    document.answer(&headers, "application/json")
}

/// Shows this document to people
#[utoipa::path(get, path = "/api/swagger-ui/", operation_id = "showDocument", tag = "Operations",
    security(()),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")))]
pub(crate) async fn page(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    static PAGE: OnceLock<Packed> = OnceLock::new();
    let page = PAGE.get_or_init(|| Packed::new(page::render(state.version)));
    let mut response = page.answer(&headers, "text/html; charset=utf-8");
    let policy = HeaderValue::from_static(page::policy());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Shows this document to people, by the name of the file
#[utoipa::path(get, path = "/api/swagger-ui/index.html", operation_id = "showDocumentByName",
    tag = "Operations", security(()),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")))]
pub(crate) async fn page_by_name(state: State<ApiState>, headers: HeaderMap) -> Response {
    page(state, headers).await
}
