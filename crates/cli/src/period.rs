//! Lengths of time as people write them.

use std::str::FromStr;
use std::time::Duration;

/// `30s`, `10m`, `1h 30m`; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(pub(crate) Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse::<jiff::SignedDuration>().ok();
        let duration = read.and_then(|read| Duration::try_from(read).ok());
        duration
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no length of time; write it like 10m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("1h30m", 5400), ("2 minutes", 120)] {
            assert_eq!(text.parse(), Ok(Period(Duration::from_secs(seconds))), "{text}");
        }
        for bad in ["", "soon", "-1m", "10"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
