//! OpenTelemetry's protocol over HTTP, as protobuf.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Status};
use prost::Message as _;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use tidegate_identity::Secret;

use super::spans::Span;

/// How long a collector may take.
const TIME_MAX: Duration = Duration::from_secs(10);

/// A collector.
#[derive(Clone)]
pub(crate) struct Target {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

/// Why spans were not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The same may be taken later.
    Later(String),
    /// It is never taken.
    Never(String),
}

impl Target {
    pub(super) fn new(url: Url, headers: &[(String, Secret)]) -> anyhow::Result<Self> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let shown = || format!("[telemetry] header {name:?}");
            let name: HeaderName = name.parse().with_context(shown)?;
            let mut value: HeaderValue = value.expose().parse().with_context(shown)?;
            value.set_sensitive(true);
            map.append(name, value);
        }
        tidegate_client::init();
        let mut http = reqwest::Client::builder().timeout(TIME_MAX);
        if url.scheme() == "http" {
            // Nothing to verify: a machine without certificates can still tell.
            http = http.tls_certs_only([]);
        }
        let http = http.build().context("cannot make a client for [telemetry] otlp_endpoint")?;
        Ok(Self { http, url, headers: map })
    }

    /// Where it is, without what it is asked with.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }

    /// Tells it of spans. The protocol says which answers are worth another try.
    pub(super) async fn tell(&self, spans: &[Span]) -> Result<(), Refused> {
        let request = self
            .http
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header("content-type", "application/x-protobuf")
            .body(request(spans).encode_to_vec());
        let answer = match request.send().await {
            Ok(answer) => answer.status(),
            Err(error) => return Err(Refused::Later(error.without_url().to_string())),
        };
        judge(answer)
    }
}

fn judge(status: StatusCode) -> Result<(), Refused> {
    let why = || format!("it answers {status}");
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Err(Refused::Later(why())),
        _ => Err(Refused::Never(why())),
    }
}

fn request(spans: &[Span]) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope {
        name: "tidegate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let service = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "tidegate".to_owned());
    let resource = Resource {
        attributes: vec![
            text("service.name", &service),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ],
        ..Resource::default()
    };
    let spans = spans.iter().map(encoded).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

fn encoded(span: &Span) -> opentelemetry_proto::tonic::trace::v1::Span {
    let link = |link: &tidegate_core::event::TraceParent| Link {
        trace_id: link.trace.bytes().to_vec(),
        span_id: link.span.bytes().to_vec(),
        ..Link::default()
    };
    let status = match &span.error {
        Some(message) => Status { message: message.clone(), code: SpanStatus::Error.into() },
        None => Status { message: String::new(), code: SpanStatus::Ok.into() },
    };
    opentelemetry_proto::tonic::trace::v1::Span {
        trace_id: span.trace.bytes().to_vec(),
        span_id: span.id.bytes().to_vec(),
        parent_span_id: span.parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        name: span.name.clone(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanoseconds(span.begun),
        end_time_unix_nano: nanoseconds(span.ended),
        attributes: span.attributes.iter().map(|(key, value)| text(key, value)).collect(),
        links: span.links.iter().map(link).collect(),
        status: Some(status),
        ..Default::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Since 1970; nothing was before.
fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_protocol_calls_retryable_is_told_again() {
        let judged = |code: u16| judge(StatusCode::from_u16(code).unwrap());
        assert_eq!((judged(200), judged(202)), (Ok(()), Ok(())));
        for code in [429, 502, 503, 504] {
            assert!(matches!(judged(code), Err(Refused::Later(_))), "{code}");
        }
        for code in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(judged(code), Err(Refused::Never(_))), "{code}");
        }
    }
}
