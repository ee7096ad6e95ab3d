//! The summary of a run of k6, as `--summary-export` writes it, or `handleSummary` where it returns
//! `JSON.stringify(data)`. Selectors are `metric.statistic`, with the names of the file:
//! `http_req_duration.p(95)`, `http_req_duration{expected_response:true}.avg`, `http_reqs.count`,
//! `checks.passes`. The share of a rate is its `rate` in both kinds of file, although the export calls it
//! `value`.
//!
//! Times are in milliseconds. Which percentiles there are, k6's option `summaryTrendStats` says.

use serde_json::{Map, Value};

use super::json;
use super::problem::{Problem, choice};

const KINDS: &str = "write it by `k6 run --summary-export`, or by handleSummary with \
                     JSON.stringify(data)";

/// The shape of a selector; which metrics there are is said by the file.
pub(super) fn check(selector: &str) -> Result<(), String> {
    match selector.rsplit_once('.') {
        Some((metric, statistic)) if !metric.is_empty() && !statistic.is_empty() => Ok(()),
        _ => Err(format!(
            "{selector:?} is not metric.statistic, such as http_req_duration.p(95) or http_reqs.rate"
        )),
    }
}

pub(super) fn read(selector: &str, bytes: &[u8]) -> Result<f64, Problem> {
    let file = json::parse(bytes)?;
    let Some(Value::Object(metrics)) = file.get("metrics") else {
        return Err(Problem::new(format!("the file has no `metrics`: {KINDS}")));
    };
    let (metric, statistic) = split(selector, metrics)?;
    let statistics = statistics(&metrics[metric])
        .ok_or_else(|| Problem::new(format!("metric {metric} is no mapping: {KINDS}")))?;
    let value = statistics.get(statistic).or_else(|| share(statistic, statistics));
    let Some(value) = value else {
        let known = statistics.iter().filter(|(_, value)| value.is_number());
        let known = choice(known.map(|(name, _)| name.as_str()));
        return Err(Problem::new(format!(
            "metric {metric} has no statistic {statistic:?}, it has: {known}; k6's summaryTrendStats \
             says which percentiles are written"
        )));
    };
    json::number(value)
        .map_err(|problem| Problem::new(format!("{metric}.{statistic}: {}", problem.reason)))
}

/// Names of metrics and statistics may both hold dots, so the file decides: the longest metric there is.
fn split<'s>(
    selector: &'s str,
    metrics: &Map<String, Value>,
) -> Result<(&'s str, &'s str), Problem> {
    let dots = selector.rmatch_indices('.').map(|(at, _)| (&selector[..at], &selector[at + 1..]));
    dots.into_iter().find(|(metric, _)| metrics.contains_key(*metric)).ok_or_else(|| {
        let known = choice(metrics.keys().map(String::as_str));
        Problem::new(format!("no metric of the file begins {selector:?}; its metrics are: {known}"))
    })
}

/// `handleSummary` puts the numbers one level deeper.
fn statistics(metric: &Value) -> Option<&Map<String, Value>> {
    metric.get("values").unwrap_or(metric).as_object()
}

