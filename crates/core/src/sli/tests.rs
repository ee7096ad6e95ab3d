//! Whatever comes from outside, in whatever state: there is an answer, it is finite, and a message is one
//! that people can read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::prometheus::{QUERY_BYTES_MAX, Question, read_answer};
use super::results::Query;
use super::{
    GetSli, Level, Measurement, Queries, SliFile, Window, alertmanager, errored, finished,
};
use crate::dice::Dice;
use crate::event::Draft;
use crate::fuzz::assert_readable;
use crate::remediation::{self, GetAction, Remediations};

#[test]
fn spoilt_results_are_a_finite_number_or_a_readable_error() {
    let mut dice = Dice::new(1);
    let jtl =
        "timeStamp,elapsed,label,success\n1,100,a,true\n900,20,\"b, c\",false\n1900,3,a,true\n";
    for (query, file) in [
        ("k6:f#http_req_duration.p(95)", include_str!("results/samples/k6-export.json")),
        ("k6:f#http_reqs.rate", include_str!("results/samples/k6-handled.json")),
        ("locust:f#Aggregated/95%", include_str!("results/samples/locust_stats.csv")),
        ("jmeter:f#p95", jtl),
        ("jmeter:f#throughput[a]", jtl),
        ("jmeter:f#error_rate", jtl),
        ("junit:f#pass_rate", include_str!("results/samples/pytest.xml")),
        ("junit:f#time", include_str!("results/samples/pytest.xml")),
        ("json:f#$.a[?(@.b == 1)].c", r#"{"a": [{"b": 1, "c": 2.5}, {"b": 2, "c": 1e300}]}"#),
        ("csv:f#c[x]", "n,c\nx,1\ny,2\n"),
    ] {
        let query = Query::parse(query).unwrap();
        assert!(query.read(file.as_bytes()).is_ok());
        let mut errors = 0;
        for _ in 0..400 {
            match query.read(&dice.spoil(file.as_bytes())) {
                Ok(number) => assert!(number.is_finite()),
                Err(error) => {
                    errors += 1;
                    assert_readable(&error.to_string());
                    assert!(error.line != Some(0), "{error}");
                }
            }
        }
        assert!(errors > 0, "nothing was spoilt");
    }
}

#[test]
fn spoilt_queries_are_read_or_refused() {
    let mut dice = Dice::new(2);
    let query = "jmeter:a/b.jtl#p99.9[Check out] json:x.json#$.a['b'][0] csv:c#d[e] locust:f#a/b";
    for _ in 0..5_000 {
        let text = String::from_utf8_lossy(&dice.spoil(query.as_bytes())).into_owned();
        match Query::parse(&text[dice_start(&mut dice, &text)..]) {
            Ok(query) => {
                assert!(!query.file().is_empty() && !query.file().contains(".."));
                let _ = query.read(b"n,1\n2,3\n");
            }
            Err(error) => assert_readable(&error.to_string()),
        }
    }
}

/// Some place where a text may begin.
fn dice_start(dice: &mut Dice, text: &str) -> usize {
    let mut start = dice.below(text.len() + 1);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    start
}

#[test]
fn random_bytes_are_read_or_refused() {
    let mut dice = Dice::new(3);
    let queries =
        ["k6:f#a.b", "locust:f#a/b", "jmeter:f#p9", "junit:f#time", "json:f#$", "csv:f#a"];
    for _ in 0..1_000 {
        let bytes: Vec<u8> = (0..dice.below(20)).flat_map(|_| dice.bytes()).collect();
        for query in queries {
            if let Err(error) = Query::parse(query).unwrap().read(&bytes) {
                assert_readable(&error.to_string());
            }
        }
        assert!(read_answer(&bytes).is_err() && alertmanager::read(&bytes).is_err());
        let text = String::from_utf8_lossy(&bytes);
        let _ = (SliFile::parse(&text), Remediations::parse(&text));
    }
}

#[test]
fn of_percentiles_the_higher_is_not_the_smaller() {
    let mut dice = Dice::new(4);
    for _ in 0..200 {
        let lines = (0..=dice.below(30)).map(|_| format!("0,{},a,true\n", dice.below(50)));
        let file = format!("timeStamp,elapsed,label,success\n{}", lines.collect::<String>());
        let at = |selector: &str| {
            Query::parse(&format!("jmeter:f#{selector}")).unwrap().read(file.as_bytes()).unwrap()
        };
        let ranks = ["min", "p1", "p10", "p33.3", "median", "p90", "p99.9", "p100"].map(at);
        assert!(ranks.is_sorted(), "{ranks:?}");
        assert_eq!(ranks[7], at("max"));
        assert!((at("min")..=at("max")).contains(&at("avg")));
    }
}

#[test]
fn spoilt_answers_of_prometheus_are_a_finite_number_or_a_readable_error() {
    let mut dice = Dice::new(5);
    let body = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},
        "value":[1643623500.25,"0.5"]}]},"errorType":"","error":""}"#;
    assert_eq!(read_answer(body), Ok(0.5));
    for _ in 0..5_000 {
        match read_answer(&dice.spoil(body)) {
            Ok(number) => assert!(number.is_finite()),
            Err(error) => assert_readable(&error.about("up")),
        }
    }
}

