//! The lines of a file around one that is wrong.

use super::Text;

/// Lines around the one that is wrong.
const AROUND: usize = 2;
/// Longest line that is shown, in characters.
const CHARS_MAX: usize = 120;

/// Lines of a file, with their numbers.
pub(crate) struct Excerpt {
    /// `number`, `text`, and whether it is the one.
    pub(crate) lines: Vec<(usize, Text, bool)>,
}

/// The lines around the place that an error begins with: `4:7: …`. None where it names none.
pub(crate) fn excerpt(text: &str, error: &str) -> Option<Excerpt> {
    let at: usize = error.split(':').next()?.parse().ok()?;
    let first = at.saturating_sub(AROUND).max(1);
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let near = lines.skip(first - 1).take_while(|(number, _)| *number <= at + AROUND);
    let lines: Vec<_> = near
        .map(|(number, line)| {
            let cut: String = line.chars().take(CHARS_MAX).collect();
            (number, Text::line(cut), number == at)
        })
        .collect();
    (!lines.is_empty()).then_some(Excerpt { lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_has_the_lines_around_the_place() {
        let text = "a\nb\nc\nd\ne\nf";
        let numbers = |error: &str| {
            let lines = excerpt(text, error).map(|found| found.lines).unwrap_or_default();
            lines.into_iter().map(|(number, _, is_it)| (number, is_it)).collect::<Vec<_>>()
        };
        let around = [(2, false), (3, false), (4, true), (5, false), (6, false)];
        assert_eq!(numbers("4:1: x"), around);
        assert_eq!(numbers("1:1: x"), [(1, true), (2, false), (3, false)]);
        assert_eq!(numbers("99:1: x"), []);
        assert_eq!(numbers("no place"), []);
    }
}
