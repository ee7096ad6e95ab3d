use std::collections::BTreeMap;

use serde_json::json;
use tidegate_core::event::{Draft, SpanId, TraceId};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::sequence::Disposition;
use tidegate_store::LogRow;

use super::spans::{Span, Story};
use super::{Target, TelemetryConfig};

const CONTROLLER: &str = "shipyard-controller";

fn id(n: u64) -> EventId {
    EventId::from_bytes((u128::from(n) << 64 | 1 << 63 | u128::from(n)).to_be_bytes())
}

fn context() -> ContextId {
    ContextId::from_bytes([7; 16])
}

/// A log of one context: type, source and what is answered, by number; 0 answers nothing.
#[derive(Default)]
struct Log(Vec<LogRow>);

impl Log {
    fn add(&mut self, kind: &str, source: &str, answers: u64, more: &serde_json::Value) -> u64 {
        let n = self.0.len() as u64 + 1;
        let stage = if kind.contains("prod") || kind.contains("approval") { "prod" } else { "qa" };
        let mut body = json!({"type": format!("sh.keptn.event.{kind}"), "source": source,
            "data": {"project": "p", "stage": stage, "service": "s",
                "result": "pass", "status": "succeeded"}});
        if answers > 0 {
            body["triggeredid"] = json!(id(answers));
        }
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            body[key] = value;
        }
        let time = jiff::Timestamp::from_second(1_795_000_000 + n.cast_signed()).unwrap();
        let event = Draft::from_value(body).unwrap().into_event(id(n), time, context());
        let event = tidegate_core::event::Event { context: context(), ..event };
        self.0.push(LogRow { n, event, disposition: Disposition::Accepted, reason: None });
        n
    }

    fn plain(&mut self, kind: &str, answers: u64) -> u64 {
        self.add(kind, CONTROLLER, answers, &json!({}))
    }

    /// A task that somebody does, and its number.
    fn done(&mut self, task: &str) -> u64 {
        let n = self.plain(&format!("{task}.triggered"), 0);
        self.add(&format!("{task}.started"), "executor", n, &json!({}));
        self.add(&format!("{task}.finished"), "executor", n, &json!({}));
        n
    }

    /// What was told of it when entry `n` was the newest.
    fn told_at(&self, n: u64, under_way: bool) -> Vec<Span> {
        Story::of(&self.0[..usize::try_from(n).unwrap()], under_way).ended_by(n)
    }

    /// What is told of all of it now, by the number of the entry that ends each span.
    fn told(&self) -> BTreeMap<u64, Vec<String>> {
        let story = Story::of(&self.0, false);
        let names = |n| story.ended_by(n).into_iter().map(|span| span.name).collect();
        let all = self.0.iter().map(|row| (row.n, names(row.n)));
        all.filter(|(_, names): &(u64, Vec<String>)| !names.is_empty()).collect()
    }
}

/// Two stages, the second behind an approval.
fn delivery() -> Log {
    let mut log = Log::default();
    let qa = log.add("qa.delivery.triggered", "ci", 0, &json!({}));
    log.plain("qa.delivery.started", qa);
    log.done("deployment");
    log.plain("qa.delivery.finished", qa);
    let prod = log.plain("prod.delivery.triggered", 0);
    log.plain("prod.delivery.started", prod);
    log.done("approval");
    log.plain("prod.delivery.finished", prod);
    log
}

