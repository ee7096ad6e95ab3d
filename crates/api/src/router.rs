//! The complete list of routes.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, delete, get, post, put};

use crate::routes::{
    alertmanager, approval, auth, datastore, document, evaluate, evaluation, event, event_entry,
    gateway, git, health, integration, live, metadata, open_event, project, resource, sequence,
    sequence_execution, sequence_view, service, sign_in_link, stage, token, upstream,
};
use crate::state::ApiState;
use crate::{auth as layer, body};

/// Everything under `/api`, and the few routes beside it. Serve it with connect info: wrong tokens
/// are counted by peer address.
pub fn router(state: ApiState) -> Router {
    open()
        .merge(auth().route_layer(from_fn_with_state(state.clone(), layer::auth_route)))
        .merge(api_service().route_layer(from_fn_with_state(state.clone(), layer::api_service)))
        .merge(webhooks().route_layer(from_fn_with_state(state.clone(), layer::webhook)))
        .merge(registry().route_layer(from_fn_with_state(state.clone(), layer::registry)))
        .merge(guarded().route_layer(from_fn_with_state(state.clone(), layer::gateway)))
        .layer(from_fn(body::limit))
        .merge(git().route_layer(from_fn_with_state(state.clone(), layer::git)))
        .method_not_allowed_fallback(gateway::method)
        .with_state(state)
}

/// Without a token.
fn open() -> Router<ApiState> {
    Router::new()
        .route("/", get(gateway::to_bridge))
        .route("/nginx-health", get(gateway::nginx_health))
        .route("/health", get(health::alive))
        .route("/ready", get(health::ready))
        .route("/api", get(gateway::to_page))
        .route("/api/openapi.json", get(document::json))
        .route("/api/swagger-ui", get(gateway::to_page_below))
        .route("/api/swagger-ui/", get(document::page))
        .route("/api/swagger-ui/index.html", get(document::page_by_name))
        .route("/api/{*path}", any(gateway::unknown))
}

fn auth() -> Router<ApiState> {
    Router::new().route("/api/v1/auth", get(auth::check_by_get).post(auth::check))
}

/// What Keptn's api-service answers.
fn api_service() -> Router<ApiState> {
    Router::new()
        .route("/api/v1/metadata", get(metadata::get))
        .route("/api/v1/event", post(event::send))
}

/// What other programs announce.
fn webhooks() -> Router<ApiState> {
    Router::new().route("/api/tidegate/v1/alertmanager", post(alertmanager::receive))
}

/// Clones and pushes, which have limits of their own.
fn git() -> Router<ApiState> {
    Router::new()
        .route("/git/{repository}/info/refs", get(git::refs))
        .route("/git/{repository}/git-upload-pack", post(git::upload))
        .route("/git/{repository}/git-receive-pack", post(git::receive))
        .layer(DefaultBodyLimit::disable())
}

/// What integrations say of themselves: also those whose token only answers tasks.
#[rustfmt::skip]
fn registry() -> Router<ApiState> {
    Router::new()
        .route("/api/controlPlane/v1/uniform/registration", get(integration::list).post(integration::register))
        .route("/api/controlPlane/v1/uniform/registration/{id}", delete(integration::unregister))
        .route("/api/controlPlane/v1/uniform/registration/{id}/ping", put(integration::ping))
        .route("/api/controlPlane/v1/uniform/registration/{id}/subscription", get(integration::subscriptions).post(integration::subscribe))
        .route("/api/controlPlane/v1/uniform/registration/{id}/subscription/{subscription}", get(integration::subscription).put(integration::resubscribe).delete(integration::unsubscribe))
}

/// What Keptn's gateway guards, and Tidegate's own routes.
#[rustfmt::skip]
fn guarded() -> Router<ApiState> {
    Router::new()
        .route("/api/controlPlane/health", get(health::control_plane))
        .route("/api/controlPlane/v1/project", get(project::list).post(project::create).put(project::update))
        .route("/api/controlPlane/v1/project/{project}", get(project::get).delete(project::delete))
        .route("/api/controlPlane/v1/project/{project}/service", post(service::create))
        .route("/api/controlPlane/v1/project/{project}/service/{service}", delete(service::delete))
        .route("/api/controlPlane/v1/project/{project}/stage", get(stage::list))
        .route("/api/controlPlane/v1/project/{project}/stage/{stage}", get(stage::get))
        .route("/api/controlPlane/v1/project/{project}/stage/{stage}/service", get(service::list))
        .route("/api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}", get(service::get))
        .route("/api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}/evaluation", post(evaluate::trigger))
        .route("/api/controlPlane/v1/event/triggered/{type}", get(open_event::list))
        .route("/api/controlPlane/v1/sequence/{project}", get(sequence::list))
        .route("/api/controlPlane/v1/sequence/{project}/{context}/control", post(sequence::control))
        .route("/api/controlPlane/v1/sequence-execution", get(sequence_execution::list))
        .route("/api/mongodb-datastore/event", get(datastore::events))
        .route("/api/mongodb-datastore/event/type/{type}", get(datastore::events_of_type))
        .route("/api/resource-service/health", get(health::resource_service))
        .route("/api/resource-service/v1/{*path}", any(resource::serve))
        .route("/api/tidegate/v1/approvals", get(approval::list))
        .route("/api/tidegate/v1/approvals/{id}", get(approval::get))
        .route("/api/tidegate/v1/approvals/{id}/decision", post(approval::decide))
        .route("/api/tidegate/v1/events/{id}", get(event_entry::get))
        .route("/api/tidegate/v1/live", get(live::stream))
        .route("/api/tidegate/v1/project/{project}/upstream", get(upstream::get))
        .route("/api/tidegate/v1/project/{project}/upstream/sync", post(upstream::sync))
        .route("/api/tidegate/v1/project/{project}/upstream/conflict", delete(upstream::drop_conflict))
        .route("/api/tidegate/v1/projects/{project}/stages/{stage}/services/{service}/evaluations", get(evaluation::list))
        .route("/api/tidegate/v1/sequences", get(sequence_view::list))
        .route("/api/tidegate/v1/sequences/{context}", get(sequence_view::get))
        .route("/api/tidegate/v1/sign-in-links", post(sign_in_link::create))
        .route("/api/tidegate/v1/tokens", get(token::list).post(token::create))
        .route("/api/tidegate/v1/tokens/{name}", delete(token::revoke))
}
