//! The list of routes.

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{any, get, post};

use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::live::Streams;
use crate::pages::{
    abort, approval, bulk, conflict, create_project, environment, evaluation, event, inbox,
    integrations, log, login, me, moved, pause, projects, quality, rerun, search, sequence,
    sequences, service, trace, trigger,
};
use crate::state::BridgeState;
use crate::{assets, dress, headers, live, readable};

/// Longest form, in bytes: a comment of 4 KiB, encoded, and the rest.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Where the pages of Keptn's Bridge were when it had a host of its own.
const ROOTS: [&str; 9] = [
    "/dashboard",
    "/create/project",
    "/project/{*rest}",
    "/trace/{*rest}",
    "/evaluation/{*rest}",
    "/error",
    "/logoutsession",
    "/oauth/login",
    "/oauth/redirect",
];

#[derive(Clone)]
struct App {
    bridge: BridgeState,
    streams: Streams,
}

impl FromRef<App> for BridgeState {
    fn from_ref(app: &App) -> Self {
        app.bridge.clone()
    }
}

impl FromRef<App> for Streams {
    fn from_ref(app: &App) -> Self {
        app.streams.clone()
    }
}

/// The pages. All paths begin with `/bridge`; the router has no fallback, so that it can be merged.
pub fn router(state: BridgeState) -> Router {
    let routes = Router::new()
        .route("/bridge", get(moved::home))
        .route("/bridge/", get(moved::home))
        .route("/bridge/login", get(login::page).post(login::sign_in))
        .route("/bridge/logout", post(login::sign_out))
        .route("/bridge/me", get(me::page).post(me::change))
        .route("/bridge/inbox", get(inbox::page))
        .route("/bridge/approval/{id}", get(approval::page))
        .route("/bridge/approval/{id}/decision", post(approval::decide))
        .route("/bridge/approvals/decide", post(bulk::decide))
        .route("/bridge/approvals/decided", get(bulk::page))
        .route("/bridge/projects", get(projects::page))
        .route(
            "/bridge/create/project",
            get(create_project::page)
                .post(create_project::create)
                .layer(DefaultBodyLimit::max(create_project::FORM_BYTES_MAX)),
        )
        .route("/bridge/search", get(search::page))
        .route("/bridge/project/{project}", get(environment::page))
        .route("/bridge/project/{project}/environment/stage/{stage}", get(environment::stage))
        .route("/bridge/project/{project}/services", post(service::create))
        .route("/bridge/project/{project}/trigger", get(trigger::page).post(trigger::send))
        .route("/bridge/project/{project}/sequence", get(sequences::page))
        .route("/bridge/project/{project}/settings/uniform/integrations", get(integrations::page))
        .route("/bridge/project/{project}/quality", get(quality::all))
        .route("/bridge/project/{project}/quality/{service}", get(quality::service))
        .route("/bridge/project/{project}/quality/{service}/{stage}", get(quality::page))
        .route("/bridge/project/{project}/quality/{service}/{stage}/compare", get(quality::compare))
        .route(
            "/bridge/project/{project}/quality/{service}/{stage}/replay",
            get(quality::replay)
                .post(quality::replay_again)
                .layer(DefaultBodyLimit::max(quality::FORM_BYTES_MAX)),
        )
        .route("/bridge/project/{project}/upstream/conflict", post(conflict::settle))
        .route("/bridge/project/{project}/sequence/{context}", get(sequence::page))
        .route(
            "/bridge/project/{project}/sequence/{context}/abort",
            get(abort::page).post(abort::abort),
        )
        .route("/bridge/project/{project}/sequence/{context}/pause", post(pause::pause))
        .route("/bridge/project/{project}/sequence/{context}/resume", post(pause::resume))
        .route(
            "/bridge/project/{project}/sequence/{context}/rerun",
            get(rerun::page).post(rerun::rerun),
        )
        // Keptn's own addresses as well.
        .route("/bridge/evaluation/{context}", get(evaluation::whole))
        .route("/bridge/evaluation/{context}/{part}", get(evaluation::page))
        .route("/bridge/evaluation/{context}/{event}/ignore", post(evaluation::ignore))
        .route("/bridge/evaluation/{context}/{event}/restore", post(evaluation::restore))
        .route("/bridge/event/{event}", get(event::page))
        .route("/bridge/log/{event}", get(log::page))
        .route("/bridge/live", get(live::stream))
        .route("/bridge/assets/{name}", get(assets::serve))
        // Keptn's own addresses.
        .route("/bridge/dashboard", get(moved::projects))
        .route("/bridge/project/{project}/environment", get(moved::project))
        .route("/bridge/project/{project}/sequence/{context}/stage/{stage}", get(moved::stage))
        .route("/bridge/project/{project}/sequence/{context}/event/{event}", get(moved::event))
        .route("/bridge/project/{project}/service", get(moved::services))
        .route("/bridge/project/{project}/service/{service}", get(moved::service))
        .route(
            "/bridge/project/{project}/service/{service}/context/{context}",
            get(moved::deployment),
        )
        .route(
            "/bridge/project/{project}/service/{service}/context/{context}/stage/{stage}",
            get(moved::deployment_in),
        )
        .route("/bridge/trace/{context}", get(trace::whole))
        .route("/bridge/trace/{context}/{part}", get(trace::part))
        .route("/bridge/error", get(moved::error))
        .route("/bridge/logoutsession", get(moved::sign_in))
        .route("/bridge/oauth/login", get(moved::sign_in))
        .route("/bridge/oauth/redirect", get(moved::sign_in))
        .route("/bridge/{*rest}", any(moved::nowhere));
    // Installations that gave Keptn's Bridge a host of its own have its addresses without a prefix.
    let routes =
        ROOTS.iter().fold(routes, |routes, path| routes.route(path, get(moved::to_bridge)));
    #[cfg(any(test, debug_assertions))]
    let routes = routes
        .route("/bridge/dev/gallery", get(crate::pages::gallery::page))
        .route("/bridge/dev/failure", get(crate::pages::gallery::failure));
    routes
        .method_not_allowed_fallback(moved::method)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(readable::only))
        .layer(from_fn_with_state(state.clone(), dress::dress))
        .layer(map_response(headers::secure))
        // What a page shows beside the secret of its forms could tell the one from the length of the
        // other (BREACH), but no browser sends the session's cookie with the forms of another site.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(App { bridge: state, streams: Streams::default() })
}
