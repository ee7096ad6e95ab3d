//! Objectives, what is judged by them, and what evaluations say to each other.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Target;
use super::check::{assert_readable, shape};
use crate::event::Scope;
use crate::quality::time::{Span, resolve};
use crate::quality::{
    Ask, Begin, Past, Question, Rule, SliAnswer, SliResult, Slo, Targets, ask, evaluate, lint,
    replay, suggest, vectors,
};
use crate::remediation::{self, GetAction};
use crate::sli::{self, GetSli, Measurement, Window};

const RECORDED: &str = include_str!("../../../../tests/vectors/quality-gate.json");

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "slo.yaml",
        seeds: || recorded(|case| case["slo"].as_str().unwrap().as_bytes().to_vec()),
        words: &[
            "&a ",
            "*a",
            "!!str ",
            "<<: *a",
            "|\n",
            "? ",
            "\n---\n",
            "null",
            "~",
            "'<=+10%'",
            "\"<600\"",
            "criteria:",
            "pass:",
            "warning:",
            "key_sli: true",
            "weight: -1",
            "total_score:",
            "p95",
            "several_results",
            "pass_or_warn",
            "sli: response_time_p95",
            "objectives:",
            "number_of_comparison_results: 101",
            "\u{feff}",
            "\u{85}",
        ],
        feed: slo,
    },
    Target {
        name: "cases of a gate",
        seeds: || recorded(|case| serde_json::to_vec(&[case]).unwrap()),
        words: &["null", "\"expectedError\":", "\"previous\":[]", "\"value\":1e400"],
        feed: cases,
    },
    Target {
        name: "data of events",
        seeds: events,
        words: &[
            "\"evaluation\"",
            "\"get-sli\"",
            "\"indicatorValues\"",
            "2022-01-31T10:00:00.000Z",
            "5m",
        ],
        feed: event,
    },
    Target {
        name: "criteria and times",
        seeds: || {
            let lines = [
                "<=+10%\n90%\n2022-01-31T10:00:00.000Z\n2022-01-31T10:05:00Z\n",
                ">=-0.5\n75\n\n\n1h30m",
                "=600\n0%\n1643623200\n1643623500\n",
                "<5\n\n2022-01-31T10:00:00.000+05:30\n\n90s",
            ];
            lines.map(|text| text.as_bytes().to_vec()).to_vec()
        },
        words: &["<=", "%", "+", "-", "e", "0x", "_", "ns", "µs", "h", "T24:00:00Z", "-12:00", "|"],
        feed: texts,
    },
];

fn recorded(what: impl Fn(&Value) -> Vec<u8>) -> Vec<Vec<u8>> {
    let cases: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    cases.iter().map(what).collect()
}

fn scope() -> Scope {
    serde_json::from_str(r#"{"project": "p", "stage": "s", "service": "v"}"#).unwrap()
}

/// A value of every indicator that the recorded files know.
fn measured(value: f64) -> Vec<SliResult> {
    let metrics = ["response_time_p95", "error_rate", "throughput", "heap_used_mb"];
    let value = |metric: &str| SliResult {
        metric: metric.to_owned(),
        value,
        success: metric != "throughput",
        ..SliResult::default()
    };
    metrics.map(value).to_vec()
}

fn slo(bytes: &[u8]) -> String {
    let (text, scope) = (String::from_utf8_lossy(bytes), scope());
    let answer = |value| {
        let values = measured(value).into_iter().map(Some).collect();
        SliAnswer { values, ..SliAnswer::default() }
    };
    let mut earlier: Vec<Past> = Vec::new();
    for value in [590.0, 0.0, 1e300, 600.0] {
        let question =
            Question { scope: &scope, slo: &text, answer: &answer(value), earlier: &earlier };
        let evaluation = evaluate(&question);
        assert_eq!(evaluate(&question), evaluation, "the same question has the same answer");
        if !evaluation.message.is_empty() {
            assert_readable(&evaluation.message);
        }
        let mut data = Map::new();
        evaluation.write(&mut data);
        // Through the store and back: what a gate has said, the next one reads.
        let data = serde_json::from_str(&serde_json::to_string(&data).unwrap()).unwrap();
        earlier.insert(0, Past::of("e", &data, false).unwrap());
    }
    let results: Vec<_> = earlier.iter().map(|past| past.result.as_str()).collect();
    let slo = match Slo::parse(&text) {
        Ok(slo) => slo,
        Err(error) => {
            assert_readable(&error.to_string());
            assert!(lint(&text).is_empty(), "a file that is refused has one fault");
            assert!(suggest(&text, &earlier).is_err());
            return shape(&error.to_string());
        }
    };
    let lines = text.split('\n').count() + text.matches(['\r', '\u{85}', '\u{2028}']).count();
    let findings: Vec<String> = lint(&text)
        .iter()
        .map(|finding| {
            assert_readable(&finding.to_string());
            let line = usize::try_from(finding.place.line).unwrap();
            assert!((1..=lines + 1).contains(&line), "{finding} of {lines} lines");
            shape(&finding.problem)
        })
        .collect();
    if let Ok(replayed) = replay(&slo, &earlier) {
        assert_eq!(replayed.len(), earlier.len());
    }
    let history: Vec<Past> = earlier.iter().cycle().take(60).cloned().collect();
    let suggested = suggest(&text, &history).unwrap();
    let longer = Slo::parse(&suggested.text)
        .unwrap_or_else(|error| panic!("what is proposed is no file: {error}\n{}", suggested.text));
    assert!(longer.objectives.len() >= slo.objectives.len(), "{}", suggested.text);
    format!("{results:?} {findings:?} {}", suggested.suggestions.len())
}

fn cases(bytes: &[u8]) -> String {
    match vectors::run(&String::from_utf8_lossy(bytes)) {
        Ok(report) => {
            let first = report.differences.first();
            format!("{} {:?}", report.passed, first.map(|difference| shape(&difference.path)))
        }
        Err(error) => {
            assert_readable(&error.to_string());
            shape(&error.to_string())
        }
    }
}

/// One of each kind of event that a gate, a provider or a remediation reads.
fn events() -> Vec<Vec<u8>> {
    let mut events = recorded(|case| {
        let mut data = json!({"project": "p", "stage": "s", "service": "v", "result": "pass"});
        data["evaluation"] = case["expected"].clone();
        serde_json::to_vec(&data).unwrap()
    });
    let values = serde_json::to_value(measured(1.0)).unwrap();
    events.extend([
        json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": "b"}, "deployment":
            {"deploymentNames": ["user_managed"]}, "evaluation": {"timeframe": "5m"}}),
        json!({"project": "p", "stage": "s", "service": "v", "evaluation":
            {"start": "2022-01-31T10:00:00.000Z", "end": "2022-01-31T10:05:00.000Z"}}),
        json!({"project": "p", "stage": "s", "service": "v", "get-sli": {"sliProvider": "prometheus",
            "start": "2022-01-31T10:00:00.000Z", "end": "2022-01-31T10:05:00.000Z", "indicators": ["a"],
            "customFilters": [{"key": "tags", "value": "x"}]}}),
        json!({"project": "p", "stage": "s", "service": "v", "status": "succeeded", "result": "pass",
            "get-sli": {"start": "0", "end": "60", "indicatorValues": values}}),
        json!({"project": "p", "stage": "s", "service": "v", "get-action": {"actionIndex": 1},
            "problem": {"problemTitle": "t", "rootCause": "r", "PID": "1"}}),
    ].map(|event| serde_json::to_vec(&event).unwrap()));
    events
}

