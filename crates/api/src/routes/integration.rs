//! `/api/controlPlane/v1/uniform/registration`: programs of one's own that work on events, as Keptn's clients
//! register them. They do so at their start, and say every few seconds that they are still there.

mod wire;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tidegate_core::names::TaskName;
use tidegate_core::principal::Principal;
use tidegate_core::uniform::{
    Command, INTEGRATIONS_MAX, IntegrationId, Outcome, Record, Registration, Sent, Subscription,
};

use crate::auth::{Answers, Caller};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::openapi::answers::{Body, Changes, Error, Guarded, Parsed};
use crate::path::Path;
use crate::query::Query;
use crate::state::ApiState;

/// Lists the integrations that are registered
///
/// All that match are in the answer: there are no pages. A filter by project, stage or service finds those that
/// name it in a subscription, and not those that want all.
#[utoipa::path(get, path = "/api/controlPlane/v1/uniform/registration",
    operation_id = "listIntegrations", tag = "Integrations", params(wire::Filters),
    responses(Guarded,
        (status = 200, description = "The integrations.", body = Vec<wire::Integration>),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Vec<Value>>, ApiError> {
    let known = state.engine.integrations().await?;
    let listed = known.iter().filter(|record| is_listed(record, &query));
    Ok(Json(listed.map(Record::to_value).collect()))
}

fn is_listed(record: &Record, query: &Query) -> bool {
    let is = |key: &str, value: &str| query.text(key).is_none_or(|wanted| wanted == value);
    let named = |key: &str, of: fn(&Subscription) -> &Vec<String>| {
        query.text(key).is_none_or(|wanted| {
            record.subscriptions.iter().any(|one| of(one).iter().any(|name| name == wanted))
        })
    };
    is("id", record.id.as_str())
        && is("name", &record.name)
        && is("namespace", record.namespace())
        && is("hostname", &record.metadata.hostname)
        && named("project", |one| &one.filter.projects)
        && named("stage", |one| &one.filter.stages)
        && named("service", |one| &one.filter.services)
}

/// Registers an integration
///
/// One is known by name and namespace. Where it is known, what it subscribes to stays, and what it sends of that
/// counts only where nothing is there.
#[utoipa::path(post, path = "/api/controlPlane/v1/uniform/registration",
    operation_id = "registerIntegration", tag = "Integrations",
    request_body = wire::NewIntegration,
    responses(Guarded, Body, Changes,
        (status = 200, description = "It was known.", body = wire::Given),
        (status = 201, description = "It is known from now on.", body = wire::Given),
        (status = 409, description = "There are too many.", body = Error),
    ))]
pub(crate) async fn register(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    JsonBody(sent): JsonBody<Sent>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let registration = Registration::try_from(sent);
    let registration = registration.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let command = Command::Register(Box::new(registration));
    match change(&state, command, tasks, &by).await? {
        Outcome::Registered(record) => {
            let (integration, namespace) = (&*record.name, record.namespace());
            tracing::info!(integration, namespace, %by, "an integration was registered");
            Ok((StatusCode::CREATED, given(record.id.as_str())))
        }
        Outcome::Seen(record) => Ok((StatusCode::OK, given(record.id.as_str()))),
        other => Err(refused(other)),
    }
}

/// Removes an integration; one that is not there is as good as removed
#[utoipa::path(delete, path = "/api/controlPlane/v1/uniform/registration/{id}",
    operation_id = "unregisterIntegration", tag = "Integrations", params(wire::IdPath),
    responses(Guarded, Parsed, Changes,
        (status = 200, description = "It is not there any more.", body = wire::Nothing),
    ))]
pub(crate) async fn unregister(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let Some(id) = IntegrationId::parse(&id) else { return Ok(nothing()) };
    match change(&state, Command::Unregister(id), tasks, &by).await? {
        Outcome::Unregistered(_) => Ok(nothing()),
        other => Err(refused(other)),
    }
}

/// Says that an integration is still there
///
/// Clients of Keptn do so every 5 to 10 seconds, and learn from the answer what they are subscribed to.
#[utoipa::path(put, path = "/api/controlPlane/v1/uniform/registration/{id}/ping",
    operation_id = "pingIntegration", tag = "Integrations", params(wire::IdPath),
    responses(Guarded, Parsed, Changes,
        (status = 200, description = "The integration.", body = wire::Integration),
        (status = 404, description = "There is no such integration.", body = Error),
    ))]
pub(crate) async fn ping(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    match state.engine.hear_of(parse(&id)?, tasks.as_deref(), &by).await? {
        Outcome::Seen(record) => Ok(Json(record.to_value())),
        other => Err(refused(other)),
    }
}

/// Lists what an integration is subscribed to
#[utoipa::path(get, path = "/api/controlPlane/v1/uniform/registration/{id}/subscription",
    operation_id = "listSubscriptions", tag = "Integrations", params(wire::IdPath),
    responses(Guarded, Parsed,
        (status = 200, description = "The subscriptions; null where there are none.",
            body = Option<Vec<wire::Subscription>>),
        (status = 404, description = "There is no such integration.", body = Error),
    ))]