#[test]
fn a_query_does_not_depend_on_the_order_of_filters_and_stays_within_its_limit() {
    let mut dice = Dice::new(6);
    let words = ["a", "ab", "abc", "STAGE", "LABEL.a", "x", "DURATION_SECONDS"];
    for _ in 0..500 {
        let text = |dice: &mut Dice| -> String {
            (0..dice.below(8)).map(|_| format!("${} ", dice.pick(&words))).collect()
        };
        // One of each key: of two with one key the first counts.
        let filters: BTreeMap<&str, String> = words.map(|key| (key, text(&mut dice))).into();
        let mut filters: Vec<Value> =
            filters.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let labels = json!({"a": text(&mut dice), "ab": text(&mut dice)});
        let files = format!("indicators: {{i: '{}'}}", text(&mut dice));
        let queries = Queries::merge("f", &[(Level::Service, &files)]).unwrap();
        let ask = |filters: &[Value]| {
            let data = json!({"project": "p", "stage": "s", "service": "v", "labels": labels,
                "get-sli": {"customFilters": filters}});
            let asked = GetSli::of(data.as_object().unwrap()).unwrap();
            let window = Window::parse("0", "60").unwrap();
            Question { asked: &asked, queries: &queries, window: &window }.query("i")
        };
        let query = ask(&filters);
        filters.reverse();
        assert_eq!(ask(&filters), query);
        assert!(query.map_or(0, |query| query.len()) <= QUERY_BYTES_MAX);
    }
}

#[test]
fn every_problem_that_an_alert_becomes_is_an_event_that_is_taken() {
    let mut dice = Dice::new(7);
    let body = json!({"version": "4", "status": "firing", "alerts": [
        {"status": "firing", "fingerprint": "f213abc5a9757301", "startsAt": "2026-11-26T05:33:00.632Z",
            "labels": {"alertname": "Up", "project": "shop", "stage": "qa", "service": "carts"},
            "annotations": {"summary": "up \"now\"\n"}, "generatorURL": "http://prometheus/x"},
        {"status": "resolved", "fingerprint": "f213abc5a9757302", "startsAt": "2026-11-26T05:33:00Z",
            "labels": {"alertname": "Up", "project": "shop", "stage": "qa", "service": "carts"}}]});
    let body = body.to_string();
    let mut problems = 0;
    for _ in 0..3_000 {
        let Ok(notices) = alertmanager::read(&dice.spoil(body.as_bytes())) else { continue };
        for notice in notices {
            match notice {
                Ok(alertmanager::Notice::Firing(problem)) => {
                    problems += 1;
                    let event = json!({"source": alertmanager::SOURCE, "type": problem.kind.as_str(),
                        "data": problem.data});
                    Draft::from_value(event).unwrap();
                    GetAction::of(&problem.data).unwrap();
                }
                Ok(alertmanager::Notice::Resolved { .. }) => {}
                Err(error) => assert_readable(&error.to_string()),
            }
        }
    }
    assert!(problems > 100, "{problems}");
}

