//! Edges that the recorded cases do not hold.

use serde_json::{Map, Value, json};

use super::*;
use crate::event::{Outcome, Scope, TaskResult};

fn scope() -> Scope {
    serde_json::from_str(r#"{"project": "p", "stage": "s", "service": "v"}"#).unwrap()
}

fn value(metric: &str, value: f64) -> Option<SliResult> {
    let metric = metric.to_owned();
    Some(SliResult { metric, value, success: true, ..SliResult::default() })
}

fn evaluated(slo: &str, values: Vec<Option<SliResult>>, earlier: &[Past]) -> Evaluation {
    let timeframe = Timeframe { start: "from".into(), end: "until".into() };
    let answer = SliAnswer { values, timeframe, ..SliAnswer::default() };
    evaluate(&Question { scope: &scope(), slo, answer: &answer, earlier })
}

fn before(number: f64) -> Past {
    Past {
        id: "before".to_owned(),
        result: TaskResult::Pass,
        score: 100.0,
        invalidated: false,
        message: String::new(),
        indicators: vec![IndicatorResult { value: value("a", number), ..Default::default() }],
    }
}

/// A file with one objective on `a` and this criterion.
fn one(criterion: &str) -> String {
    format!(
        "objectives: [{{sli: a, displayName: A, pass: [{{criteria: [{criterion:?}]}}]}}]\n\
         total_score: {{pass: 90%}}\n"
    )
}

#[test]
fn an_event_is_written_as_keptn_writes_it() {
    let slo = format!("{}# end\n", one("<=+10%"));
    let evaluation = evaluated(&slo, vec![value("a", 1.5), value("b", 2.0)], &[before(2.0)]);
    let mut data = Map::new();
    data.insert("message".into(), "of an earlier task".into());
    evaluation.write(&mut data);
    let written = serde_json::to_string(&data["evaluation"]).unwrap();
    let expected = "{\"timeStart\":\"from\",\"timeEnd\":\"until\",\"result\":\"pass\",\"score\":100,\
        \"sloFileContent\":\"b2JqZWN0aXZlczogW3tzbGk6IGEsIGRpc3BsYXlOYW1lOiBBLCBwYXNzOiBbe2NyaXRlcmlhOiBbIjw9KzEw\
        JSJdfV19XQp0b3RhbF9zY29yZToge3Bhc3M6IDkwJX0KIyBlbmQK\",\"indicatorResults\":[{\"score\":1,\"value\":\
        {\"metric\":\"a\",\"value\":1.5,\"comparedValue\":2,\"success\":true},\"displayName\":\"A\",\
        \"passTargets\":[{\"criteria\":\"<=+10%\",\"targetValue\":2.2,\"violated\":false}],\
        \"warningTargets\":null,\"keySli\":false,\"status\":\"pass\"}],\"comparedEvents\":[\"before\"]}";
    let sorted: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), sorted);
    assert_eq!(serde_json::to_string(&evaluation.details).unwrap(), expected);
    assert!(data["message"].as_str().unwrap().contains("additional SLIs"));
    evaluated(&slo, vec![value("a", 1.5)], &[]).write(&mut data);
    assert_eq!(data.get("message"), None);
    assert_eq!(data["evaluation"].get("comparedEvents"), None);
}

#[test]
fn what_kills_keptn_is_an_errored_evaluation_that_says_so() {
    let head = "Could not parse SLO file for service v in stage s in project p";
    for (slo, says) in [
        (
            "null",
            format!("{head} (slo.yaml:1:1: the file is null; write objectives and a total_score)"),
        ),
        (
            "--- # nothing\n",
            format!("{head} (slo.yaml:1:4: the file is null; write objectives and a total_score)"),
        ),
        (
            "objectives: [{sli: a, pass: [~]}]\ntotal_score: {pass: 1}\n",
            format!(
                "{head} (slo.yaml:1:30: an entry of pass is null; write criteria, or take it away)"
            ),
        ),
        (
            "objectives: [{sli: a, warning: [~]}]\ntotal_score: {pass: 1}\n",
            format!(
                "{head} (slo.yaml:1:33: an entry of warning is null; write criteria, or take it away)"
            ),
        ),
        // What Keptn refuses comes first.
        ("objectives: [{sli: a, pass: [~], weight: '1'}]\n", head.to_owned()),
    ] {
        let evaluation = evaluated(slo, vec![value("a", 1.0)], &[]);
        assert_eq!((evaluation.outcome, evaluation.message), (Outcome::ERROR, says), "{slo}");
        assert_eq!(evaluation.details.slo_file_content, "");
    }
    let evaluation = evaluated(&one("<1"), vec![value("a", 0.0), None], &[]);
    assert_eq!(evaluation.outcome, Outcome::ERROR);
    assert!(evaluation.message.starts_with("the SLI provider sent null as value number 2"));
    // Nobody looks at the values where there are no objectives.
    let evaluation = evaluated("total_score: {pass: 1}\n", vec![None], &[]);
    assert_eq!(evaluation.message, "lighthouse failed because no SLO objective was provided");
}

