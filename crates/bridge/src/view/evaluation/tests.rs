//! Evaluations as Keptn's events have them, odd ones among them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_core::event::{Draft, Event};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::quality::{Slo, lint, replay};

use super::*;
use crate::view::{Status, Text};
use crate::visitor::Visitor;

const SLO: &str = "\
comparison: {compare_with: single_result}
objectives:
- {sli: p95, displayName: Response time, key_sli: true, weight: 2, pass: [{criteria: ['<0.4', '<=+10%']}], warning: [{criteria: ['<0.5']}]}
- {sli: errors, pass: [{criteria: ['<1']}, {criteria: ['=5']}]}
- {sli: cpu}
total_score: {pass: 90%, warning: 75%}
";

fn id(n: u128) -> EventId {
    format!("{n:08x}-0000-4000-8000-000000000000").parse().unwrap()
}

fn event(n: u128, data: &Value) -> Event {
    let mut all = json!({"project": "tour", "stage": "qa", "service": "hello"});
    all.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    let body = json!({"type": FINISHED, "source": "lighthouse-service", "triggeredid": id(1000 + n),
        "data": all});
    let at =
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(60 * i64::try_from(n).unwrap());
    Draft::from_value(body).unwrap().into_event(
        id(n),
        at,
        "00000007-0000-4000-8000-000000000000".parse::<ContextId>().unwrap(),
    )
}

fn judged(n: u128, data: &Value) -> Judged {
    Judged::of(&event(n, data), Some(format!("acme/hello:1.{n}")), false)
}

/// One that failed: a value above both limits, one that could not be read, one that only informs and was not
/// measured.
fn failed() -> Judged {
    let target = |criteria: &str, value: f64, violated: bool| {
        json!({"criteria": criteria,
        "targetValue": value, "violated": violated})
    };
    judged(
        3,
        &json!({"result": "fail", "status": "succeeded", "message": "too slow\nslo.yaml:1:1: x",
            "evaluation": {"score": 33.333_333, "sloFileContent": BASE64_STANDARD.encode(SLO), "result": "fail", "comparedEvents": [id(2)],
                "timeStart": "2026-11-24T10:00:00.000Z", "timeEnd": "2026-11-24T10:05:00.000Z",
                "indicatorResults": [
                    {"score": 1, "displayName": "Response time", "keySli": true, "status": "warning",
                        "value": {"metric": "p95", "value": 0.45, "comparedValue": 0.3, "success": true},
                        "passTargets": [target("<0.4", 0.4, true), target("<=+10%", 0.33, true)],
                        "warningTargets": [target("<0.5", 0.5, false)]},
                    {"score": 0, "displayName": "", "keySli": false, "status": "fail",
                        "value": {"metric": "errors", "value": 0, "comparedValue": 0, "success": false,
                            "message": "no data"},
                        "passTargets": [target("<1", 1.0, true), target("=5", 5.0, true)],
                        "warningTargets": null},
                    {"score": 0, "displayName": "", "keySli": false, "status": "info", "value": null,
                        "passTargets": [], "warningTargets": []}]}}),
    )
}

fn passed(n: u128, value: f64) -> Judged {
    judged(
        n,
        &json!({"result": "pass", "status": "succeeded", "evaluation": {"score": 100, "result": "pass",
            "indicatorResults": [{"score": 2, "displayName": "Response time", "keySli": true,
                "status": "pass", "value": {"metric": "p95", "value": value, "success": true},
                "passTargets": [{"criteria": "<0.4", "targetValue": 0.4, "violated": false}],
                "warningTargets": null}]}}),
    )
}

fn visitor() -> Visitor {
    crate::pages::gallery::visitor()
}

fn texts(limits: &limit::Limits) -> Vec<Vec<(String, Met)>> {
    let told = |limit: &limit::Limit| (limit.text.to_string(), limit.met);
    limits.iter().map(|group| group.iter().map(told).collect()).collect()
}

