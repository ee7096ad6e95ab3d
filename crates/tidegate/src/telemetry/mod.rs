//! Traces by OpenTelemetry's protocol: one for each Keptn context, made from the log.
//!
//! Invariants: nothing of it is on the way of an event; a span is told after the entry that ended it is
//! committed; ids follow from those of events, so that a span that is told twice is the same span; how far
//! the log was told is kept in a file, and moves only after the collector has taken it.

mod cursor;
mod follow;
mod otlp;
mod spans;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Deserialize;
use tidegate_identity::Secret;

pub(crate) use follow::Telemetry;
pub(crate) use otlp::Target;

/// Where traces go below an endpoint of all signals.
const TRACES_PATH: &str = "v1/traces";

/// `[telemetry]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelemetryConfig {
    /// A collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`.
    otlp_endpoint: Option<String>,
    /// What it wants to be told with every request, such as `authorization`.
    headers: BTreeMap<String, Secret>,
    /// Whether events of ours carry `traceparent`; where traces are told unless it is set.
    traceparent: Option<bool>,
}

impl TelemetryConfig {
    pub(crate) fn holds_secrets(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Whether events of ours say where they stand in their trace.
    pub(crate) fn traceparent(&self, traces: bool) -> bool {
        self.traceparent.unwrap_or(traces)
    }

    /// Where traces go: the configuration, or OpenTelemetry's own variables; none where they go nowhere.
    pub(crate) fn target(&self) -> anyhow::Result<Option<Target>> {
        self.target_in(&|name| env::var(name).ok().filter(|text| !text.is_empty()))
    }

    fn target_in(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Option<Target>> {
        if variable("OTEL_SDK_DISABLED").is_some_and(|set| set.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let below = |text: &str| format!("{}/{TRACES_PATH}", text.trim_end_matches('/'));
        let (name, text) = if let Some(text) = &self.otlp_endpoint {
            ("[telemetry] otlp_endpoint", below(text))
        } else if let Some(text) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text)
        } else if let Some(text) = variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            ("OTEL_EXPORTER_OTLP_ENDPOINT", below(&text))
        } else {
            return Ok(None);
        };
        let url = Url::parse(&text).with_context(|| format!("{name} is no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("{name} must begin with http:// or https://: OTLP is spoken over HTTP");
        }
        let mut headers: Vec<(String, Secret)> =
            self.headers.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        // `key=value,key=value`
        for pair in variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default().split(',') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            headers.push((key.trim().to_owned(), Secret::new(value.trim())));
        }
        Target::new(url, &headers).map(Some)
    }
}
