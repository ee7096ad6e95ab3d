//! Shipyards to begin with, and the lines of one that are wrong.

use crate::view::Text;

/// A shipyard of ours.
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// From the simplest on.
pub(super) const TEMPLATES: [Template; 3] = [
    Template {
        name: "approval",
        title: "Two stages, a person in between",
        text: include_str!("../../../assets/shipyards/approval.yaml"),
    },
    Template {
        name: "one-stage",
        title: "One stage",
        text: include_str!("../../../assets/shipyards/one-stage.yaml"),
    },
    Template {
        name: "quality-gate",
        title: "Three stages, a quality gate and a rollback",
        text: include_str!("../../../assets/shipyards/quality-gate.yaml"),
    },
];

/// Lines around the one that is wrong.
const AROUND: usize = 2;
/// Longest line that is shown, in characters.
const CHARS_MAX: usize = 120;

/// Lines of a file, with their numbers.
pub(super) struct Excerpt {
    /// `number`, `text`, and whether it is the one.
    pub(super) lines: Vec<(usize, Text, bool)>,
}

/// The lines around the place that an error begins with: `4:7: …`. None where it names none.
pub(super) fn excerpt(text: &str, error: &str) -> Option<Excerpt> {
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
    use tidegate_core::shipyard::{Shipyard, lint};

    use super::*;

    #[test]
    fn every_template_is_a_shipyard_without_findings() {
        for template in &TEMPLATES {
            assert!(Shipyard::parse(template.text).is_ok(), "{}", template.name);
            assert_eq!(lint(template.text), [], "{}", template.name);
        }
    }

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