pub(crate) async fn subscriptions(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(find(&state, &id).await?.subscriptions_value()))
}

/// Gives one subscription of an integration
#[utoipa::path(get, path = "/api/controlPlane/v1/uniform/registration/{id}/subscription/{subscription}",
    operation_id = "getSubscription", tag = "Integrations", params(wire::SubscriptionPath),
    responses(Guarded, Parsed,
        (status = 200, description = "The subscription.", body = wire::Subscription),
        (status = 404, description = "There is no such integration, or no such subscription.",
            body = Error),
    ))]
pub(crate) async fn subscription(
    State(state): State<ApiState>,
    Path((id, subscription)): Path<(String, String)>,
) -> Result<Json<Subscription>, ApiError> {
    let record = find(&state, &id).await?;
    let found = record.subscriptions.into_iter().find(|one| one.id == subscription);
    found.map(Json).ok_or_else(|| ApiError::not_found("subscription not found"))
}

/// Subscribes an integration to further events
#[utoipa::path(post, path = "/api/controlPlane/v1/uniform/registration/{id}/subscription",
    operation_id = "createSubscription", tag = "Integrations", params(wire::IdPath),
    request_body = wire::NewSubscription,
    responses(Guarded, Body, Changes,
        (status = 201, description = "It is subscribed.", body = wire::GivenSubscription),
        (status = 404, description = "There is no such integration.", body = Error),
    ))]
pub(crate) async fn subscribe(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Subscription>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    // Keptn 1.4 gives it an id of its own, whatever it comes with.
    let wanted = Subscription { id: String::new(), ..wanted };
    put(&state, &id, wanted, tasks, &by).await
}

/// Replaces a subscription of an integration; makes it where it is not there
#[utoipa::path(put, path = "/api/controlPlane/v1/uniform/registration/{id}/subscription/{subscription}",
    operation_id = "updateSubscription", tag = "Integrations", params(wire::SubscriptionPath),
    request_body = wire::NewSubscription,
    responses(Guarded, Body, Changes,
        (status = 201, description = "It is subscribed.", body = wire::GivenSubscription),
        (status = 404, description = "There is no such integration.", body = Error),
    ))]
pub(crate) async fn resubscribe(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path((id, subscription)): Path<(String, String)>,
    JsonBody(wanted): JsonBody<Subscription>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    put(&state, &id, Subscription { id: subscription, ..wanted }, tasks, &by).await
}

/// Removes a subscription of an integration; one that is not there is as good as removed
#[utoipa::path(delete, path = "/api/controlPlane/v1/uniform/registration/{id}/subscription/{subscription}",
    operation_id = "deleteSubscription", tag = "Integrations", params(wire::SubscriptionPath),
    responses(Guarded, Parsed, Changes,
        (status = 200, description = "It is not there any more.", body = wire::Nothing),
        (status = 404, description = "There is no such integration.", body = Error),
    ))]
pub(crate) async fn unsubscribe(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Answers(tasks): Answers,
    Path((id, subscription)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    match change(&state, Command::Unsubscribe(parse(&id)?, subscription), tasks, &by).await? {
        Outcome::Unsubscribed(_) => Ok(nothing()),
        other => Err(refused(other)),
    }
}

async fn put(
    state: &ApiState,
    id: &str,
    wanted: Subscription,
    tasks: Option<Arc<[TaskName]>>,
    by: &Principal,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    match change(state, Command::Subscribe(parse(id)?, wanted), tasks, by).await? {
        Outcome::Subscribed(_, subscription) => Ok((StatusCode::CREATED, given(&subscription))),
        other => Err(refused(other)),
    }
}

async fn change(
    state: &ApiState,
    command: Command,
    tasks: Option<Arc<[TaskName]>>,
    by: &Principal,
) -> Result<Outcome, ApiError> {
    Ok(state.engine.change_integrations(command, tasks.as_deref(), by).await?)
}

async fn find(state: &ApiState, id: &str) -> Result<Record, ApiError> {
    state.engine.integration(&parse(id)?).await?.ok_or_else(missing)
}

fn parse(id: &str) -> Result<IntegrationId, ApiError> {
    IntegrationId::parse(id).ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::not_found("uniform integration not found")
}

fn given(id: &str) -> Json<Value> {
    Json(json!({"id": id}))
}

fn nothing() -> Json<Value> {
    Json(json!({}))
}

fn refused(outcome: Outcome) -> ApiError {
    match outcome {
        Outcome::NoIntegration => missing(),
        Outcome::NotYours => {
            let message = "somebody else has registered this integration, and this token answers tasks only; \
                           use the token that registered it, or one that may do everything";
            ApiError::new(StatusCode::FORBIDDEN, message)
        }
        Outcome::Full => ApiError::conflict(format!(
            "there are {INTEGRATIONS_MAX} integrations; remove those that are not there any more"
        )),
        Outcome::Refused(error) => ApiError::bad_request(error.to_string()),
        Outcome::Registered(_)
        | Outcome::Seen(_)
        | Outcome::Unregistered(_)
        | Outcome::Subscribed(..)
        | Outcome::Unsubscribed(_)
        | Outcome::Swept => ApiError::internal(&"a command for integrations answers as another"),
    }
}
