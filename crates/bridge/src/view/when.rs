//! Points in time and spans, in words.

use jiff::Timestamp;

/// A point in time: exact for programs, absolute and relative for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// RFC 3339, for `datetime`.
    pub(crate) exact: String,
    /// `24 Nov 2026, 14:03:22 UTC`
    pub(crate) absolute: String,
    /// `12 min ago`
    pub(crate) relative: String,
    /// Whether it may lie in the future.
    pub(crate) to_come: bool,
}

impl When {
    /// The point `at` of something that has happened, as seen from `now`. Where the clock was set back
    /// meanwhile, it is no future that it happened in.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self::seen(at, at.min(now), now, false)
    }

    /// The point `at` of something that may be to come.
    pub(crate) fn to_come(at: Timestamp, now: Timestamp) -> Self {
        Self::seen(at, at, now, true)
    }

    fn seen(at: Timestamp, relative_to: Timestamp, now: Timestamp, to_come: bool) -> Self {
        let seconds = now.as_second() - relative_to.as_second();
        let relative = match seconds {
            // A clock that runs a little ahead shows no future.
            -59..=9 => "just now".to_owned(),
            ..=-60 => format!("in {}", span(-seconds)),
            _ => format!("{} ago", span(seconds)),
        };
        let absolute = at.to_zoned(jiff::tz::TimeZone::UTC);
        Self {
            exact: format!("{at:.0}"),
            absolute: absolute.strftime("%-d %b %Y, %H:%M:%S UTC").to_string(),
            relative,
            to_come,
        }
    }
}

/// A span of seconds in its two largest units: `42 s`, `12 min`, `2 h 10 min`, `6 d`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (minutes, hours, days) {
        (0, ..) => format!("{seconds} s"),
        (1..=9, ..) if seconds % 60 != 0 => format!("{minutes} min {} s", seconds % 60),
        (_, 0, _) => format!("{minutes} min"),
        (_, 1..=9, 0) if minutes % 60 != 0 => format!("{hours} h {} min", minutes % 60),
        (.., 0) => format!("{hours} h"),
        (.., 1..=2) if hours % 24 != 0 => format!("{days} d {} h", hours % 24),
        _ => format!("{days} d"),
    }
}

/// How long something took, to the second; below ten seconds to the tenth, below one to the
/// millisecond.
pub(crate) fn took(start: Timestamp, end: Timestamp) -> String {
    match end.as_millisecond() - start.as_millisecond() {
        ..=0 => "0 ms".to_owned(),
        ms @ ..=999 => format!("{ms} ms"),
        ms @ ..=9_999 if ms % 1000 >= 100 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => span(ms / 1000),
    }
}

/// The seconds between two points, never negative.
pub(crate) fn seconds_between(start: Timestamp, end: Timestamp) -> i64 {
    (end.as_second() - start.as_second()).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_use_their_largest_units() {
        let words: Vec<String> =
            [0, 42, 60, 75, 720, 3600, 7800, 36_000, 90_000, 518_400, -5].map(span).into();
        let expected = [
            "0 s",
            "42 s",
            "1 min",
            "1 min 15 s",
            "12 min",
            "1 h",
            "2 h 10 min",
            "10 h",
            "1 d 1 h",
            "6 d",
            "0 s",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn what_is_short_is_told_more_exactly() {
        let after = |ms| {
            let start = Timestamp::UNIX_EPOCH;
            took(start, start + jiff::SignedDuration::from_millis(ms))
        };
        let words = [-5, 0, 7, 999, 1_000, 1_099, 1_799, 9_999, 10_999, 62_000].map(after);
        let expected =
            ["0 ms", "0 ms", "7 ms", "999 ms", "1 s", "1 s", "1.7 s", "9.9 s", "10 s", "1 min 2 s"];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_point_is_exact_absolute_and_relative() {
        let at: Timestamp = "2026-11-24T14:03:22.5Z".parse().unwrap();
        let after = |seconds| at + jiff::SignedDuration::from_secs(seconds);
        let when = When::new(at, after(720));
        assert_eq!(when.exact, "2026-11-24T14:03:22Z");
        assert_eq!(when.absolute, "24 Nov 2026, 14:03:22 UTC");
        assert_eq!(when.relative, "12 min ago");
        assert_eq!(When::new(after(30), at).relative, "just now");
        assert_eq!(When::new(after(7200), at).relative, "just now", "it has happened");
        assert_eq!(When::to_come(after(7200), at).relative, "in 2 h");
        assert_eq!(When::to_come(at, after(720)).relative, "12 min ago");
    }
}
