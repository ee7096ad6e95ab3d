//! From when to when is evaluated. Keptn 1.4's rules, among them the odd one that the offset of a timestamp
//! is dropped, not converted: `10:00:00+10:00` becomes `10:00:00.000Z`.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::Timeframe;
use super::timestamp::{Moment, TimestampError};
use crate::go::{DurationError, parse_duration};

/// Where nothing says from when: the last five minutes.
const DEFAULT: SignedDuration = SignedDuration::from_mins(5);
/// Shortest time that can be evaluated.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Which time is asked for. Empty texts are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span<'a> {
    /// From when: `2022-01-31T10:00:00.000Z`, RFC 3339 with an offset, or without a zone, which is UTC.
    pub start: &'a str,
    /// Until when.
    pub end: &'a str,
    /// How long: a duration of Go's, such as `5m` or `1h30m`.
    pub timeframe: &'a str,
}

/// Why no time comes of it, in Keptn's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// A start, and neither how long nor until when.
    #[error("no timeframe or end date provided")]
    NoEnd,
    /// Both how long and until when.
    #[error("'end' and 'timeframe' are mutually exclusive")]
    TwoEnds,
    /// Until when, but not from when.
    #[error("start date is required when using an end date")]
    NoStart,
    /// How long is no duration.
    #[error("could not parse provided timeframe: {0}")]
    Timeframe(String),
    /// From or until when is no timestamp.
    #[error("{0}")]
    Timestamp(#[from] TimestampError),
    /// Less than a minute, or backwards.
    #[error("end date must be at least 1 minute after start date")]
    Short,
    /// A triggered evaluation says nothing of time.
    #[error("evaluation.triggered event does not contain evaluation timeframe")]
    Missing,
    /// Outside of the years that can be written with four digits.
    #[error("the start or the end is outside of the years 0000 to 9999")]
    OutOfRange,
}

impl TimeError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoEnd => "give an end or a timeframe beside the start",
            Self::TwoEnds => "take away the end or the timeframe",
            Self::NoStart => "give a start beside the end",
            Self::Timeframe(_) => "write it like 5m, 90s or 1h30m",
            Self::Timestamp(_) => "write it like 2022-01-31T10:00:00.000Z",
            Self::Short => "let the end be at least 60 seconds after the start",
            Self::Missing => {
                "give the task evaluation a timeframe in the shipyard, or trigger it with a start and an end"
            }
            Self::OutOfRange => "give a shorter timeframe",
        }
    }
}

impl From<DurationError> for TimeError {
    fn from(error: DurationError) -> Self {
        Self::Timeframe(error.to_string())
    }
}

/// The time that is asked for; with nothing given, the last five minutes. As texts in UTC with milliseconds.
///
/// # Errors
/// What is asked for contradicts itself, cannot be read, or is shorter than a minute.
pub fn resolve(span: Span<'_>, now: Timestamp) -> Result<Timeframe, TimeError> {
    let Span { start, end, timeframe } = span;
    match (start.is_empty(), end.is_empty(), timeframe.is_empty()) {
        (false, true, true) => return Err(TimeError::NoEnd),
        (_, false, false) => return Err(TimeError::TwoEnds),
        (true, false, _) => return Err(TimeError::NoStart),
        _ => {}
    }
    let length = if timeframe.is_empty() { DEFAULT } else { parse_duration(timeframe)? };
    let now = Moment::utc(now);
    let from = if start.is_empty() {
        now.plus(-length).ok_or(TimeError::OutOfRange)?
    } else {
        Moment::parse(start)?
    };
    let until = if !end.is_empty() {
        Moment::parse(end)?
    } else if start.is_empty() {
        now
    } else {
        from.plus(length).ok_or(TimeError::OutOfRange)?
    };
    // By the instants they are, although their offsets are not written.
    if until.since(from) < SHORTEST {
        return Err(TimeError::Short);
    }
    Ok(Timeframe { start: written(from.local), end: written(until.local) })
}

/// The time that the data of an `evaluation.triggered` event asks for. Keptn 1.4: `evaluation` counts with a
/// timeframe or with both a start and an end, else the start and end of `test`, as they are spelt.
///
/// # Errors
/// As [`resolve`]; also where the event asks for none.
pub fn of_event(data: &Map<String, Value>, now: Timestamp) -> Result<Timeframe, TimeError> {
    let text = |task: &str, key: &str| {
        let field = data.get(task).and_then(|fields| fields.get(key));
        field.and_then(Value::as_str).unwrap_or_default()
    };
    let span = Span {
        start: text("evaluation", "start"),
        end: text("evaluation", "end"),
        timeframe: text("evaluation", "timeframe"),
    };
    if !span.timeframe.is_empty() || !span.start.is_empty() && !span.end.is_empty() {
        return resolve(span, now);
    }
    let (start, end) = (text("test", "start"), text("test", "end"));
    if start.is_empty() || end.is_empty() {
        return Err(TimeError::Missing);
    }
    Ok(Timeframe { start: start.to_owned(), end: end.to_owned() })
}

/// Parts of a millisecond are cut off.
fn written(local: DateTime) -> String {
    let (date, time) = (local.date(), local.time());
    format!(
        "{date}T{:02}:{:02}:{:02}.{:03}Z",
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        assert_eq!(
            resolve(span, now()).unwrap_err().hint(),
            "write it like 2022-01-31T10:00:00.000Z"
        );
        let span = Span { start: "9999-12-31T23:59:59Z", timeframe: "5m", ..Span::default() };
        assert_eq!(resolve(span, now()), Err(TimeError::OutOfRange));
    }

    fn of(data: &Value) -> Result<(String, String), String> {
        let found =
            of_event(data.as_object().unwrap(), now()).map_err(|error| error.to_string())?;
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
        for data in
            [json!({}), json!({"test": {"start": "x"}}), json!({"evaluation": {"start": "x"}})]
        {
            assert_eq!(of(&data), Err(says.to_owned()), "{data}");
        }
    }
}
