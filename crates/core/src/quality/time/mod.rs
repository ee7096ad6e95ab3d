//! From when to when is evaluated. Keptn 1.4's rules, among them the odd one that the offset of a timestamp
//! is dropped, not converted: `10:00:00+10:00` becomes `10:00:00.000Z`.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::Timeframe;
use super::timestamp::{Moment, TimestampError};
use crate::go::{DurationError, parse_duration};
use crate::shipyard::TaskDefinition;

#[cfg(test)]
mod tests;

/// The task, the sequence that every stage has, and where both say which time is evaluated.
pub const EVALUATION: &str = "evaluation";
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

impl<'a> Span<'a> {
    /// What the data of an event ask for in `evaluation`. What is no text is absent.
    #[must_use]
    pub fn of(data: &'a Map<String, Value>) -> Self {
        let fields = data.get(EVALUATION);
        let text = |key: &str| {
            fields.and_then(|fields| fields.get(key)).and_then(Value::as_str).unwrap_or_default()
        };
        Self { start: text("start"), end: text("end"), timeframe: text("timeframe") }
    }
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
    /// A time is asked for, and the shipyard has a start or an end.
    #[error("the shipyard fixes the {0} of this evaluation")]
    Fixed(&'static str),
    /// Only how long is asked for, and the evaluation begins later.
    #[error("a timeframe alone ends when the evaluation begins, and that is behind other tasks")]
    Later,
    /// A time is asked for of a sequence without an evaluation.
    #[error("the sequence evaluates nothing")]
    Unevaluated,
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
            Self::Fixed(_) => {
                "take it out of the properties of the task evaluation, or ask for no time"
            }
            Self::Later => {
                "give a start too, or give the task evaluation a timeframe in the shipyard"
            }
            Self::Unevaluated => "ask for no time, or trigger a sequence with a task evaluation",
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

/// The time that a sequence evaluates which somebody triggers, fixed now; none where its task says it when it
/// begins, or where nothing is said. What is asked for wins over the shipyard's `timeframe`; with nothing asked,
/// the sequence `evaluation` is of the shipyard's, or else of the last five minutes.
///
/// # Errors
/// As [`resolve`]; also where what is asked for would not be what is evaluated.
pub fn of_trigger(
    sequence: &str,
    tasks: &[TaskDefinition],
    asked: Span<'_>,
    now: Timestamp,
) -> Result<Option<Timeframe>, TimeError> {
    let first = tasks.iter().position(|task| task.name == EVALUATION);
    let task = first.map(|index| &tasks[index]);
    let says = |key: &str| {
        let found = task.and_then(|task| task.properties.get(key)).and_then(Value::as_str);
        found.unwrap_or_default()
    };
    let fixed = ["start", "end"].into_iter().find(|key| !says(key).is_empty());
    let is_now = first == Some(0) && task.is_some_and(|task| task.triggered_after.is_none());
    if asked == Span::default() {
        let own = Span { timeframe: says("timeframe"), ..Span::default() };
        return match (sequence == EVALUATION, fixed) {
            (true, None) if own == asked => resolve(own, now).map(Some),
            // One that cannot be read is told by the evaluation, as in Keptn.
            (true, None) if is_now => Ok(resolve(own, now).ok()),
            _ => Ok(None),
        };
    }
    if let Some(key) = fixed {
        return Err(TimeError::Fixed(key));
    }
    if sequence != EVALUATION {
        if task.is_none() {
            return Err(TimeError::Unevaluated);
        }
        if asked.start.is_empty() && !is_now {
            return Err(TimeError::Later);
        }
    }
    resolve(asked, now).map(Some)
}

/// The time that the data of an `evaluation.triggered` event asks for. Keptn 1.4: `evaluation` counts with a
/// timeframe or with both a start and an end, else the start and end of `test`, as they are spelt.
///
/// A start and an end beside a timeframe are an error to Keptn. Here they are what was asked for when the
/// sequence was triggered, and win over the shipyard's timeframe; once something was evaluated by them, for
/// which there is a result, they are of the past, and the timeframe counts.
///
/// # Errors
/// As [`resolve`]; also where the event asks for none.
pub fn of_event(data: &Map<String, Value>, now: Timestamp) -> Result<Timeframe, TimeError> {
    let text = |task: &str, key: &str| {
        let field = data.get(task).and_then(|fields| fields.get(key));
        field.and_then(Value::as_str).unwrap_or_default()
    };
    let span = Span::of(data);
    match (!span.start.is_empty() && !span.end.is_empty(), !span.timeframe.is_empty()) {
        (true, true) if text(EVALUATION, "result").is_empty() => {
            return resolve(Span { timeframe: "", ..span }, now);
        }
        (true, true) => {
            return resolve(Span { timeframe: span.timeframe, ..Span::default() }, now);
        }
        (true, false) | (false, true) => return resolve(span, now),
        (false, false) => {}
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