/// The export calls the share of a rate `value`; a rate is what has passes and fails.
fn share<'v>(statistic: &str, statistics: &'v Map<String, Value>) -> Option<&'v Value> {
    let rate = statistic == "rate" && statistics.contains_key("passes");
    statistics.get("value").filter(|_| rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `k6 run --summary-export` writes it.
    const EXPORT: &str = r#"{
        "metrics": {
            "http_req_duration": {"avg": 12.5, "min": 1.2, "med": 10, "max": 99.25, "p(90)": 31.5,
                "p(95)": 42.125, "p(99.9)": 98, "thresholds": {"p(95)<50": false}},
            "http_req_duration{expected_response:true}": {"avg": 11.5, "p(95)": 41},
            "http_req_duration{url:http://a.b/c}": {"avg": 7},
            "http_reqs": {"count": 250, "rate": 24.87},
            "http_req_failed": {"passes": 5, "fails": 245, "value": 0.02},
            "vus": {"value": 1, "min": 1, "max": 8}
        },
        "root_group": {"name": "", "checks": {}}
    }"#;

    /// As `handleSummary` gets it.
    const HANDLED: &str = r#"{
        "root_group": {"checks": []}, "options": {}, "state": {"testRunDurationMs": 10050.3},
        "metrics": {
            "http_req_duration": {"type": "trend", "contains": "time",
                "values": {"avg": 12.5, "p(95)": 42.125}, "thresholds": {"p(95)<50": {"ok": true}}},
            "http_req_failed": {"type": "rate", "contains": "default",
                "values": {"rate": 0.02, "passes": 5, "fails": 245}}
        }
    }"#;

    fn at(selector: &str, text: &str) -> Result<f64, String> {
        read(selector, text.as_bytes()).map_err(|problem| problem.reason)
    }

    #[test]
    fn an_export_is_read() {
        for (selector, number) in [
            ("http_req_duration.p(95)", 42.125),
            ("http_req_duration.p(99.9)", 98.0),
            ("http_req_duration.med", 10.0),
            ("http_req_duration{expected_response:true}.p(95)", 41.0),
            ("http_req_duration{url:http://a.b/c}.avg", 7.0),
            ("http_reqs.rate", 24.87),
            ("http_req_failed.rate", 0.02),
            ("http_req_failed.value", 0.02),
            ("http_req_failed.passes", 5.0),
            ("vus.max", 8.0),
        ] {
            assert_eq!(at(selector, EXPORT), Ok(number), "{selector}");
        }
    }

    #[test]
    fn what_handle_summary_writes_is_read() {
        assert_eq!(at("http_req_duration.p(95)", HANDLED), Ok(42.125));
        assert_eq!(at("http_req_failed.rate", HANDLED), Ok(0.02));
    }

    #[test]
    fn of_metrics_that_begin_alike_the_longest_is_meant() {
        let text = r#"{"metrics": {"a": {"b.c": 1, "c": 2}, "a.b": {"c": 3}}}"#;
        assert_eq!(at("a.b.c", text), Ok(3.0));
        assert_eq!(at("a.c", text), Ok(2.0));
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        for (selector, text, says) in [
            (
                "iterations.count",
                EXPORT,
                "no metric of the file begins \"iterations.count\"; its metrics \
                are: http_req_duration, http_req_duration{expected_response:true}, ",
            ),
            (
                "http_req_duration.p(99)",
                EXPORT,
                "metric http_req_duration has no statistic \"p(99)\", it \
                has: avg, max, med, min, p(90), p(95), p(99.9); k6's summaryTrendStats says",
            ),
            // A gauge has a value, and no rate.
            ("vus.rate", EXPORT, "metric vus has no statistic \"rate\""),
            (
                "http_req_duration.thresholds",
                EXPORT,
                "http_req_duration.thresholds: there is a mapping",
            ),
            ("a.b", r#"{"metrics": {"a": 1}}"#, "metric a is no mapping: write it by `k6 run"),
            ("a.b", "{\"type\": \"Point\"}", "the file has no `metrics`: write it by `k6 run"),
            // What `k6 run --out json` writes.
            (
                "a.b",
                "{\"type\": \"Metric\"}\n{\"type\": \"Point\"}\n",
                "the file is no JSON: trailing",
            ),
        ] {
            let error = at(selector, text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn a_selector_has_a_metric_and_a_statistic() {
        assert!(check("a.b").is_ok());
        for odd in ["a", ".b", "a.", "."] {
            let says = "is not metric.statistic, such as http_req_duration.p(95) or http_reqs.rate";
            assert_eq!(check(odd), Err(format!("{odd:?} {says}")));
        }
    }
}
