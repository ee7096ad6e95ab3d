//! What is wrong with a file of results.

use crate::excerpt::excerpt;

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 2 * 1024;

/// Why a file does not hold the number: which file, where in it, what is wrong, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ReadError {
    /// The file, as the query names it.
    pub file: String,
    /// The line, counted from 1, where one is meant.
    pub line: Option<u64>,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// A [`ReadError`] by somebody who does not know how the file is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: Option<u64>,
    pub(super) reason: String,
}

impl Problem {
    /// Something about the file as a whole.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { line: None, reason: shown(reason) }
    }

    /// Something in one line.
    pub(super) fn at(line: u64, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: shown(reason) }
    }

    pub(super) fn of(self, file: &str) -> ReadError {
        ReadError { file: file.to_owned(), line: self.line, reason: self.reason }
    }
}

/// Libraries put what they have found into their messages, whatever it is.
fn shown(reason: impl Into<String>) -> String {
    excerpt(&reason.into(), REASON_BYTES_MAX).into_owned()
}

/// The line of a place in a file, counted from 1. It looks at all that stands before: for errors only.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> u64 {
    let before = &bytes[..offset.min(bytes.len())];
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(breaks).unwrap_or(u64::MAX).saturating_add(1)
}

/// A number as files write it: finite, with a point.
pub(super) fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{:?} is no number", excerpt(text, 64))),
    }
}

/// Names to choose from, for whoever wrote one that is not there: the first dozen, shortened.
pub(super) fn choice<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    const SHOWN: usize = 12;
    const NAME_BYTES_MAX: usize = 64;
    let mut names = names.into_iter();
    let shown: Vec<_> =
        names.by_ref().take(SHOWN).map(|name| excerpt(name, NAME_BYTES_MAX)).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    if shown.is_empty() { "none".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_begins_with_the_file_and_the_line() {
        assert_eq!(Problem::at(3, "odd").of("a.csv").to_string(), "a.csv:3: odd");
        assert_eq!(Problem::new("odd").of("a.csv").to_string(), "a.csv: odd");
    }

    #[test]
    fn a_number_is_finite_and_has_a_point() {
        assert_eq!(number(" 1.5e3 "), Ok(1500.0));
        assert_eq!(number("-0.25"), Ok(-0.25));
        for text in ["", "N/A", "1,5", "inf", "NaN", "1e999", "12ms"] {
            assert_eq!(number(text), Err(format!("{text:?} is no number")));
        }
    }

    #[test]
    fn a_choice_says_when_there_is_more() {
        assert_eq!(choice([]), "none");
        assert_eq!(choice(["a", "b"]), "a, b");
        assert!(choice(["x"; 12]).ends_with("x, x"));
        assert!(choice(["x"; 13]).ends_with("x, …"));
    }
}
