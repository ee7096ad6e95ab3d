//! Who is asking. Every route but the open ones passes one of these layers; the texts differ because
//! Keptn 1.4 answers from different places.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_core::names::TaskName;
use tidegate_core::principal::Principal;
use tidegate_identity::{Holder, TooMany};

use crate::error::ApiError;
use crate::state::ApiState;

/// Where every client of Keptn puts its token.
const TOKEN_HEADER: &str = "x-token";

/// Who sent the request. There on every route behind one of the layers.
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let known = parts.extensions.get::<Principal>().cloned().map(Self);
        known.ok_or_else(|| ApiError::internal(&"a route without a layer asks who is calling"))
    }
}

/// The only tasks that the caller's token answers; none where it may do everything.
pub(crate) struct Answers(pub(crate) Option<Arc<[TaskName]>>);

impl<S: Sync> FromRequestParts<S> for Answers {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.extensions.get::<Arc<[TaskName]>>().cloned()))
    }
}

/// Why a caller is not let in.
enum Denied {
    /// No token.
    Missing,
    /// A token that nobody holds.
    Wrong,
    /// Too many of those.
    TooMany(TooMany),
}

/// A wrong token costs the peer an attempt. The right one always gets in, and a request without any
/// is no guess.
fn identify(state: &ApiState, peer: SocketAddr, presented: Option<&str>) -> Result<Holder, Denied> {
    let presented = presented.filter(|token| !token.is_empty()).ok_or(Denied::Missing)?;
    match state.tokens.holder(presented) {
        Some(holder) => Ok(holder),
        None => {
            let mut limits = state.limits.lock().unwrap_or_else(PoisonError::into_inner);
            limits.wrong(peer.ip(), Instant::now()).map_err(Denied::TooMany)?;
            Err(Denied::Wrong)
        }
    }
}

/// The token in the header of Keptn's clients. What is no text is no token of anybody.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    headers.get(TOKEN_HEADER).map(|value| value.to_str().unwrap_or("\u{fffd}").to_owned())
}

/// The password of HTTP's basic authentication: a token, whatever the user is called.
fn password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Git's own clients: they ask without a token first, and send it once they were told to.
pub(crate) async fn git(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let presented = password(request.headers()).or_else(|| token(request.headers()));
    let next = async move |request| next.run(request).await;
    admit_with(presented, &state, peer, request, next, |denied| match denied {
        Denied::TooMany(too_many) => slow_down(too_many),
        Denied::Missing | Denied::Wrong => {
            let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"tidegate\", charset=\"UTF-8\"")];
            let text = "sign in with any user name, and a token as the password\n";
            (StatusCode::UNAUTHORIZED, ask, text).into_response()
        }
    })
    .await
}

/// Programs that announce something and can only sign in by HTTP's own ways, such as Alertmanager.
pub(crate) async fn webhook(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let presented = token(request.headers()).or_else(|| password(request.headers()));
    let next = async move |request| changes(request, next).await;
    admit_with(presented, &state, peer, request, next, |denied| match denied {
        Denied::Missing | Denied::Wrong => {
            unauthorized("show a token: as x-token, or by basic auth with any user name")
        }
        Denied::TooMany(too_many) => slow_down(too_many),
    })
    .await
}

/// Lets everything through but changes by a token that only answers tasks.
async fn changes(request: Request, next: Next) -> Response {
    let only_answers = request.extensions().get::<Arc<[TaskName]>>().is_some();
    if only_answers && !request.method().is_safe() {
        let message = "this token answers tasks, by POST /api/v1/event; it changes nothing else";
        return ApiError::new(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

/// Lets a request through by the token in the header of Keptn's clients, or answers as `deny` says.
async fn admit(
    state: &ApiState,
    peer: SocketAddr,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
    deny: impl FnOnce(Denied) -> Response,
) -> Response {
    admit_with(token(request.headers()), state, peer, request, next, deny).await
}

/// Lets a request through with the principal of the token that it presents, or answers as `deny` says.
async fn admit_with(
    presented: Option<String>,
    state: &ApiState,
    peer: SocketAddr,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
    deny: impl FnOnce(Denied) -> Response,
) -> Response {
    match identify(state, peer, presented.as_deref()) {
        Ok(Holder { principal, tasks }) => {
            request.extensions_mut().insert(principal);
            if let Some(tasks) = tasks {
                request.extensions_mut().insert(tasks);
            }
            next(request).await
        }
        Err(denied) => deny(denied),
    }
}

fn unauthorized(message: &str) -> Response {
    ApiError::new(StatusCode::UNAUTHORIZED, message).into_response()
}

fn slow_down(too_many: TooMany) -> Response {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many requests")
        .retry_after(too_many.seconds())
        .into_response()
}

/// What the api-service says; `slow_down` says that it was asked too often.
fn own_check(denied: &Denied, slow_down: impl FnOnce(TooMany) -> Response) -> Response {
    match denied {
        Denied::Missing => unauthorized("unauthenticated for invalid credentials"),
        Denied::Wrong => unauthorized("incorrect api key auth"),
        Denied::TooMany(too_many) => slow_down(*too_many),
    }
}

/// The routes that Keptn's gateway guards, and Tidegate's own.
pub(crate) async fn gateway(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let next = async move |request| changes(request, next).await;
    admit(&state, peer, request, next, |denied| of_gateway(&denied)).await
}

/// The registry of integrations, where those may change what is theirs whose token only answers tasks.
pub(crate) async fn registry(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let next = async move |request| next.run(request).await;
    admit(&state, peer, request, next, |denied| of_gateway(&denied)).await
}

/// What Keptn's gateway says to whoever is not let in.
fn of_gateway(denied: &Denied) -> Response {
    match denied {
        Denied::Missing | Denied::Wrong => unauthorized("unauthenticated or invalid credentials"),
        Denied::TooMany(too_many) => slow_down(*too_many),
    }
}

/// The routes of Keptn's api-service, which checks the token itself.
pub(crate) async fn api_service(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let next = async move |request| next.run(request).await;
    admit(&state, peer, request, next, |denied| own_check(&denied, slow_down)).await
}

/// `/api/v1/auth`: as the rest of the api-service, but plain text where it is too much.
pub(crate) async fn auth_route(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let next = async move |request| next.run(request).await;
    admit(&state, peer, request, next, |denied| {
        own_check(&denied, |too_many| {
            let retry = [(header::RETRY_AFTER, too_many.seconds().to_string())];
            (StatusCode::TOO_MANY_REQUESTS, retry, "Too Many Requests").into_response()
        })
    })
    .await
}
