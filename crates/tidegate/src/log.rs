//! Logs on standard error: for people on a terminal, as JSON where asked.

use std::io::IsTerminal as _;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing::field::Empty;
use tracing_subscriber::EnvFilter;

/// Answers a request within a span, so that every line of the log that it causes says what it is about. Who
/// learns that fills the fields in.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route,
        project = Empty,
        sequence.context = Empty,
        event.r#type = Empty,
        event.id = Empty,
    );
    next.run(request).instrument(span).await
}

/// Starts logging. `TIDEGATE_LOG` filters (`info` when absent), `TIDEGATE_LOG_FORMAT=json` is for
/// machines.
pub(crate) fn start(default: &str) {
    let filter =
        EnvFilter::try_from_env("TIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // A second start in one process (tests) keeps the first.
    let started = if std::env::var("TIDEGATE_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
    drop(started);
}
