//! Request bodies, read within limits.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, shown};

/// Largest body, in bytes. Keptn 1.4's gateway has the same limit.
pub const BODY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);
/// How much of a body that is refused is taken in and thrown away: most clients read the answer only
/// after they have sent everything.
const DISCARD_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// How long that may take.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);
/// What an event may be sent as.
const EVENT_TYPES: [&str; 2] = ["application/cloudevents+json", "application/json"];

/// Refuses what announces itself as too large, before anything of it is kept.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_none_or(|bytes| bytes <= BODY_BYTES_MAX as u64) {
        return next.run(request).await;
    }
    // Who asks first does not send the body when the answer is no.
    if !request.headers().contains_key(header::EXPECT) {
        discard(request.into_body()).await;
    }
    too_large().into_response()
}

fn too_large() -> ApiError {
    let limit = BODY_BYTES_MAX / (1024 * 1024);
    let message = format!("the body is larger than {limit} MiB; send less at once");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

async fn discard(mut body: Body) {
    let all = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Who is slower than that misses the answer.
    drop(tokio::time::timeout(DISCARD_TIME_MAX, all).await);
}

async fn read(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let all = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                ApiError::bad_request(format!("the body broke off: {error}; send it again"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    let read = tokio::time::timeout(BODY_TIME_MAX, all).await.unwrap_or_else(|_| {
        let limit = BODY_TIME_MAX.as_secs();
        let message = format!("the body took longer than {limit} s; send it again");
        Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message))
    });
    if read.is_err() {
        discard(body).await;
    }
    read
}

/// A JSON body, whatever its content type, with the texts of Keptn's control plane.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        json(request).await
    }
}

/// The same, for a route that reads a body only where its path and method ask for one.
pub(crate) async fn json<T: DeserializeOwned>(request: Request) -> Result<JsonBody<T>, ApiError> {
    let bytes = read(request.into_body()).await?;
    if bytes.is_empty() {
        return Err(ApiError::format("EOF"));
    }
    serde_json::from_slice(&bytes).map(JsonBody).map_err(ApiError::format)
}

/// The body of an event, not parsed yet, with the texts of Keptn's api-service.
pub(crate) struct EventBody(pub(crate) Vec<u8>);

impl<S: Sync> FromRequest<S> for EventBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        content_type(&parts.headers)?;
        Ok(Self(bytes))
    }
}

fn content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let named = named.unwrap_or("application/octet-stream");
    let essence = named.split(';').next().unwrap_or_default().trim();
    if EVENT_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let (named, allowed) = (shown(named), EVENT_TYPES.join(" "));
    let message = format!("unsupported media type {named:?}, only [{allowed}] are allowed");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A client that sends a byte a second, for ever.
    fn trickle() -> Body {
        let bytes = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        });
        Body::from_stream(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_for_ever_is_given_up() {
        let begun = tokio::time::Instant::now();
        let error = read(trickle()).await.unwrap_err();
        assert_eq!(error.into_response().status(), StatusCode::REQUEST_TIMEOUT);
        assert!(begun.elapsed() <= BODY_TIME_MAX + DISCARD_TIME_MAX + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_goes_on_beyond_the_limit_is_refused_and_not_kept() {
        let block = Bytes::from(vec![0; 1024 * 1024]);
        let blocks = std::iter::repeat_n(block, 50).map(Ok::<_, Infallible>);
        let body = Body::from_stream(futures_util::stream::iter(blocks));
        let error = read(body).await.unwrap_err();
        assert_eq!(error.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