#[test]
fn numbers_that_json_cannot_hold_are_an_errored_evaluation_that_names_the_objective() {
    let far = [before(f64::MAX)];
    for (slo, measured, earlier, says) in [
        (one("<inf"), 1.0, &[][..], "error with A: the target of \"<inf\" is no finite number"),
        (one("<nan"), 1.0, &[], "error with A: the target of \"<nan\" is no finite number"),
        (one("<+inf%"), 1.0, &[before(1.0)], "error with A: the target of \"<+inf%\" is no"),
        (one("<+100%"), 1.0, &far, "error with A: the target of \"<+100%\" is no finite"),
        (one("<5"), f64::NAN, &[], "error with A: the value, or what it is compared with"),
        (one("<5"), f64::INFINITY, &[], "error with A: the value, or what it is compared with"),
    ] {
        let evaluation = evaluated(&slo, vec![value("a", measured)], earlier);
        assert_eq!(evaluation.outcome, Outcome::ERROR, "{slo}");
        assert!(evaluation.message.starts_with(says), "{}", evaluation.message);
        assert_eq!(evaluation.details.indicator_results, None);
        assert_ne!(evaluation.details.slo_file_content, "");
    }
    // An infinite amount that is never used does no harm, and a total that nothing reaches is a number.
    assert_eq!(evaluated(&one("<+inf%"), vec![value("a", 1.0)], &[]).outcome, Outcome::PASS);
    let slo = one("<5").replace("90%", "inf");
    let evaluation = evaluated(&slo, vec![value("a", 1.0)], &[]);
    assert_eq!(evaluation.outcome, Outcome::FAIL);
    assert!(evaluation.message.ends_with("is below the target value of +Inf"));
}

#[test]
fn values_that_were_left_over_are_named_in_the_order_that_taking_left_them_in() {
    let values = ["x", "a", "y", "z"].map(|metric| value(metric, 1.0)).to_vec();
    let message = |values| evaluated(&one("<5"), values, &[]).message;
    assert!(
        message(values).contains(": x, z, y . Please"),
        "the last takes the place of the taken"
    );
    assert_eq!(message(vec![value("a", 1.0), value("", 1.0)]), "");
    let values = ["", "x", ""].map(|metric| value(metric, 1.0)).to_vec();
    let text = evaluated(&one("<5").replace("sli: a", "sli: x"), values, &[]).message;
    assert_eq!(text, "");
}

#[test]
fn nobody_who_measures_passes_and_what_cannot_be_fetched_is_errored() {
    let timeframe = Timeframe::default();
    let evaluation = Evaluation::no_provider(&timeframe, "p");
    assert_eq!(evaluation.outcome, Outcome::PASS);
    assert!(evaluation.message.ends_with("no SLI-provider configured for project p"));
    assert_eq!(evaluation.details.score.to_bits(), 0.0_f64.to_bits());
    assert_eq!(Evaluation::errored(&timeframe, "x").outcome, Outcome::ERROR);
}

#[test]
fn the_data_of_an_event_is_read_as_go_reads_it() {
    let read = |data: Value| SliAnswer::of(data.as_object().unwrap());
    let answer = read(json!({
        "status": "succeeded", "result": "fail", "message": "m",
        "get-sli": {"start": "s", "end": null, "indicatorValues": [
            {"metric": "a", "value": 66.666_666_666_666_66, "success": true},
            {"metric": null, "value": null, "other": 1},
            null,
        ]},
    }))
    .unwrap();
    assert!(answer.failed);
    assert_eq!(answer.timeframe, Timeframe { start: "s".into(), end: String::new() });
    assert_eq!(
        answer.values[0].as_ref().unwrap().value.to_bits(),
        66.666_666_666_666_66_f64.to_bits()
    );
    assert_eq!(answer.values[1..], [Some(SliResult::default()), None]);
    assert_eq!(read(json!({})), Ok(SliAnswer::default()));
    assert_eq!(read(json!({"get-sli": null})), Ok(SliAnswer::default()));
    let error = read(json!({"get-sli": {"indicatorValues": [{"value": "1"}]}})).unwrap_err();
    assert!(error.starts_with("data.get-sli cannot be read: invalid type: string"), "{error}");
}

#[test]
fn a_stored_evaluation_is_read_with_whatever_it_holds() {
    let stored = json!({
        "timeStart": "", "timeEnd": "", "result": "pass", "score": 100, "sloFileContent": "",
        "indicatorResults": [{"score": 0, "value": null, "status": "info", "passTargets": null},
                             {"status": "odd", "value": {"metric": "a", "value": 1, "success": true}}],
    });
    let details: Details = serde_json::from_value(stored).unwrap();
    let indicators = details.indicator_results.unwrap();
    assert_eq!(indicators[0].status, IndicatorStatus::Info);
    assert_eq!(indicators[1].status, IndicatorStatus::Fail);
}

