//! What is asked over HTTP, by route as the program knows it: never by what somebody has typed.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tidegate_engine::{LabelText, OTHER, SHORT_SECONDS};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: LabelText,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    method: &'static str,
    route: LabelText,
    status: &'static str,
}

/// Counters of the HTTP surface. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct HttpMetrics {
    requests: Family<AnswerLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    streams: Gauge,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SHORT_SECONDS)),
            streams: Gauge::default(),
        }
    }
}

impl HttpMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests that were answered, by route and class of status",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request",
            "How long it took until an answer began",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "http_streams",
            "Streams of events that are open, such as those of pages",
            self.streams.clone(),
        );
    }
}

/// Counts a request when its answer begins.
pub(super) async fn count(
    State(metrics): State<HttpMetrics>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let matched = request.extensions().get::<MatchedPath>();
    let route: LabelText = matched.map_or(OTHER, MatchedPath::as_str).into();
    let method = word(request.method());
    let response = next.run(request).await;
    let labels = RouteLabels { method, route: route.clone() };
    metrics.seconds.get_or_create(&labels).observe(begun.elapsed().as_secs_f64());
    let status = match response.status().as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    metrics.requests.get_or_create(&AnswerLabels { method, route, status }).inc();
    match is_stream(response.headers()) {
        true => watched(response, &metrics.streams),
        false => response,
    }
}

/// A method that nobody answers is not told apart: anybody can make one up.
fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => OTHER,
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// Counts a stream for as long as somebody reads it.
fn watched(response: Response, streams: &Gauge) -> Response {
    let held = Held(streams.clone());
    held.0.inc();
    response.map(move |body| {
        let parts = body.into_data_stream().map(move |part| {
            let _held = &held;
            part
        });
        Body::from_stream(parts)
    })
}

struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}