#[test]
fn spoilt_files_are_read_or_refused() {
    let mut dice = Dice::new(8);
    let sli = "spec_version: '1.0'\nindicators:\n  a: x{y=\"$STAGE\"}\n  'b c': |\n    d\n  e: &f g\n  h: *f\n";
    let remediation = "apiVersion: spec.keptn.sh/0.1.4\nspec:\n  remediations:\n  - problemType: a\n    \
                       actionsOnOpen:\n    - {action: b, value: [1, {c: 2}]}\n";
    assert!(SliFile::parse(sli).is_ok() && Remediations::parse(remediation).is_ok());
    for _ in 0..3_000 {
        let text = String::from_utf8_lossy(&dice.spoil(sli.as_bytes())).into_owned();
        if let Err(error) = Queries::merge("f", &[(Level::Stage, &text)]) {
            assert_readable(&error.to_string());
        }
        let text = String::from_utf8_lossy(&dice.spoil(remediation.as_bytes())).into_owned();
        if let Err(error) = Remediations::parse(&text) {
            assert_readable(&error.to_string());
        }
    }
}

#[test]
fn every_question_is_answered_with_words_that_keptn_knows() {
    let mut dice = Dice::new(9);
    let data = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": "b"},
        "result": "odd", "status": "odd", "evaluation": {"result": "fail"}, "deployment": "d",
        "get-sli": {"start": "0", "end": "60", "indicators": ["a"], "customFilters": [{"key": "k"}]},
        "get-action": {"actionIndex": 0}, "problem": {"problemTitle": "t", "rootCause": "r"}});
    let file = "apiVersion: spec.keptn.sh/0.1.4\nspec: {remediations: [{problemType: t, actionsOnOpen: \
                [{action: a}]}]}\n";
    for _ in 0..3_000 {
        let Value::Object(asked) = replaced(&mut dice, &data) else { continue };
        let sli = match GetSli::of(&asked) {
            Ok(question) => {
                let value = Measurement::new("a", Ok(f64::from_bits(dice.throw())));
                finished(&question, &[value])
            }
            Err(error) => errored(&asked, &error.to_string()),
        };
        let action = match GetAction::of(&asked) {
            Ok(question) => question.answer(dice.percent(90).then_some(file)),
            Err(error) => remediation::errored(&asked, &error.to_string()),
        };
        for answer in [sli, action] {
            assert_known(&answer);
        }
    }
}

fn assert_known(answer: &Map<String, Value>) {
    let word = |key: &str| answer[key].as_str().unwrap();
    assert!(["pass", "warning", "fail"].contains(&word("result")), "{answer:?}");
    assert!(["succeeded", "errored"].contains(&word("status")), "{answer:?}");
    assert!(!answer.contains_key("evaluation"));
    if let Some(message) = answer.get("message") {
        assert_readable(message.as_str().unwrap());
    }
}

/// The value with something else in some place of it.
fn replaced(dice: &mut Dice, value: &Value) -> Value {
    if dice.percent(8) {
        let others = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(""),
            json!("\0"),
            json!([]),
            json!({}),
            json!([null]),
            json!({"key": 1}),
        ];
        return others[dice.below(others.len())].clone();
    }
    match value {
        Value::Array(items) => items.iter().map(|item| replaced(dice, item)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, field)| (key.clone(), replaced(dice, field))).collect()
        }
        other => other.clone(),
    }
}
