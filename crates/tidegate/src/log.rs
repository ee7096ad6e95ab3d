//! Logs on standard error: for people on a terminal, as JSON where asked.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

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
