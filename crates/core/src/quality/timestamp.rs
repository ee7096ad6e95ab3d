//! Timestamps as Keptn reads them: three forms, tried in turn, by the rules of Go's `time.Parse`.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use crate::go::quoted;

/// A time of day on a date, and how far from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// What its own clocks show.
    pub(super) local: DateTime,
    offset: SignedDuration,
}

/// Why a text is no timestamp, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Something else stands where a part must be.
    #[error(
        "parsing time {} as {}: cannot parse {} as {}",
        quoted(text),
        quoted(LAST),
        quoted(rest),
        quoted(part)
    )]
    Part {
        /// The whole text.
        text: String,
        /// From where on it cannot be read.
        rest: String,
        /// An example of what must stand there.
        part: &'static str,
    },
    /// A number is too large, such as an hour 24.
    #[error("parsing time {}: {} out of range", quoted(text), part)]
    Range {
        /// The whole text.
        text: String,
        /// What the number counts.
        part: &'static str,
    },
    /// It goes on where it must have ended.
    #[error("parsing time {}: extra text: {}", quoted(text), quoted(rest))]
    Extra {
        /// The whole text.
        text: String,
        /// What is too much.
        rest: String,
    },
}

/// The form that is tried last, by Go's example date.
const LAST: &str = "2006-01-02T15:04:05";

/// What may follow the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Three digits behind a point, and `Z`.
    Keptn,
    /// Any digits behind a point, or none, and `Z` or an offset.
    Rfc3339,
    /// Any digits behind a point, or none, and nothing else.
    Zoneless,
}