#[test]
fn what_is_written_is_read_again_as_an_evaluation_of_the_past() {
    let evaluation = evaluated(&one("<5"), vec![value("a", 9.5)], &[]);
    let mut data = Map::new();
    evaluation.write(&mut data);
    let past = Past::of("e", &data, true).unwrap();
    assert_eq!((past.id.as_str(), past.result, past.invalidated), ("e", TaskResult::Fail, true));
    assert_eq!(Some(&past.indicators), evaluation.details.indicator_results.as_ref());
    assert_eq!(past.message, evaluation.message);
    // The status does not matter, and neither does what is not there.
    let data = json!({"result": "pass", "status": "odd", "evaluation": null});
    let past = Past::of("e", data.as_object().unwrap(), false).unwrap();
    assert_eq!((past.result, past.indicators), (TaskResult::Pass, vec![]));
    let data = json!({"evaluation": {"result": "pass", "score": "100"}});
    let error = Past::of("e", data.as_object().unwrap(), false).unwrap_err();
    assert!(error.starts_with("data.evaluation cannot be read: invalid type"), "{error}");
    // Whatever word stands there.
    let data = json!({"result": "fail", "evaluation": {"result": "no evaluation", "score": 1}});
    assert!(Past::of("e", data.as_object().unwrap(), false).is_ok());
}

#[test]
fn a_part_of_a_comparison_has_other_defaults_than_none() {
    let comparison =
        |lines: &str| Slo::parse(&format!("comparison: {lines}\n")).unwrap().comparison;
    assert_eq!(comparison("~"), Comparison::default());
    for (lines, number) in [
        ("{}", 3),
        ("{compare_with: Single_Result}", 3),
        ("{compare_with: single_result, number_of_comparison_results: 7}", 1),
        ("{compare_with: several_results}", 3),
        ("{compare_with: several_results, number_of_comparison_results: 7.9}", 7),
        ("{compare_with: x, number_of_comparison_results: 7}", 3),
    ] {
        assert_eq!(comparison(lines).number, number, "{lines}");
    }
    for (number, limit) in
        [(0, Err(NumberError)), (1, Ok(1)), (100, Ok(100)), (101, Err(NumberError))]
    {
        assert_eq!(Comparison { number, ..Comparison::default() }.limit(), limit);
    }
}

#[test]
fn vectors_that_are_not_met_are_told_with_their_place() {
    let case = json!([{
        "name": "n", "slo": one("<5"), "sliResults": [{"metric": "a", "value": 1, "success": true}],
        "previous": [], "expected": {"status": "succeeded", "result": "pass", "message": "",
            "evaluationResult": "pass", "score": 99, "comparedEvents": [], "indicatorResults": null},
    }, {
        "name": "e", "slo": "7", "sliResults": [], "previous": [], "expectedError": "another",
        "expectedEvent": {"status": "errored"},
    }]);
    let report = vectors::run(&case.to_string()).unwrap();
    assert_eq!((report.passed, report.failed), (0, 2));
    let said: Vec<String> = report.differences.iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with("n: indicatorResults is [{"), "{said:?}");
    assert_eq!(said[1], "n: score is 100.0, and must be 99");
    assert!(said[2].starts_with("e: message is \"Could not parse SLO"), "{said:?}");
    for text in ["{}", "[{}]", "nothing"] {
        assert!(vectors::run(text).is_err(), "{text}");
    }
    let nothing = json!([{"name": "n", "slo": "", "sliResults": [], "previous": []}]);
    let error = vectors::run(&nothing.to_string()).unwrap_err().to_string();
    assert!(error.contains("\"n\" has neither expected"), "{error}");
}

#[test]
fn null_in_an_evaluation_is_read_as_nothing_as_go_does() {
    let nothing = json!({"timeStart": null, "timeEnd": null, "result": null, "score": null,
        "sloFileContent": null, "comparedEvents": null, "indicatorResults": [{"score": null,
            "value": null, "displayName": null, "passTargets": [{"criteria": null,
                "targetValue": null, "violated": null}], "warningTargets": null, "keySli": null,
            "status": null}]});
    let Value::Object(data) = json!({"result": "pass", "evaluation": nothing}) else {
        panic!("it is an object");
    };
    let past = Past::of("e", &data, false).unwrap();
    let target = IndicatorResult {
        pass_targets: Some(vec![TargetResult::default()]),
        ..IndicatorResult::default()
    };
    assert_eq!((past.result, past.indicators), (TaskResult::Pass, vec![target]));
}
