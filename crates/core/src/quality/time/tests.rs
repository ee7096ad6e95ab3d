//! Times as they are asked for, by people, shipyards and events.

use serde_json::json;

use super::*;
use crate::names::TaskName;

fn now() -> Timestamp {
    "2022-01-31T10:00:00.123456Z".parse().unwrap()
}

fn resolved(start: &str, end: &str, timeframe: &str) -> Result<(String, String), String> {
    let span = Span { start, end, timeframe };
    let found = resolve(span, now()).map_err(|error| error.to_string())?;
    Ok((found.start, found.end))
}

#[test]
fn every_combination_of_start_end_and_timeframe_has_one_meaning() {
    let (s, e) = ("2022-01-31T08:00:00.000Z", "2022-01-31T09:00:00.000Z");
    let ok = |start: &str, end: &str| Ok((start.to_owned(), end.to_owned()));
    let now = "2022-01-31T10:00:00.123Z";
    assert_eq!(resolved("", "", ""), ok("2022-01-31T09:55:00.123Z", now));
    assert_eq!(resolved("", "", "1h30m"), ok("2022-01-31T08:30:00.123Z", now));
    assert_eq!(resolved(s, "", "1h"), ok(s, e));
    assert_eq!(resolved(s, e, ""), ok(s, e));
    for (start, end, timeframe, says) in [
        (s, "", "", "no timeframe or end date provided"),
        ("", e, "", "start date is required when using an end date"),
        ("", e, "5m", "'end' and 'timeframe' are mutually exclusive"),
        (s, e, "5m", "'end' and 'timeframe' are mutually exclusive"),
    ] {
        assert_eq!(resolved(start, end, timeframe), Err(says.to_owned()));
    }
}

#[test]
fn a_minute_is_long_enough_and_less_is_not() {
    let s = "2022-01-31T08:00:00Z";
    assert!(resolved(s, "", "1m").is_ok());
    assert!(resolved(s, "2022-01-31T08:01:00Z", "").is_ok());
    for (end, timeframe) in [
        ("2022-01-31T08:00:59.999999999Z", ""),
        ("2022-01-31T07:00:00Z", ""),
        (s, ""),
        ("", "59.999999999s"),
        ("", "-5m"),
        ("", "0"),
    ] {
        let says = "end date must be at least 1 minute after start date";
        assert_eq!(resolved(s, end, timeframe), Err(says.to_owned()), "{end}{timeframe}");
    }
    assert!(resolved("", "", "-5m").is_err());
}

#[test]
fn an_offset_is_dropped_from_what_is_written_but_not_from_how_long_it_is() {
    let found = resolved("2022-01-31T10:00:00+10:00", "2022-01-31T10:00:00.9999Z", "").unwrap();
    assert_eq!(found, ("2022-01-31T10:00:00.000Z".into(), "2022-01-31T10:00:00.999Z".into()));
    assert!(resolved("2022-01-31T10:00:00-01:00", "2022-01-31T10:30:00Z", "").is_err());
    let found = resolved("2022-01-31T23:59:30+10:00", "", "1m").unwrap();
    assert_eq!(found, ("2022-01-31T23:59:30.000Z".into(), "2022-02-01T00:00:30.000Z".into()));
}

#[test]
fn what_cannot_be_read_is_said_with_how_to_write_it() {
    assert_eq!(
        resolved("", "", "1d"),
        Err("could not parse provided timeframe: time: unknown unit \"d\" in duration \"1d\""
            .into())
    );
    let error = resolve(Span { timeframe: "5", ..Span::default() }, now()).unwrap_err();
    assert_eq!(error.hint(), "write it like 5m, 90s or 1h30m");
    let span = Span { start: "yesterday", timeframe: "5m", ..Span::default() };
    assert_eq!(resolve(span, now()).unwrap_err().hint(), "write it like 2022-01-31T10:00:00.000Z");
    let span = Span { start: "9999-12-31T23:59:59Z", timeframe: "5m", ..Span::default() };
    assert_eq!(resolve(span, now()), Err(TimeError::OutOfRange));
}

fn of(data: &Value) -> Result<(String, String), String> {
    let found = of_event(data.as_object().unwrap(), now()).map_err(|error| error.to_string())?;
    Ok((found.start, found.end))
}

#[test]
fn an_event_is_asked_for_the_evaluation_s_time_and_then_for_the_test_s() {
    let test = json!({"start": "some", "end": "time"});
    let verbatim = Ok(("some".to_owned(), "time".to_owned()));
    assert_eq!(of(&json!({"test": test})), verbatim);
    assert_eq!(of(&json!({"test": test, "evaluation": {"start": "x"}})), verbatim);
    assert_eq!(of(&json!({"test": test, "evaluation": {"end": "x"}})), verbatim);
    assert_eq!(of(&json!({"test": test, "evaluation": null})), verbatim);
    let found = of(&json!({"test": test, "evaluation": {"timeframe": "10m"}})).unwrap();
    assert_eq!(found.0, "2022-01-31T09:50:00.123Z");
    let evaluation = json!({"start": "2022-01-31T08:00:00Z", "end": "2022-01-31T09:00:00Z"});
    let found = of(&json!({"test": test, "evaluation": evaluation})).unwrap();
    assert_eq!(found.0, "2022-01-31T08:00:00.000Z");
    let says = "evaluation.triggered event does not contain evaluation timeframe";
    for data in [json!({}), json!({"test": {"start": "x"}}), json!({"evaluation": {"start": "x"}})]
    {
        assert_eq!(of(&data), Err(says.to_owned()), "{data}");
    }
}

