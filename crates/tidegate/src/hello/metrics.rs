//! `/metrics` of the hello service, under the names that services of the kind show: requests, how long
//! they took, and what is under way.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::runtime::Handle;

/// OpenMetrics 1.0.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds, in seconds.
const BUCKETS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

type Labels = Vec<(&'static str, &'static str)>;

/// What is counted of the front page: nobody who looks at the metrics themselves is.
pub(super) struct Metrics {
    registry: Registry,
    seconds: Histogram,
    requests: Counter,
    tasks: Gauge<i64>,
}

impl Metrics {
    /// Everything is there from the start, so that the first request is an increase.
    pub(super) fn new() -> Self {
        let mut registry = Registry::default();
        let seconds: Family<Labels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let requests: Family<Labels, Counter<u64, AtomicU64>> = Family::default();
        let tasks = Gauge::default();
        registry.register_with_unit(
            "http_server_request_duration",
            "How long answers took",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("http_requests", "Requests that were answered", requests.clone());
        // There is no Go here. It is the name under which dashboards look for what is under way.
        registry.register("go_goroutines", "Tasks that are under way", tasks.clone());
        let page = vec![("method", "GET"), ("route", "/"), ("status_code", "200")];
        let seconds = seconds.get_or_create_owned(&page);
        let requests = requests.get_or_create_owned(&vec![("status", "success")]);
        Self { registry, seconds, requests, tasks }
    }

    /// The front page was answered.
    pub(super) fn answered(&self, within: Duration) {
        self.seconds.observe(within.as_secs_f64());
        self.requests.inc();
    }

    /// The text, within a runtime.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let tasks = Handle::current().metrics().num_alive_tasks();
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_front_page_is_counted_under_the_names_that_queries_use() {
        let metrics = Metrics::new();
        let page = "method=\"GET\",route=\"/\",status_code=\"200\"";
        let before = metrics.text().unwrap();
        for line in [
            &format!("http_server_request_duration_seconds_count{{{page}}} 0"),
            "http_requests_total{status=\"success\"} 0",
        ] {
            assert!(before.lines().any(|shown| shown == line), "{line}: {before}");
        }
        metrics.answered(Duration::from_millis(250));
        let after = metrics.text().unwrap();
        for line in [
            &format!("http_server_request_duration_seconds_sum{{{page}}} 0.25"),
            &format!("http_server_request_duration_seconds_count{{{page}}} 1"),
            "http_requests_total{status=\"success\"} 1",
        ] {
            assert!(after.lines().any(|shown| shown == line), "{line}: {after}");
        }
        assert!(after.lines().any(|line| line.starts_with("go_goroutines ")), "{after}");
    }
}
