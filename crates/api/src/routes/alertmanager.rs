//! `POST /api/tidegate/v1/alertmanager`: the webhook of Prometheus' Alertmanager.
//!
//! An alert begins a remediation, once: Alertmanager repeats itself for as long as the alert lasts, and again
//! from each of its replicas. When the alert is over, a remediation that has not begun is not needed any more.
//! One that nothing remedies begins nothing, and is heard again when it is repeated.

mod known;

use std::fmt::Display;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tidegate_core::event::{Draft, DraftError, EventType, Scope};
use tidegate_core::names::ContextId;
use tidegate_core::principal::Principal;
use tidegate_core::remediation::OPEN;
use tidegate_core::sequence::{Control, Refusal, Reply};
use tidegate_core::sli::alertmanager::{self, Notice, Problem, SOURCE};
use tidegate_engine::{Accepted, Engine, Failure};
use tidegate_store::IdempotencyRow;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::EventBody;
use crate::error::ApiError;
use crate::openapi::answers::{Body, Changes, Error, Guarded};
use crate::openapi::wire;
use crate::state::ApiState;
use known::{Tried, newest, only_waits, tried, unremedied};

/// A message of Alertmanager's, version 4 of its format; what is not named here is passed over.
#[derive(ToSchema)]
#[schema(as = AlertmanagerMessage, examples(json!({"version": "4", "alerts": [{
    "status": "firing", "startsAt": "2026-11-24T18:00:00Z", "fingerprint": "d41d8cd98f00b204",
    "labels": {"alertname": "response_time_p95", "project": "sockshop", "stage": "production",
        "service": "carts"},
    "annotations": {"summary": "response_time_p95"}
}]})))]
#[allow(dead_code, reason = "it stands for the body in the document")]
pub(crate) struct Message {
    /// Always `4`.
    #[schema(pattern = "^4$")]
    version: Option<String>,
    /// The alerts.
    #[schema(max_items = 1000)]
    alerts: Vec<Alert>,
}

/// One alert.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it stands for the body in the document")]
struct Alert {
    /// `firing` or `resolved`.
    #[schema(required = false)]
    status: String,
    /// Whose problem it is: `project`, `stage` and `service` must be among them.
    #[schema(required = false)]
    labels: std::collections::BTreeMap<String, String>,
    /// `summary` is the type of problem that `remediation.yaml` has actions for.
    #[schema(required = false)]
    annotations: std::collections::BTreeMap<String, String>,
    /// Since when. With the fingerprint it makes the context of the problem.
    #[schema(required = false)]
    #[serde(rename = "startsAt")]
    starts_at: String,
    /// What tells alerts apart.
    #[schema(required = false)]
    fingerprint: String,
}

/// What was made of each alert, in their order.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertsHeard)]
pub(crate) struct Heard {
    /// One for each alert.
    alerts: Vec<Outcome>,
}

/// What was made of an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertOutcome)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    /// `begun`: its remediation was triggered. `repeated`: that was said before. `kept`: nothing remedies it yet.
    /// `over`: the problem is. `unknown`: nobody had said that it began. `unusable`: it cannot be acted upon.
    #[schema(examples("begun"))]
    outcome: &'static str,
    /// The context of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = wire::ContextId)]
    keptn_context: Option<ContextId>,
    /// Why nothing is done, where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("it lacks the label stage"))]
    reason: Option<String>,
}

impl Outcome {
    fn of(outcome: &'static str, context: ContextId) -> Self {
        Self { outcome, keptn_context: Some(context), reason: None }
    }

    fn too_long(keptn_context: Option<ContextId>) -> Self {
        let reason = Some("it has more text than an event may have".to_owned());
        Self { outcome: "unusable", keptn_context, reason }
    }
}

/// Takes what an Alertmanager says: an alert begins a remediation, once
///
/// An alert that cannot be acted upon does not keep the others from being heard; the answer and the log say
/// why. Alertmanager shows a token as the password of its `basic_auth`.
#[utoipa::path(post, path = "/api/tidegate/v1/alertmanager", operation_id = "receiveAlerts",
    tag = "Alerts", security(("basic" = []), ("token" = [])), request_body = Message,
    responses(Guarded, Body, Changes,
        (status = 200, description = "It was heard.", body = Heard),
        (status = 415, description = "A message is sent as JSON.", body = Error),
    ))]