/// Why one form does not fit.
enum Misfit<'a> {
    Part { rest: &'a str, part: &'static str },
    Range(&'static str),
    Extra(&'a str),
}

impl Moment {
    /// An instant, by the clocks of UTC.
    pub(super) fn utc(instant: Timestamp) -> Self {
        let local = jiff::tz::Offset::UTC.to_datetime(instant);
        Self { local, offset: SignedDuration::ZERO }
    }

    /// Reads a timestamp.
    ///
    /// # Errors
    /// It fits none of the forms: why it does not fit the last one.
    pub(super) fn parse(text: &str) -> Result<Self, TimestampError> {
        let fit = |form| Cursor { rest: text }.moment(form);
        let misfit = match fit(Form::Keptn).or_else(|_| fit(Form::Rfc3339)) {
            Ok(moment) => return Ok(moment),
            Err(_) => match fit(Form::Zoneless) {
                Ok(moment) => return Ok(moment),
                Err(misfit) => misfit,
            },
        };
        let text = text.to_owned();
        Err(match misfit {
            Misfit::Part { rest, part } => {
                TimestampError::Part { text, rest: rest.to_owned(), part }
            }
            Misfit::Range(part) => TimestampError::Range { text, part },
            Misfit::Extra(rest) => TimestampError::Extra { text, rest: rest.to_owned() },
        })
    }

    /// That much later; none beyond the years that can be written.
    pub(super) fn plus(self, length: SignedDuration) -> Option<Self> {
        let local = self.local.checked_add(length).ok()?;
        (0..=9999).contains(&local.year()).then_some(Self { local, ..self })
    }

    /// How long after another one.
    pub(super) fn since(self, other: Self) -> SignedDuration {
        self.local.duration_since(other.local) - self.offset + other.offset
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn moment(mut self, form: Form) -> Result<Moment, Misfit<'a>> {
        let year = self.year()?;
        self.sign("-")?;
        let month = self.number("01", 2, "month", 1..=12)?;
        self.sign("-")?;
        let day = self.number("02", 2, "day", 0..=99)?;
        self.sign("T")?;
        let hour = self.number("15", 1, "hour", 0..=23)?;
        self.sign(":")?;
        let minute = self.number("04", 2, "minute", 0..=59)?;
        self.sign(":")?;
        let second = self.number("05", 2, "second", 0..=59)?;
        let nanos = match form {
            Form::Keptn => self.milliseconds()?,
            Form::Rfc3339 | Form::Zoneless => self.fraction(),
        };
        let offset = match form {
            Form::Keptn => self.sign("Z").map(|()| 0)?,
            Form::Rfc3339 => self.zone()?,
            Form::Zoneless => 0,
        };
        if !self.rest.is_empty() {
            return Err(Misfit::Extra(self.rest));
        }
        let date = Date::new(year, month, day).map_err(|_| Misfit::Range("day"))?;
        let time = Time::new(hour, minute, second, nanos).map_err(|_| Misfit::Range("second"))?;
        let local = DateTime::from_parts(date, time);
        Ok(Moment { local, offset: SignedDuration::from_secs(offset) })
    }

    fn year(&mut self) -> Result<i16, Misfit<'a>> {
        let part = "2006";
        let misfit = Misfit::Part { rest: self.rest, part };
        let digits = self.rest.get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let Some(year) = digits.and_then(|digits| digits.parse().ok()) else { return Err(misfit) };
        self.rest = &self.rest[4..];
        Ok(year)
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), Misfit<'a>> {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(Misfit::Part { rest: self.rest, part: sign }),
        }
    }

    /// Two digits, or where `least` is 1, one.
    fn number(
        &mut self,
        part: &'static str,
        least: usize,
        name: &'static str,
        range: std::ops::RangeInclusive<i8>,
    ) -> Result<i8, Misfit<'a>> {
        let misfit = Misfit::Part { rest: self.rest, part };
        let digits = self.rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return Err(misfit);
        }
        let (number, rest) = self.rest.split_at(digits);
        let Ok(number) = number.parse::<i8>() else { return Err(misfit) };
        self.rest = rest;
        if range.contains(&number) { Ok(number) } else { Err(Misfit::Range(name)) }
    }

    /// A point, or a comma, and three digits.
    fn milliseconds(&mut self) -> Result<i32, Misfit<'a>> {
        let misfit = Misfit::Part { rest: self.rest, part: ".000" };
        let digits = self.rest.strip_prefix(['.', ',']).and_then(|rest| rest.get(..3));
        let digits = digits.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let Some(millis) = digits.and_then(|digits| digits.parse::<i32>().ok()) else {
            return Err(misfit);
        };
        self.rest = &self.rest[4..];
        Ok(millis * 1_000_000)
    }

    /// A point, or a comma, and digits, of which nine count; or nothing.
    fn fraction(&mut self) -> i32 {
        let Some(after) = self.rest.strip_prefix(['.', ',']) else { return 0 };
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return 0;
        }
        let mut nanos = 0;
        for index in 0..9 {
            let digit = after.as_bytes().get(index).filter(|_| index < digits);
            nanos = nanos * 10 + digit.map_or(0, |digit| i32::from(digit - b'0'));
        }
        self.rest = &after[digits..];
        nanos
    }

    /// In seconds east of Greenwich.
    fn zone(&mut self) -> Result<i64, Misfit<'a>> {
        let part = "Z07:00";
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let misfit = || Misfit::Part { rest: self.rest, part };
        let zone = self.rest.get(..6).ok_or_else(misfit)?.as_bytes();
        let digit = |index: usize| zone[index].is_ascii_digit();
        if !matches!(zone[0], b'+' | b'-')
            || zone[3] != b':'
            || ![1, 2, 4, 5].into_iter().all(digit)
        {
            return Err(misfit());
        }
        let two = |index: usize| i64::from((zone[index] - b'0') * 10 + (zone[index + 1] - b'0'));
        let (hours, minutes) = (two(1), two(4));
        // Go lets 24 and 60 pass: some write them.
        if hours > 24 || minutes > 60 {
            return Err(misfit());
        }
        self.rest = &self.rest[6..];
        let seconds = hours * 3600 + minutes * 60;
        Ok(if zone[0] == b'-' { -seconds } else { seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let moment = Moment::parse(text).map_err(|error| error.to_string())?;
        Ok(format!("{} {}", moment.local, moment.offset.as_secs()))
    }

    #[test]
    fn timestamps_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("2022-01-31T10:00:00.123Z", "2022-01-31T10:00:00.123 0"),
            ("2022-01-31T10:00:00Z", "2022-01-31T10:00:00 0"),
            ("2022-01-31T10:00:00.5Z", "2022-01-31T10:00:00.5 0"),
            ("2022-01-31T10:00:00,5Z", "2022-01-31T10:00:00.5 0"),
            ("2022-01-31T10:00:00.1234567891234Z", "2022-01-31T10:00:00.123456789 0"),
            ("2022-01-31T10:00:00+10:30", "2022-01-31T10:00:00 37800"),
            ("2022-01-31T10:00:00.25-24:60", "2022-01-31T10:00:00.25 -90000"),
            ("2022-01-31T10:00:00", "2022-01-31T10:00:00 0"),
            ("2022-01-31T10:00:00.75", "2022-01-31T10:00:00.75 0"),
            ("2022-01-31T7:00:00Z", "2022-01-31T07:00:00 0"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59 0"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00 0"),
        ] {
            assert_eq!(read(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_said_in_go_s_words() {
        for (text, says) in [
            ("2022-01-31", "as \"2006-01-02T15:04:05\": cannot parse \"\" as \"T\""),
            ("2022-01-31 10:00:00", "cannot parse \" 10:00:00\" as \"T\""),
            ("2022-1-31T10:00:00", "cannot parse \"1-31T10:00:00\" as \"01\""),
            ("now", "cannot parse \"now\" as \"2006\""),
            ("2022-01-31T24:00:00Z", "parsing time \"2022-01-31T24:00:00Z\": hour out of range"),
            ("2022-13-31T10:00:00Z", ": month out of range"),
            ("2022-02-29T10:00:00", ": day out of range"),
            ("2022-01-31T10:00:00z", ": extra text: \"z\""),
            ("2022-01-31T10:00:00.Z", ": extra text: \".Z\""),
            ("2022-01-31T10:00:00+1000", ": extra text: \"+1000\""),
            ("2022-01-31T10:00:60Z", ": second out of range"),
            ("２022-01-31T10:00:00Z", "cannot parse"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says) && error.starts_with("parsing time "), "{error}");
        }
    }
}