#[test]
fn what_was_asked_for_at_the_trigger_wins_over_the_timeframe_of_the_shipyard_once() {
    let (s, e) = ("2022-01-31T08:00:00.000Z", "2022-01-31T09:00:00.000Z");
    let asked = json!({"evaluation": {"start": s, "end": e, "timeframe": "5m"}});
    assert_eq!(of(&asked), Ok((s.to_owned(), e.to_owned())));
    // An evaluation behind that one, of a later task or another stage, inherits its data.
    let result = json!({"start": s, "end": e, "timeframe": "5m", "result": "pass", "score": 100});
    let last = ("2022-01-31T09:55:00.123Z".to_owned(), "2022-01-31T10:00:00.123Z".to_owned());
    assert_eq!(of(&json!({"evaluation": result})), Ok(last));
    let none = json!({"start": s, "end": e, "result": "pass"});
    assert_eq!(of(&json!({"evaluation": none})), Ok((s.to_owned(), e.to_owned())));
    // With one end only it is no time that was asked for.
    let half = json!({"evaluation": {"end": e, "timeframe": "5m"}});
    assert_eq!(of(&half), Err("'end' and 'timeframe' are mutually exclusive".to_owned()));
}

/// Tasks of a sequence: what the shipyard says of each, where it is an evaluation.
fn tasks(tasks: &[(&str, Value)]) -> Vec<TaskDefinition> {
    let task = |(name, properties): &(&str, Value)| TaskDefinition {
        name: TaskName::new(*name).unwrap(),
        properties: properties.as_object().unwrap().clone(),
        triggered_after: None,
    };
    tasks.iter().map(task).collect()
}

type Triggered = Result<Option<(String, String)>, String>;

fn triggered(sequence: &str, tasks: &[TaskDefinition], asked: Span<'_>) -> Triggered {
    let found = of_trigger(sequence, tasks, asked, now()).map_err(|error| error.to_string())?;
    Ok(found.map(|found| (found.start, found.end)))
}

fn last(minutes: u32) -> Triggered {
    Ok(Some((
        format!("2022-01-31T09:{:02}:00.123Z", 60 - minutes),
        "2022-01-31T10:00:00.123Z".into(),
    )))
}

#[test]
fn with_nothing_asked_the_shipyard_says_which_time_is_evaluated_or_it_is_the_last_five_minutes() {
    let nothing = Span::default();
    let own = |properties: Value| tasks(&[("evaluation", properties)]);
    assert_eq!(triggered("evaluation", &own(json!({})), nothing), last(5));
    assert_eq!(triggered("evaluation", &own(json!({"timeframe": "10m"})), nothing), last(10));
    // Behind something else, or later, it looks back from when it begins.
    let behind = tasks(&[("test", json!({})), ("evaluation", json!({"timeframe": "10m"}))]);
    assert_eq!(triggered("evaluation", &behind, nothing), Ok(None));
    let mut later = own(json!({"timeframe": "10m"}));
    later[0].triggered_after = Some(std::time::Duration::from_secs(600));
    assert_eq!(triggered("evaluation", &later, nothing), Ok(None));
    // What the shipyard says wrongly is said by the evaluation.
    for wrong in [json!({"timeframe": "10"}), json!({"start": "2022-01-31T08:00:00Z"})] {
        assert_eq!(triggered("evaluation", &own(wrong), nothing), Ok(None));
    }
    // Any other sequence is nobody's business.
    assert_eq!(triggered("check", &own(json!({})), nothing), Ok(None));
    assert_eq!(triggered("delivery", &tasks(&[("deployment", json!({}))]), nothing), Ok(None));
}

#[test]
fn what_is_asked_for_is_evaluated_or_refused() {
    let own = |properties: Value| tasks(&[("evaluation", properties)]);
    let half_hour = Span { timeframe: "30m", ..Span::default() };
    let hour = Span { start: "2022-01-31T08:00:00Z", timeframe: "1h", ..Span::default() };
    let then = Ok(Some(("2022-01-31T08:00:00.000Z".into(), "2022-01-31T09:00:00.000Z".into())));
    let behind = tasks(&[("test", json!({})), ("evaluation", json!({"timeframe": "10m"}))]);
    for sequence in ["evaluation", "check"] {
        for properties in [json!({}), json!({"timeframe": "5m"})] {
            assert_eq!(triggered(sequence, &own(properties.clone()), half_hour), last(30));
            assert_eq!(triggered(sequence, &own(properties), hour), then);
        }
        assert_eq!(triggered(sequence, &behind, hour), then);
        let says = "the shipyard fixes the end of this evaluation";
        let fixed = own(json!({"end": "2022-01-31T10:00:00Z"}));
        assert_eq!(triggered(sequence, &fixed, hour), Err(says.to_owned()));
    }
    // As Keptn's API does it, whatever is before it.
    assert_eq!(triggered("evaluation", &behind, half_hour), last(30));
    let says = "a timeframe alone ends when the evaluation begins, and that is behind other tasks";
    assert_eq!(triggered("check", &behind, half_hour), Err(says.to_owned()));
    let says = "the sequence evaluates nothing";
    let deploys = tasks(&[("deployment", json!({}))]);
    assert_eq!(triggered("delivery", &deploys, hour), Err(says.to_owned()));
    let wrong = Span { timeframe: "30", ..Span::default() };
    assert!(triggered("evaluation", &own(json!({})), wrong).is_err());
}