#[test]
fn an_objective_tells_its_value_what_it_was_and_which_limit_is_broken() {
    let (slo, before) = (Slo::parse(SLO).unwrap(), [passed(2, 0.3)]);
    let rows = objectives(&failed(), Some(&slo), &before, Order::File);
    let slow = &rows[0];
    assert_eq!(
        (slow.name.as_str(), slow.metric.as_ref().map(Text::as_str)),
        ("Response time", Some("p95"))
    );
    assert_eq!((slow.status, slow.is_key, slow.weight), (Status::Warning, true, Some(2)));
    let (was, change) = slow.before.as_ref().unwrap();
    let change = change.as_ref().unwrap();
    assert_eq!(
        (was.shown.as_str(), change.words.as_str(), change.verdict()),
        ("0.3", "+50 %", "worse")
    );
    let no = |text: &str| (text.to_owned(), Met::No);
    assert_eq!(texts(&slow.pass), [vec![no("<0.4"), no("<=+10%")]]);
    assert_eq!(texts(&slow.warning), [vec![("<0.5".to_owned(), Met::Yes)]]);

    let unread = &rows[1];
    assert_eq!((unread.value.as_ref(), unread.message.as_str()), (None, "no data"));
    assert_eq!(unread.pass.len(), 2, "either of two groups is enough");
    assert_eq!(unread.pass[0][0].met, Met::Unjudged, "nothing was compared with it");
    assert_eq!(unread.before, None);

    let informs = &rows[2];
    assert_eq!((informs.name.as_str(), informs.status), ("cpu", Status::Info));
    assert_eq!((informs.value.as_ref(), informs.weight), (None, None));
}

#[test]
fn without_anything_to_compare_with_a_relative_limit_is_not_shown_as_met() {
    let slo = Slo::parse(SLO).unwrap();
    let nothing = judged(2, &json!({"result": "fail", "status": "errored", "evaluation": {}}));
    let rows = objectives(&failed(), Some(&slo), &[nothing], Order::File);
    assert_eq!(rows[0].pass[0][1].met, Met::Nothing);
    assert_eq!(rows[0].before, None);
    // The one that it was compared with is forgotten: what the gate has written is all there is.
    let rows = objectives(&failed(), Some(&slo), &[], Order::File);
    assert_eq!(rows[0].pass[0][1].met, Met::No);
}

#[test]
fn what_failed_stands_first_unless_another_order_is_asked_for() {
    let names = |order| {
        let rows = objectives(&failed(), Slo::parse(SLO).ok().as_ref(), &[], order);
        rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(Order::Worst), ["errors", "Response time", "cpu"]);
    assert_eq!(names(Order::File), ["Response time", "errors", "cpu"]);
    assert_eq!(names(Order::Name), ["Response time", "cpu", "errors"]);
    assert_eq!(names(Order::Weight), ["Response time", "errors", "cpu"]);
    for order in Order::ALL {
        assert_eq!(Order::parse(order.as_str()), order);
    }
}

#[test]
fn the_sentence_names_the_score_its_limits_and_what_was_not_met() {
    let slo = Slo::parse(SLO).unwrap();
    let failed = failed();
    let rows = objectives(&failed, Some(&slo), &[passed(2, 0.3)], Order::Worst);
    let verdict = Verdict::new(&failed, Some(&slo), &rows, &lint("objectives: []"));
    assert_eq!(verdict.words, "Failed, 33.333 of 100");
    assert_eq!(
        verdict.lead.as_str(),
        "It passes from 90 on, and warns from 75. errors could not be read; Response time is 0.45, \
         wanted <0.4, <=+10% of before, which is 0.33."
    );
    assert_eq!(verdict.message.as_str(), "too slow", "findings are listed by themselves");
    assert_eq!(verdict.bar.unwrap().words, "Score 33.333, warning 75, pass 90");
}

