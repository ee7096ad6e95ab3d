//! `GET /metrics`: what a server counts, as OpenMetrics text, for whoever watches it. It needs no token,
//! so nothing secret is in it, and no label that anybody can make up without bound.

mod census;
mod http;
mod process;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tidegate_engine::{Engine, Metrics};
use tidegate_integrations::jobs::JobMetrics;
use tidegate_store::sqlite::SqliteReaders;
use tokio::sync::Mutex;

use self::http::HttpMetrics;

/// OpenMetrics 1.0.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long an answer is given again: whoever asks without end costs no more than two readings a second.
const KEPT_FOR: Duration = Duration::from_millis(500);
/// What every name but those of the process begins with.
const PREFIX: &str = "tidegate";

/// `[metrics]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MetricsConfig {
    /// Whether `/metrics` is there.
    pub(crate) enabled: bool,
    /// How many pairs of project and stage are told apart.
    pub(crate) places_max: usize,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { enabled: true, places_max: 500 }
    }
}

impl MetricsConfig {
    /// The counters of the loop.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::new(Metrics::new(self.places_max))
    }
}

/// What is shown, and where it is read.
pub(crate) struct Exposition {
    /// What is counted as it happens, under our prefix.
    counted: Registry,
    /// What every program shows, under its own names.
    process: Registry,
    engine: Engine,
    jobs: JobMetrics,
    data: PathBuf,
    http: HttpMetrics,
    kept: Mutex<Option<(Instant, Arc<str>)>>,
}

impl Exposition {
    /// Everything that a server counts.
    pub(crate) fn new(
        engine: Engine,
        store: &SqliteReaders,
        jobs: &JobMetrics,
        data: PathBuf,
    ) -> Self {
        let mut counted = Registry::with_prefix(PREFIX);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        counted.register("build", "The version that runs", Info::new(version));
        engine.metrics().register(&mut counted);
        store.register(&mut counted);
        jobs.register(&mut counted);
        let http = HttpMetrics::default();
        http.register(&mut counted);
        let mut process = Registry::default();
        process::register(&mut process);
        let (jobs, kept) = (jobs.clone(), Mutex::default());
        Self { counted, process, engine, jobs, data, http, kept }
    }

    async fn text(&self) -> Result<Arc<str>, std::fmt::Error> {
        let mut kept = self.kept.lock().await;
        if let Some((at, text)) = &*kept
            && at.elapsed() < KEPT_FOR
        {
            return Ok(Arc::clone(text));
        }
        let mut waiting = Registry::with_prefix(PREFIX);
        let (jobs, data) = (self.jobs.working(), self.data.clone());
        census::register(&mut waiting, &self.engine, jobs, data).await;
        let mut text = String::new();
        for registry in [&self.counted, &waiting, &self.process] {
            encode_registry(&mut text, registry)?;
        }
        encode_eof(&mut text)?;
        let text: Arc<str> = text.into();
        *kept = Some((Instant::now(), Arc::clone(&text)));
        Ok(text)
    }
}

async fn show(State(exposition): State<Arc<Exposition>>) -> Response {
    match exposition.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text.to_string()).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Adds the route, and counts what is asked of all of them.
pub(crate) fn watch(app: Router, exposition: Exposition) -> Router {
    let http = exposition.http.clone();
    let route = Router::new().route("/metrics", get(show)).with_state(Arc::new(exposition));
    app.merge(route).layer(from_fn_with_state(http, http::count))
}