fn event(bytes: &[u8]) -> String {
    const SLO: &str = "objectives:\n- {sli: a, pass: [{criteria: ['<=+10%']}]}\n";
    const REMEDIATION: &str = "apiVersion: spec.keptn.sh/0.1.4\nspec: {remediations: [{problemType: t, \
                               actionsOnOpen: [{action: a}, {action: b, value: 1}]}]}\n";
    let Ok(Value::Object(data)) = serde_json::from_slice(bytes) else { return String::new() };
    let refused = |error: String| {
        assert_readable(&error);
        shape(&error)
    };
    let scope = scope();
    let begin = Begin {
        scope: &scope,
        data: &data,
        slo: Ok(SLO),
        provider: Some("prometheus"),
        now: Timestamp::UNIX_EPOCH,
    };
    let asked = match ask(&begin) {
        Ask::Values(question) => {
            let question = GetSli::of(&question);
            question.map_or_else(|error| refused(error.to_string()), |_| "asked".to_owned())
        }
        Ask::Over(evaluation) => refused(evaluation.message),
    };
    let answered = match GetSli::of(&data) {
        Ok(question) => {
            let value = Measurement::new("a", Ok(f64::INFINITY));
            assert!(SliAnswer::of(&sli::finished(&question, &[value])).is_ok());
            "measured".to_owned()
        }
        Err(error) => {
            assert!(SliAnswer::of(&sli::errored(&data, &error.to_string())).is_ok());
            refused(error.to_string())
        }
    };
    let judged = match SliAnswer::of(&data) {
        Ok(answer) => {
            let question = Question { scope: &scope, slo: SLO, answer: &answer, earlier: &[] };
            let evaluation = evaluate(&question);
            serde_json::to_string(&evaluation.details).unwrap();
            evaluation.outcome.result.as_str().to_owned()
        }
        Err(error) => refused(error),
    };
    let past =
        Past::of("e", &data, false).map_or_else(refused, |past| past.result.as_str().to_owned());
    let acted = match GetAction::of(&data) {
        Ok(question) => question.answer(Some(REMEDIATION)),
        Err(error) => remediation::errored(&data, &error.to_string()),
    };
    let said = acted.get("message").and_then(Value::as_str).unwrap_or("acts");
    format!("{asked}|{answered}|{judged}|{past}|{}", refused(said.to_owned()))
}

/// Five lines: a criterion, what a score must reach, a start, an end and a timeframe.
fn texts(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let [criterion, target, start, end, timeframe] =
        std::array::from_fn(|_| lines.next().unwrap_or(""));
    let rule = Rule::parse(criterion);
    // As texts, because NaN is a number that a criterion may have.
    let dense = format!("{:?}", Rule::parse(&criterion.replace(' ', "")));
    assert_eq!(dense, format!("{rule:?}"), "spaces count nowhere");
    let targets = Targets::parse(target, "75%");
    let span = resolve(Span { start, end, timeframe }, Timestamp::UNIX_EPOCH);
    let window = Window::parse(start, end);
    for message in [
        rule.as_ref().err().map(ToString::to_string),
        targets.as_ref().err().map(ToString::to_string),
        span.as_ref().err().map(ToString::to_string),
        window.as_ref().err().map(ToString::to_string),
    ] {
        message.as_deref().into_iter().for_each(assert_readable);
    }
    let span = span.map_err(|error| shape(&error.to_string())).map(|_| ());
    let window =
        window.map_err(|error| shape(&error.to_string())).map(|window| window.range().len());
    format!("{:?}|{:?}|{span:?}|{window:?}", rule.map(|rule| rule.operator), targets.is_ok())
}