#[test]
fn no_evaluation_is_too_odd_to_be_shown() {
    let odd = [
        json!({"result": "fail", "status": "errored", "message": "no slo", "evaluation": {"score": 0,
            "result": "fail", "sloFileContent": "", "indicatorResults": null}}),
        json!({"result": "pass", "status": "succeeded", "evaluation": {"score": 0, "result": "pass",
            "indicatorResults": null}}),
        json!({"result": "pass", "status": "aborted"}),
        json!({"evaluation": null}),
        json!({"evaluation": "nothing"}),
        json!({"result": "pass", "status": "succeeded", "evaluation": {"indicatorResults": [{}, {"value": null,
            "status": "strange", "passTargets": null}]}}),
        json!({"result": "pass", "status": "succeeded", "evaluation": {"indicatorResults": [null]}}),
        json!({"result": "warning", "status": "succeeded", "labels": {"buildId": "17"},
            "evaluation": {"score": -20.5, "indicatorResults": [{"status": "pass", "value":
                {"metric": "x", "value": 1e300, "success": true, "comparedValue": -1e300},
                "passTargets": [{"criteria": "nonsense", "targetValue": 1, "violated": true}]}]}}),
    ];
    let all: Vec<Judged> =
        odd.iter().enumerate().map(|(n, data)| judged(n as u128 + 10, data)).collect();
    let words: Vec<String> = all
        .iter()
        .map(|judged| {
            let rows = objectives(judged, None, &[], Order::Worst);
            Verdict::new(judged, None, &rows, &[]).words
        })
        .collect();
    assert_eq!(words[0], "Failed, it could not be made");
    assert_eq!(words[1], "Passed without objectives");
    assert_eq!(words[2], "Aborted");
    assert_eq!(words[7], "Warning, -20.5 of 100");
    assert!(all[6].details.is_err() && all[4].details.is_err());
    let map = Heatmap::new(&all, 1, Some(all[0].id), &visitor());
    assert!(map.rows.iter().all(|row| row.cells.len() == all.len()));
    assert_eq!(trends(&all).len(), 1);
    for (before, after) in all.iter().zip(&all[1..]) {
        compare(before, after);
    }
    let slo = Slo::parse(SLO).unwrap();
    let replayed = replay(&slo, &history(&all)).unwrap();
    let replay = Replay::new(&replayed, &all, &visitor());
    let told = replay.changed.len() + replay.unknown.len() + replay.same.len();
    assert_eq!(told, all.len() - 2, "two cannot be read");
}

#[test]
fn a_heatmap_has_the_score_first_then_key_objectives_and_the_newest_last() {
    let (newest, oldest) = (failed(), passed(2, 0.3));
    let map = Heatmap::new(&[newest.clone(), oldest], 41, Some(newest.id), &visitor());
    let names: Vec<&str> = map.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Score", "Response time", "cpu", "errors"]);
    let columns: Vec<&str> = map.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["1.2", "1.3"]);
    assert_eq!((map.columns[0].number, map.columns[1].number), (41, 42));
    assert!(map.columns[1].is_chosen && map.columns[0].is_compared);
    assert_eq!(map.compared().unwrap(), "1.3 was compared with 1.2.");
    let words =
        |row: usize| map.rows[row].cells.iter().map(|c| c.words.as_str()).collect::<Vec<_>>();
    assert_eq!(words(0), ["Passed 100", "Failed 33.333"]);
    assert_eq!(words(1), ["Passed 0.3", "Warning 0.45"]);
    assert_eq!(words(2), ["Not judged", "Info, not read"]);
    assert_eq!(words(3), ["Not judged", "Failed, not read"]);
}

#[test]
fn a_trend_leaves_gaps_and_tells_a_failure_by_its_shape() {
    let drawn = trends(&[failed(), passed(2, 0.3)]);
    assert_eq!(drawn.len(), 1, "what has no value is no line");
    let trend = &drawn[0];
    assert_eq!((trend.newest.as_str(), trend.range.as_str()), ("0.45", "0.3 to 0.45"));
    assert_eq!(trend.limits.as_str(), "pass <0.4, <=+10%; warning <0.5");
    let svg = trend.svg.to_string();
    assert_eq!(svg.matches("class=\"mark t-pass\"").count(), 1);
    assert_eq!(svg.matches("class=\"mark t-warn\"").count(), 1);
    assert!(svg.contains("<polyline class=\"value\" points=\"1 40 3 -20 \"/>"), "{svg}");
    // The one in the middle has no value.
    let gap = trends(&[passed(5, 0.3), judged(4, &json!({"result": "pass"})), passed(3, 0.3)]);
    assert!(gap[0].svg.to_string().contains("class=\"value gap\""));
    let voided = Judged { is_void: true, ..passed(2, 0.3) };
    assert!(trends(&[voided])[0].svg.to_string().contains("d=\"M-3 0a3 3"), "a ring");
}

#[test]
fn two_evaluations_stand_side_by_side_what_differs_first() {
    let pairs = compare(&passed(2, 0.3), &failed());
    let told: Vec<_> = pairs.iter().map(|pair| (pair.name.as_str(), pair.is_other)).collect();
    assert_eq!(told, [("Response time", true), ("cpu", true), ("errors", true)]);
    assert_eq!(pairs[0].change.as_ref().unwrap().words, "+50 %");
    assert_eq!(pairs[2].before, Side::Missing);
    assert!(matches!(&pairs[2].after, Side::Judged { value: None, .. }));
    assert!(compare(&passed(2, 0.3), &passed(3, 0.3)).iter().all(|pair| !pair.is_other));
}

