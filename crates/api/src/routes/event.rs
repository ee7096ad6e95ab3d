//! `POST /api/v1/event`: the one way in for events.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use tidegate_core::approval::APPROVAL;
use tidegate_core::event::{Draft, DraftError, EventKind, EventType, Phase};
use tidegate_core::names::{ContextId, TaskName};
use tidegate_core::principal::Principal;
use tidegate_core::sequence::Reply;
use tidegate_engine::{Accepted, Engine};
use tidegate_store::IdempotencyRow;
use utoipa::ToSchema;

use crate::auth::{Answers, Caller};
use crate::body::EventBody;
use crate::error::ApiError;
use crate::openapi::answers::{Body, Changes, Error, Guarded};
use crate::openapi::wire;
use crate::state::ApiState;

/// Names a request, so that repeating it does nothing again.
const KEY_HEADER: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 255;

/// Keptn 1.4's answer: the context, which clients must use from now on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sent {
    /// The delivery that the event belongs to.
    #[schema(value_type = wire::ContextId)]
    keptn_context: ContextId,
}

/// Sends an event: starts a sequence, or answers a task
///
/// It is on the disk when the answer comes. An event that changes nothing is kept and answered 200, as in
/// Keptn. The server replaces `id` and `time`.
#[utoipa::path(post, path = "/api/v1/event", operation_id = "sendEvent", tag = "Events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "Names this request, so that repeating it within 24 hours does nothing again and \
            gives the same answer.",
        example = "b1946ac9-2490-4c9b-8e6e-7d0f6a2f9a11")),
    request_body(description = "The event.", content(
        (wire::NewEvent = "application/json"), (wire::NewEvent = "application/cloudevents+json"))),
    responses(Guarded, Body, Changes,
        (status = 200, description = "It was accepted.", body = Sent),
        (status = 409, description = "The key came with another event before.", body = Error),
        (status = 415, description = "An event is sent as JSON.", body = Error),
        (status = 422, description = "A field that every event has is absent; `code` is 602.",
            body = Error, example = json!({"code": 602, "message": "data in body is required"})),
    ))]
pub(crate) async fn send(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    headers: HeaderMap,
    EventBody(body): EventBody,
) -> Result<Json<Sent>, ApiError> {
    let draft = Draft::parse(&body)?;
    if let Some(tasks) = tasks {
        answers(&tasks, &draft.kind)?;
    }
    let key = key(&state.engine, &headers, &by, &body)?;
    let kind = draft.kind.clone();
    let accepted = state.engine.accept(draft, &by, key).await?;
    if let Accepted { context, event, reply: Some(Reply::Kept(reason)) } = &accepted {
        // Keptn 1.4 answers 200 all the same, so the log is where one finds out.
        tracing::info!(
            "event.type" = %kind, "event.id" = %event, "sequence.context" = %context, reason,
            "an event was kept and changes nothing"
        );
    }
    Ok(Json(Sent { keptn_context: accepted.context }))
}

/// An integration's token answers its tasks, and sends no other event.
fn answers(tasks: &[TaskName], kind: &EventType) -> Result<(), ApiError> {
    match kind.kind() {
        EventKind::Task { task, phase: Phase::Started | Phase::Finished }
            if task != APPROVAL && tasks.contains(&task) =>
        {
            Ok(())
        }
        _ => {
            let names = tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("this token answers {names}; it sends no other event");
            Err(ApiError::new(StatusCode::FORBIDDEN, message))
        }
    }
}

impl From<DraftError> for ApiError {
    fn from(error: DraftError) -> Self {
        let text = error.to_string();
        match error {
            DraftError::Malformed(_) => {
                Self::bad_request(format!("parsing body body from \"\" failed, because {text}"))
            }
            DraftError::Missing(_) => Self::schema(602, text),
            DraftError::Data(_) => Self::bad_request(text),
            DraftError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
        }
    }
}

/// A key counts for the principal that sent it and no other.
fn key(
    engine: &Engine,
    headers: &HeaderMap,
    by: &Principal,
    body: &[u8],
) -> Result<Option<IdempotencyRow>, ApiError> {
    let Some(value) = headers.get(KEY_HEADER) else { return Ok(None) };
    let value = value.as_bytes();
    if value.is_empty() || value.len() > KEY_BYTES_MAX {
        let message = format!("an Idempotency-Key has 1 to {KEY_BYTES_MAX} bytes, such as a UUID");
        return Err(ApiError::bad_request(message));
    }
    Ok(Some(engine.once(by, value, body)?))
}
