//! Small pieces of text.

use jiff::Timestamp;
use tidegate_client::Approval;

/// The text without anything that a terminal would obey: labels and comments come from anybody.
/// Line breaks become spaces, so that a line stays a line.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            // Control characters, and those that turn the direction of writing.
            c if c.is_control() => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

/// How long ago a time was, in the largest unit that fits: `3m`. The text itself where it is none.
pub(crate) fn age(time: &str, now: Timestamp) -> String {
    let Ok(then) = time.parse::<Timestamp>() else { return time.to_owned() };
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long something took, as people say it: `8 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Whole seconds between two times; none where one of them is no time.
pub(crate) fn seconds_between(from: &str, to: &str) -> Option<i64> {
    let (from, to) = (from.parse::<Timestamp>().ok()?, to.parse::<Timestamp>().ok()?);
    Some(to.duration_since(from).as_secs())
}

/// How many digits tell these ids apart, and not fewer than people can compare.
pub(crate) fn digits_needed<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    const DIGITS_MIN: usize = 8;
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let common = |pair: &[&str]| {
        pair[0].bytes().zip(pair[1].bytes()).take_while(|(left, right)| left == right).count()
    };
    ids.windows(2).map(common).max().map_or(DIGITS_MIN, |longest| DIGITS_MIN.max(longest + 1))
}

/// The first digits of an id.
pub(crate) fn short(id: &str, digits: usize) -> &str {
    id.get(..digits).unwrap_or(id)
}

/// A time to the second. The text itself where it is none.
pub(crate) fn moment(time: &str) -> String {
    time.parse::<Timestamp>().map_or_else(|_| time.to_owned(), |time| format!("{time:.0}"))
}

/// `fulltour/production/helloservice`.
pub(crate) fn place(approval: &Approval) -> String {
    format!("{}/{}/{}", approval.project, approval.stage, approval.service)
}

/// The first digits of a digest, as the Bridge shows them: `7f3a-9c1e`.
pub(crate) fn fingerprint(subject: &str) -> String {
    let digits = subject.strip_prefix("sha256:").unwrap_or(subject);
    match (digits.get(..4), digits.get(4..8)) {
        (Some(first), Some(second)) => format!("{first}-{second}"),
        _ => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_that_fits() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (time, age) in [
            ("2026-11-24T12:00:00Z", "0s"),
            ("2026-11-24T11:59:01.5Z", "58s"),
            ("2026-11-24T11:00:01Z", "59m"),
            ("2026-11-23T00:00:00Z", "36h"),
            ("2026-11-21T12:00:00Z", "3d"),
            ("2026-11-24T12:00:09Z", "0s"),
            ("soon", "soon"),
        ] {
            assert_eq!(super::age(time, now), age, "{time}");
        }
    }

    #[test]
    fn lengths_of_time_are_told_as_people_say_them() {
        for (seconds, told) in [
            (-3, "0 s"),
            (59, "59 s"),
            (120, "2 min"),
            (125, "2 min 5 s"),
            (12_000, "3 h 20 min"),
            (180_000, "2 d 2 h"),
        ] {
            assert_eq!(span(seconds), told);
        }
        assert_eq!(seconds_between("2026-11-24T12:00:00Z", "2026-11-24T12:01:01.9Z"), Some(61));
        assert_eq!(seconds_between("2026-11-24T12:00:00Z", "soon"), None);
    }

    #[test]
    fn ids_are_cut_no_shorter_than_they_differ() {
        assert_eq!(digits_needed(["aaaaaaaaaaaa", "aaaaaaaaaabb"]), 11);
        assert_eq!(digits_needed(["aaaaaaaaaaaa", "aaaaaaaaaaaa"]), 8);
        assert_eq!(digits_needed([]), 8);
        assert_eq!((short("abcdef", 3), short("ab", 3)), ("abc", "ab"));
    }

    #[test]
    fn times_are_told_to_the_second() {
        assert_eq!(moment("2026-11-24T03:27:59.694606011Z"), "2026-11-24T03:27:59Z");
        assert_eq!(moment("soon"), "soon");
    }

    #[test]
    fn nothing_that_is_printed_moves_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{202e}d\u{7f}"), "a\u{fffd}[2Jb  c\u{fffd}d\u{fffd}");
        assert_eq!(plain("Grüße → ✓"), "Grüße → ✓");
    }

    #[test]
    fn a_fingerprint_is_eight_digits_in_two_groups() {
        assert_eq!(fingerprint("sha256:7f3a9c1e00"), "7f3a-9c1e");
        assert_eq!(fingerprint("odd"), "odd");
    }
}