#[test]
fn a_replay_counts_what_would_have_ended_otherwise_and_names_the_objective() {
    let all = [passed(4, 0.35), passed(3, 0.31), passed(2, 0.3)];
    let stricter = "objectives: [{sli: p95, displayName: Response time, pass: [{criteria: ['<0.32']}]}]\n\
                    total_score: {pass: 90%}";
    let replayed = replay(&Slo::parse(stricter).unwrap(), &history(&all)).unwrap();
    let told = Replay::new(&replayed, &all, &visitor());
    assert_eq!(
        told.summary,
        "1 of the last 3 evaluations would have ended otherwise: 1 would have been stopped."
    );
    let changed = &told.changed[0];
    assert_eq!(changed.name.as_str(), "1.4");
    assert_eq!(changed.because[0].as_str(), "Response time passed, and would fail");
    assert!(matches!(&changed.after, Would::End(chip) if chip.status == Status::Failed));
    assert_eq!(told.same.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["1.3", "1.2"]);
}

#[test]
fn of_what_was_not_measured_a_replay_says_that_nobody_knows() {
    let summary = |slo: &str, all: &[Judged]| {
        let slo = format!("objectives: [{{sli: {slo}}}]\ntotal_score: {{pass: 90%}}");
        let replayed = replay(&Slo::parse(&slo).unwrap(), &history(all)).unwrap();
        Replay::new(&replayed, all, &visitor())
    };
    let good = "p95, pass: [{criteria: ['<0.4']}]";
    let strict = "p95, pass: [{criteria: ['<0.1']}]";
    let new = "new, pass: [{criteria: ['<1']}]";
    let (one, three) = ([passed(4, 0.35)], [passed(4, 0.35), passed(3, 0.31), passed(2, 0.3)]);
    let told = summary(new, &three);
    assert_eq!(
        told.summary,
        "Nobody knows how the last 3 evaluations would have ended: what must pass was not measured then."
    );
    assert_eq!((told.changed.len(), told.unknown.len(), told.same.len()), (0, 3, 0));
    assert_eq!(told.unknown[0].because[0].as_str(), "Not measured then: new.");
    assert!(matches!(told.unknown[0].after, Would::Unknown));
    assert_eq!(
        summary(new, &one).summary,
        "Nobody knows how the last evaluation would have ended: what must pass was not measured then."
    );
    // One of them has another indicator.
    let mut other = three.clone();
    other[1] = failed();
    if let Ok(Some(details)) = &mut other[1].details {
        details.indicator_results.as_mut().unwrap().remove(0);
    }
    for (slo, says) in [
        (
            good,
            "2 of the last 3 evaluations would have ended as they did. Of 1 nobody knows: what must",
        ),
        (
            strict,
            "2 of the last 3 evaluations would have ended otherwise: 2 would have been stopped. Of 1 nobody",
        ),
    ] {
        let told = summary(slo, &other);
        assert!(told.summary.starts_with(says), "{}", told.summary);
        assert_eq!(told.unknown.len(), 1);
    }
    for (slo, says) in [
        (good, "The last evaluation would have ended as it did."),
        (strict, "The last evaluation would have ended otherwise: 1 would have been stopped."),
    ] {
        assert_eq!(summary(slo, &one).summary, says);
    }
    assert_eq!(summary(good, &[]).summary, "There is no evaluation to judge again.");
}

#[test]
fn a_timeframe_is_told_with_its_length_and_as_it_is_where_it_is_none() {
    let (start, end, long) =
        timeframe("2026-11-24T10:00:00.000Z", "2026-11-24T10:05:00.000Z").unwrap();
    assert_eq!((start.as_str(), long.as_str()), ("24 Nov 2026, 10:00:00 UTC", "5 min"));
    assert_eq!(end.as_str(), "24 Nov 2026, 10:05:00 UTC");
    let (start, _, long) = timeframe("yesterday", "").unwrap();
    assert_eq!((start.as_str(), long.as_str()), ("yesterday", ""));
    assert_eq!(timeframe("", ""), None);
}
