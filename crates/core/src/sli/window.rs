//! The time that is evaluated, as providers are told it.

use jiff::{SignedDuration, Timestamp};

use crate::excerpt::excerpt;

const NANOSECONDS: i128 = 1_000_000_000;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

/// Why there is no time to evaluate. The whole question is errored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// `start` is no time.
    #[error("unable to parse start timestamp: {0}")]
    Start(String),
    /// `end` is no time. Keptn 1.4 does not notice, and takes the present.
    #[error("unable to parse end timestamp: {0}")]
    End(String),
    /// It would be a negative time.
    #[error("the evaluated time ends at {end}, before it starts at {start}")]
    Reversed {
        /// The later one.
        start: Timestamp,
        /// The earlier one.
        end: Timestamp,
    },
}

impl Window {
    /// Reads start and end, each RFC 3339 or whole seconds since 1970.
    ///
    /// # Errors
    /// [`WindowError`]
    pub fn parse(start: &str, end: &str) -> Result<Self, WindowError> {
        let start = time(start).map_err(WindowError::Start)?;
        let end = time(end).map_err(WindowError::End)?;
        if end < start {
            Err(WindowError::Reversed { start, end })
        } else {
            Ok(Self { start, end })
        }
    }

    /// Its length as a PromQL duration: whole seconds, rounded up. Keptn 1.4 writes `0s` where start and
    /// end are the same, which is no PromQL; here it is `1s`.
    #[must_use]
    pub fn range(&self) -> String {
        let length = self.end.duration_since(self.start);
        let whole = SignedDuration::from_secs(length.as_secs());
        let seconds = length.as_secs() + i64::from(length > whole);
        format!("{}s", seconds.max(1))
    }

    /// The start in whole seconds since 1970, rounded down.
    #[must_use]
    pub fn start_seconds(&self) -> i64 {
        let seconds = self.start.as_nanosecond().div_euclid(NANOSECONDS);
        i64::try_from(seconds).expect("a timestamp is within ten thousand years of 1970")
    }

    /// The end in whole seconds since 1970, rounded up: nothing that was measured is left out.
    #[must_use]
    pub fn end_seconds(&self) -> i64 {
        let seconds = -(-self.end.as_nanosecond()).div_euclid(NANOSECONDS);
        i64::try_from(seconds).expect("a timestamp is within ten thousand years of 1970")
    }

    /// The start as RFC 3339, in UTC and with its fraction.
    #[must_use]
    pub fn start_rfc3339(&self) -> String {
        self.start.to_string()
    }

    /// The end as RFC 3339, in UTC and with its fraction.
    #[must_use]
    pub fn end_rfc3339(&self) -> String {
        self.end.to_string()
    }

    /// The end in seconds since 1970, with a fraction where there is one: the field `time` of a question.
    #[must_use]
    pub fn time(&self) -> String {
        // Exact to the microsecond, as Prometheus' own clients send it.
        let microseconds = self.end.as_microsecond();
        #[allow(clippy::cast_precision_loss, reason = "below 2^53 for the next two centuries")]
        let seconds = microseconds as f64 / 1e6;
        seconds.to_string()
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let seconds = || text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    text.parse().ok().or_else(seconds).ok_or_else(|| {
        let shown = excerpt(text, 64);
        format!(
            "{shown:?} is neither RFC 3339, such as 2022-01-31T10:00:00.000Z, nor seconds since 1970"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, end: &str) -> String {
        Window::parse(start, end).unwrap().range()
    }

    #[test]
    fn a_range_is_whole_seconds_rounded_up() {
        let start = "2022-01-31T10:00:00.000Z";
        for (end, seconds) in [
            ("2022-01-31T10:05:00.000Z", "300s"),
            ("2022-01-31T10:05:00.001Z", "301s"),
            ("2022-01-31T10:04:59.999Z", "300s"),
            ("2022-01-31T12:05:00+02:00", "300s"),
            ("2022-01-31T10:00:00.000000001Z", "1s"),
            ("2022-01-31T10:00:00Z", "1s"),
        ] {
            assert_eq!(range(start, end), seconds, "{end}");
        }
    }

    #[test]
    fn seconds_since_1970_are_times_too() {
        assert_eq!(range("1643623200", "1643623500"), "300s");
        assert_eq!(range("2022-01-31T10:00:00Z", "1643623500"), "300s");
        assert_eq!(range("-1", "0"), "1s");
    }

    #[test]
    fn whole_seconds_leave_nothing_out() {
        for (start, end, seconds) in [
            ("2022-01-31T10:00:00Z", "2022-01-31T10:05:00Z", (1_643_623_200, 1_643_623_500)),
            ("2022-01-31T10:00:00.9Z", "2022-01-31T10:05:00.1Z", (1_643_623_200, 1_643_623_501)),
            ("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:59.5Z", (-2, 0)),
        ] {
            let window = Window::parse(start, end).unwrap();
            assert_eq!((window.start_seconds(), window.end_seconds()), seconds, "{start}");
        }
        for far in ["9999-12-30T22:00:00.999999999Z", "-009999-01-02T01:59:59Z"] {
            let window = Window::parse(far, far).unwrap();
            assert!(window.start_seconds() <= window.end_seconds());
        }
    }

    #[test]
    fn times_are_told_in_utc() {
        let window = Window::parse("2022-01-31T12:00:00.5+02:00", "1643623500").unwrap();
        assert_eq!(window.start_rfc3339(), "2022-01-31T10:00:00.5Z");
        assert_eq!(window.end_rfc3339(), "2022-01-31T10:05:00Z");
    }

    #[test]
    fn the_time_of_a_question_is_the_end_with_its_fraction() {
        let time = |end: &str| Window::parse("0", end).unwrap().time();
        assert_eq!(time("1643623500"), "1643623500");
        assert_eq!(time("2022-01-31T10:05:00.250Z"), "1643623500.25");
        assert_eq!(time("2022-01-31T10:05:00.001Z"), "1643623500.001");
    }

    #[test]
    fn what_is_no_time_is_said_with_the_text() {
        let error = |start: &str, end: &str| Window::parse(start, end).unwrap_err().to_string();
        let hint = "is neither RFC 3339, such as 2022-01-31T10:00:00.000Z, nor seconds since 1970";
        assert_eq!(error("soon", "0"), format!("unable to parse start timestamp: \"soon\" {hint}"));
        assert_eq!(error("0", ""), format!("unable to parse end timestamp: \"\" {hint}"));
        for odd in ["1.5", "2022-01-31", "2022-01-31T10:00:00", "99999999999999999999"] {
            assert!(error(odd, "0").starts_with("unable to parse start timestamp"), "{odd}");
        }
        let says = "the evaluated time ends at 1970-01-01T00:00:01Z, before it starts at \
                    1970-01-01T00:00:02Z";
        assert_eq!(error("2", "1"), says);
    }
}
