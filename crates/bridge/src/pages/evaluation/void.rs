//! Taking an evaluation out of what later ones are compared with, and putting it back.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use tidegate_core::approval::Comment;
use tidegate_core::event::{Draft, Scope};
use tidegate_core::names::EventId;
use tidegate_core::quality::{INVALIDATED, RESTORED};
use tidegate_engine::Failure;

use super::outcome::Outcome;
use super::{Found, Order, read, show};
use crate::form::Signed;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::visitor::Visitor;

/// `source` of what is said here. Keptn 1.4: clients know the Bridge by it.
const SOURCE: &str = "https://github.com/keptn/keptn/bridge";

/// The form that says it.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Whether it can be said of this evaluation: it names the task that it answers.
    pub(super) can: bool,
    /// What was typed.
    pub(super) reason: String,
    /// What is wrong with it.
    pub(super) error: Option<&'static str>,
    /// Names this form: sent twice, it counts once.
    pub(super) once: String,
}

impl Form {
    pub(super) fn fresh(state: &BridgeState) -> Self {
        Self { once: state.engine.uuid().to_string(), ..Self::default() }
    }
}

/// `POST …/ignore`, with `reason` and `once`.
pub(crate) async fn ignore(
    state: State<BridgeState>,
    path: Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    say(state, path, signed, true).await
}

/// `POST …/restore`, with `reason` and `once`.
pub(crate) async fn restore(
    state: State<BridgeState>,
    path: Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    say(state, path, signed, false).await
}

async fn say(
    State(state): State<BridgeState>,
    Path((context, id)): Path<(String, String)>,
    signed: Signed,
    void: bool,
) -> Result<Response, Problem> {
    let Signed { visitor, fields } = signed;
    let missing = || Problem::NotFound("evaluation");
    let id: EventId = id.parse().map_err(|_| missing())?;
    let row = state.engine.read(move |reader| reader.event(id)).await?;
    let (project, row) = row
        .filter(|(_, row)| row.event.context.to_string() == context)
        .filter(|(_, row)| row.event.kind.as_str() == super::FINISHED)
        .ok_or_else(missing)?;
    let found = read(&state, project, row).await?;
    let once = fields.get("once").to_owned();
    let reason = match Comment::parse(fields.get("reason")) {
        Ok(Some(reason)) => reason,
        wrong => {
            let error = match wrong {
                Ok(_) => "Say why: whoever looks at later evaluations reads it.",
                Err(_) => "The reason is too long: 4,096 bytes at most. Link to a longer text.",
            };
            let reason = fields.get("reason").to_owned();
            let form = Form { reason, error: Some(error), once, can: false };
            let unfit = StatusCode::UNPROCESSABLE_ENTITY;
            return show(&state, found, Order::default(), None, form, &visitor, unfit).await;
        }
    };
    if found.judged.is_void == void {
        // Sent twice, it is answered twice alike.
        return match &found.said {
            Some(said) if said.reason == reason.as_str() => Ok(there(&found, said.event)),
            _ => late(&state, found, void, &visitor).await,
        };
    }
    let event = event(&found, void, reason.as_str()).ok_or_else(missing)?;
    let (by, request) = (&visitor.principal, event.to_string());
    let draft = Draft::from_value(event).map_err(|error| Failure::Internal(error.to_string()))?;
    let key = state.engine.once(by, once.as_bytes(), request.as_bytes())?;
    match state.engine.accept(draft, by, Some(key)).await {
        Ok(accepted) => Ok(there(&found, accepted.event)),
        Err(Failure::KeyReused) => late(&state, found, !void, &visitor).await,
        Err(failure) => Err(failure.into()),
    }
}

/// The event that says it. Keptn 1.4: context and `triggeredid` are those of the evaluation, and nothing else
/// is in its data.
fn event(found: &Found, void: bool, reason: &str) -> Option<Value> {
    let (kind, word) = match void {
        true => (INVALIDATED, "evaluation.invalidated"),
        false => (RESTORED, "evaluation.restored"),
    };
    let Scope { project, stage, service } = &found.scope;
    Some(json!({
        "specversion": "1.0",
        "type": kind,
        "source": format!("{SOURCE}#{word}"),
        "shkeptncontext": found.judged.context,
        "triggeredid": found.judged.task?,
        "data": {"project": project, "stage": stage, "service": service,
            "evaluation": {"reason": reason}},
    }))
}

/// The evaluation, with what was done in its heading.
fn there(found: &Found, event: EventId) -> Response {
    see_other(&format!("{}?outcome={event}", found.judged.href()))
}

/// Somebody was faster, or the page was an old one: what is there now.
async fn late(
    state: &BridgeState,
    found: Found,
    is_void: bool,
    visitor: &Visitor,
) -> Result<Response, Problem> {
    let (outcome, form) = (Some(Outcome::too_late(is_void)), Form::fresh(state));
    show(state, found, Order::default(), outcome, form, visitor, StatusCode::CONFLICT).await
}