pub(crate) async fn receive(
    State(state): State<ApiState>,
    Caller(by): Caller,
    EventBody(body): EventBody,
) -> Result<Json<Heard>, ApiError> {
    let notices =
        alertmanager::read(&body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let mut alerts = Vec::with_capacity(notices.len());
    for notice in notices {
        alerts.push(match notice {
            Ok(Notice::Firing(problem)) => begin(&state.engine, problem, &by).await?,
            Ok(Notice::Resolved { scope, context }) => {
                end(&state.engine, &scope, context, &by).await?
            }
            Err(error) => {
                tracing::warn!(%error, "an alert cannot be acted upon");
                let reason = Some(error.to_string());
                Outcome { outcome: "unusable", keptn_context: None, reason }
            }
        });
    }
    Ok(Json(Heard { alerts }))
}

/// Triggers the remediation, unless somebody did so in this context. The key keeps two replicas apart that
/// speak at once.
async fn begin(engine: &Engine, problem: Problem, by: &Principal) -> Result<Outcome, Failure> {
    let Problem { scope, context, kind, data } = problem;
    let in_vain = match context {
        None => 0,
        Some(context) => match tried(engine, &scope, context).await? {
            Tried::Begun => return Ok(Outcome::of("repeated", context)),
            Tried::InVain(times) => times,
        },
    };
    if let Some(reason) = unremedied(engine, &scope).await? {
        return keep(engine, context, &data, reason, by).await;
    }
    let key = key(engine, by, context, &in_vain)?;
    let Ok(draft) = draft(&kind, context, &data) else { return Ok(Outcome::too_long(context)) };
    let Accepted { context, reply, .. } = engine.accept(draft, by, key).await?;
    Ok(match reply {
        None => Outcome::of("repeated", context),
        Some(Reply::Kept(reason)) => {
            tracing::warn!(sequence.context = %context, reason, "nothing remedies an alert");
            Outcome { reason: Some(reason), ..Outcome::of("kept", context) }
        }
        Some(_) => {
            tracing::info!(sequence.context = %context, "an alert begins a remediation");
            Outcome::of("begun", context)
        }
    })
}

/// Keeps a problem that nothing remedies, once for each reason. As it has begun nothing, whoever repeats it is
/// heard as for the first time.
async fn keep(
    engine: &Engine,
    context: Option<ContextId>,
    data: &Map<String, Value>,
    reason: String,
    by: &Principal,
) -> Result<Outcome, Failure> {
    let (kind, data) = alertmanager::left_open(data, &reason);
    let key = key(engine, by, context, &reason)?;
    let Ok(draft) = draft(&kind, context, &data) else { return Ok(Outcome::too_long(context)) };
    let Accepted { context, reply, .. } = engine.accept(draft, by, key).await?;
    if reply.is_some() {
        tracing::warn!(sequence.context = %context, reason, "nothing remedies an alert");
    }
    Ok(Outcome { reason: Some(reason), ..Outcome::of("kept", context) })
}

/// Names what is done once about a problem; none where each message is a problem of its own.
fn key(
    engine: &Engine,
    by: &Principal,
    context: Option<ContextId>,
    what: &dyn Display,
) -> Result<Option<IdempotencyRow>, Failure> {
    let name = |context| engine.once(by, format!("alert {context} {what}").as_bytes(), b"");
    context.map(name).transpose()
}

/// Keeps that the problem is over. What is under way goes on to its end, since half an action is worse than a
/// whole one; what only waits for its turn is taken back.
async fn end(
    engine: &Engine,
    scope: &Scope,
    context: ContextId,
    by: &Principal,
) -> Result<Outcome, Failure> {
    let begun = match newest(engine, scope, context, alertmanager::begins(scope)).await? {
        Some(begun) => Some(begun),
        None => newest(engine, scope, context, EventType::new(OPEN)).await?,
    };
    let Some(begun) = begun else { return Ok(Outcome::of("unknown", context)) };
    let (kind, data) = alertmanager::resolved(scope, &begun.data);
    if newest(engine, scope, context, kind.clone()).await?.is_some() {
        return Ok(Outcome::of("repeated", context));
    }
    if only_waits(engine, scope, context).await? {
        let project = scope.project.clone();
        match engine.control(Control::Abort, project, context, None, by).await {
            Ok(()) | Err(Failure::Refused(Refusal::NoProject(_))) => {}
            Err(failure) => return Err(failure),
        }
    }
    let key = engine.once(by, format!("alert over {context}").as_bytes(), b"")?;
    let draft = draft(&kind, Some(context), &data);
    let draft = draft.map_err(|error| Failure::Internal(error.to_string()))?;
    engine.accept(draft, by, Some(key)).await?;
    Ok(Outcome::of("over", context))
}

fn draft(
    kind: &EventType,
    context: Option<ContextId>,
    data: &Map<String, Value>,
) -> Result<Draft, DraftError> {
    Draft::from_value(
        json!({"type": kind, "source": SOURCE, "shkeptncontext": context, "data": data}),
    )
}