#[test]
fn each_span_is_told_once_with_the_entry_that_ends_it() {
    let told = delivery().told();
    let want = [
        (5, vec!["deployment"]),
        (6, vec!["qa.delivery"]),
        (11, vec!["approval"]),
        (12, vec!["prod.delivery", "delivery"]),
    ];
    let want = want.map(|(n, names)| (n, names.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(told.into_iter().collect::<Vec<_>>(), want);
}

#[test]
fn the_same_log_gives_the_same_spans_whenever_it_is_read() {
    let log = delivery();
    let newest = log.0.len() as u64;
    for n in 1..=newest {
        // As it was told at the time, and again after a crash.
        let at_the_time = log.told_at(n, n < newest);
        assert_eq!(at_the_time, Story::of(&log.0, false).ended_by(n), "entry {n}");
    }
}

#[test]
fn spans_stand_below_what_they_are_a_part_of() {
    let log = delivery();
    let spans: Vec<Span> = (1..=12).flat_map(|n| Story::of(&log.0, false).ended_by(n)).collect();
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let root = of("delivery");
    assert_eq!((root.parent, root.id), (None, SpanId::of_all(id(1))));
    for stage in ["qa.delivery", "prod.delivery"] {
        assert_eq!(of(stage).parent, Some(root.id), "{stage}");
    }
    assert_eq!(of("deployment").parent, Some(of("qa.delivery").id));
    assert_eq!(of("approval").parent, Some(of("prod.delivery").id));
    assert!(spans.iter().all(|span| span.trace == TraceId::of(context()) && span.error.is_none()));
    assert_eq!((root.begun, root.ended), (log.0[0].event.time, log.0[11].event.time));
    assert_eq!(of("deployment").attributes["keptn.executor"], "executor");
}

#[test]
fn two_executors_make_one_span_that_ends_with_the_last() {
    let mut log = Log::default();
    let qa = log.add("qa.delivery.triggered", "ci", 0, &json!({}));
    let task = log.plain("test.triggered", 0);
    log.add("test.started", "one", task, &json!({}));
    log.add("test.started", "two", task, &json!({}));
    log.add("test.finished", "one", task, &json!({}));
    let last = log.add("test.finished", "two", task, &json!({}));
    log.plain("qa.delivery.finished", qa);
    let told = log.told();
    assert_eq!(told[&last], ["test"]);
    assert_eq!(told.values().flatten().filter(|name| *name == "test").count(), 1);
    let span = &Story::of(&log.0, false).ended_by(last)[0];
    assert_eq!(span.attributes["keptn.executor"], "one two");
}

#[test]
fn what_is_aborted_ends_with_its_sequence_as_an_error() {
    let mut log = Log::default();
    let qa = log.add("qa.delivery.triggered", "ci", 0, &json!({}));
    let task = log.plain("deployment.triggered", 0);
    log.add("deployment.started", "executor", task, &json!({}));
    let aborted = json!({"data": {"project": "p", "stage": "qa", "service": "s",
        "result": "pass", "status": "aborted", "message": "aborted by ada"}});
    let end = log.add("qa.delivery.finished", CONTROLLER, qa, &aborted);
    let spans = Story::of(&log.0, false).ended_by(end);
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["deployment", "qa.delivery", "delivery"]);
    assert!(spans.iter().all(|span| span.error.is_some()), "{spans:?}");
    assert_eq!(spans[1].error.as_deref(), Some("aborted by ada"));
}

#[test]
fn a_context_that_is_triggered_again_later_has_another_root() {
    let mut log = delivery();
    let again = log.add("qa.delivery.triggered", "ci", 0, &json!({}));
    let end = log.plain("qa.delivery.finished", again);
    let told = log.told();
    assert_eq!(told[&12], ["prod.delivery", "delivery"], "the first one stays as it was");
    assert_eq!(told[&end], ["qa.delivery", "delivery"]);
    let second = Story::of(&log.0, false).ended_by(end).pop().unwrap();
    assert_eq!(second.id, SpanId::of_all(id(again)));
}

#[test]
fn what_somebody_else_traces_is_linked() {
    let mut log = Log::default();
    let theirs = "00-11111111111111111111111111111111-2222222222222222-01";
    let qa = log.add("qa.delivery.triggered", "ci", 0, &json!({"traceparent": theirs}));
    let end = log.plain("qa.delivery.finished", qa);
    let root = Story::of(&log.0, false).ended_by(end).pop().unwrap();
    assert_eq!(root.links.iter().map(ToString::to_string).collect::<Vec<_>>(), [theirs]);
}

fn target(config: &str, variables: &[(&str, &str)]) -> anyhow::Result<Option<String>> {
    let config: TelemetryConfig = toml::from_str(config)?;
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Ok(config.target_in(&variable)?.as_ref().map(Target::shown))
}

#[test]
fn the_configuration_wins_over_the_variables_and_nothing_is_told_without_either() {
    let both = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318/");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/here");
    let set = "otlp_endpoint = \"http://set:4318\"";
    let shown = |config, variables: &[(&str, &str)]| target(config, variables).unwrap();
    assert_eq!(shown("", &[]), None);
    assert_eq!(shown("", &[both]).as_deref(), Some("http://all:4318/v1/traces"));
    assert_eq!(shown("", &[both, traces]).as_deref(), Some("http://traces:4318/here"));
    assert_eq!(shown(set, &[both, traces]).as_deref(), Some("http://set:4318/v1/traces"));
    assert_eq!(shown(set, &[("OTEL_SDK_DISABLED", "true")]), None);
    for wrong in ["otlp_endpoint = \"collector\"", "otlp_endpoint = \"grpc://x:4317\""] {
        assert!(target(wrong, &[]).is_err(), "{wrong}");
    }
    let secret = "otlp_endpoint = \"http://x\"\nheaders = {authorization = \"hunter2\\n\"}";
    let error = target(secret, &[]).unwrap_err();
    assert!(!format!("{error:#} {error:?}").contains("hunter2"), "{error:#}");
}
