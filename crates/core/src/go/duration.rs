//! Durations in Go's notation.

use jiff::SignedDuration;

use super::quoted;

/// Why a text is no duration, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    /// Not written like one, or longer than 292 years.
    #[error("time: invalid duration {}", quoted(.0))]
    Invalid(String),
    /// A number and nothing behind it.
    #[error("time: missing unit in duration {}", quoted(.0))]
    NoUnit(String),
    /// Something else behind it than `ns`, `us`, `ms`, `s`, `m` or `h`.
    #[error("time: unknown unit {} in duration {}", quoted(unit), quoted(text))]
    UnknownUnit {
        /// What stands there.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-100ms`, `0`. Parts of a nanosecond are cut off.
pub(crate) fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0_u64;
    while !rest.is_empty() {
        let whole = digits(rest);
        rest = &rest[whole.len()..];
        let fraction = rest.strip_prefix('.').map(digits);
        if whole.is_empty() && fraction.is_none_or(str::is_empty) {
            return Err(invalid());
        }
        // The point, where there is one, and what follows it.
        rest = &rest[fraction.map_or(0, |fraction| fraction.len() + 1)..];
        let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "" => return Err(DurationError::NoUnit(text.to_owned())),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            other => {
                let unit = other.to_owned();
                return Err(DurationError::UnknownUnit { unit, text: text.to_owned() });
            }
        };
        rest = &rest[end..];
        let number =
            if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| invalid())? };
        let part = number
            .checked_mul(unit)
            .and_then(|part| part.checked_add(nanos_of(fraction.unwrap_or_default(), unit)));
        nanos = part
            .and_then(|part| nanos.checked_add(part))
            .filter(|nanos| *nanos <= MAGNITUDE_MAX)
            .ok_or_else(invalid)?;
    }
    let signed =
        if negative { 0_i64.checked_sub_unsigned(nanos) } else { i64::try_from(nanos).ok() };
    signed.map(SignedDuration::from_nanos).ok_or_else(invalid)
}

/// What the most negative duration measures, in nanoseconds.
const MAGNITUDE_MAX: u64 = 1 << 63;

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// The digits behind the point, as nanoseconds. In doubles, as Go does it, for the same last digit;
/// digits beyond what 63 bits hold are passed over.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go does; less than one unit, and never negative"
)]
fn nanos_of(fraction: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = number.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0')));
        match next.filter(|next| *next <= MAGNITUDE_MAX) {
            Some(next) => (number, scale) = (next, scale * 10.0),
            None => break,
        }
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("-0", 0),
            ("1.5h", 5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("-5m", -300_000_000_000),
            ("+100ms", 100_000_000),
            (".5s", 500_000_000),
            ("-.5s", -500_000_000),
            ("1.s", 1_000_000_000),
            ("1µs", 1_000),
            ("1μs1us", 2_000),
            ("0.9ns", 0),
            ("1.9999999999999999999999ns", 2),
            ("3.333333333333333333333333s", 3_333_333_333),
            ("00000000000000000000000000000001s", 1_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_said_in_go_s_words() {
        for (text, says) in [
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("1s2", "time: missing unit in duration \"1s2\""),
            ("1..2s", "time: missing unit in duration \"1..2s\""),
            ("m", "time: invalid duration \"m\""),
            ("-", "time: invalid duration \"-\""),
            (".s", "time: invalid duration \".s\""),
            ("+-5m", "time: invalid duration \"+-5m\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("5 m", "time: unknown unit \" m\" in duration \"5 m\""),
            ("1e3s", "time: unknown unit \"e\" in duration \"1e3s\""),
            ("5é", "time: unknown unit \"\\xc3\\xa9\" in duration \"5\\xc3\\xa9\""),
            ("2562048h", "time: invalid duration \"2562048h\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            ("99999999999999999999s", "time: invalid duration \"99999999999999999999s\""),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), says);
        }
    }
}
