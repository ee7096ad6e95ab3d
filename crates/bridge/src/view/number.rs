//! Measured numbers, as people read them. What is compared is never rounded.

/// A number to three decimals; a small one to four digits that count: enough to tell 0.401 from the limit 0.4.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        0.0 | 0.1.. => 3,
        0.01.. => 4,
        0.001.. => 5,
        0.000_1.. => 6,
        _ => 9,
    };
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// How a value moved from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// With its sign: `+12.5 %`, or a plain difference where there is nothing to be a part of.
    pub(crate) words: String,
    /// Whether that is what the criteria want less of; none where it did not move, or nobody knows.
    pub(crate) is_worse: Option<bool>,
}

/// The way that criteria want a value to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Less is better.
    Less,
    /// More is better.
    More,
}

impl Change {
    /// How `value` moved from `before`.
    pub(crate) fn of(value: f64, before: f64, wanted: Option<Wanted>) -> Self {
        let moved = value - before;
        let sign = if moved > 0.0 { "+" } else { "" };
        let words = match before {
            _ if moved == 0.0 => "no change".to_owned(),
            0.0 => format!("{sign}{}", number(moved)),
            _ => format!("{sign}{} %", short(100.0 * moved / before.abs())),
        };
        let is_worse = wanted.filter(|_| moved != 0.0).map(|wanted| match wanted {
            Wanted::Less => moved > 0.0,
            Wanted::More => moved < 0.0,
        });
        Self { words, is_worse }
    }

    /// In words, for those who do not see the arrow.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.is_worse {
            Some(true) => "worse",
            Some(false) => "better",
            None => "",
        }
    }
}

/// To one decimal, and none where it is large.
fn short(percent: f64) -> String {
    let text =
        if percent.abs() < 100.0 { format!("{percent:.1}") } else { format!("{percent:.0}") };
    match text.strip_suffix(".0") {
        Some("0" | "-0") => number(percent),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_the_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.401, "0.401"),
            (0.41, "0.41"),
            (-0.5, "-0.5"),
            (0.002_1, "0.0021"),
            (0.000_412_34, "0.000412"),
            (1e6, "1000000"),
            (182.5, "182.5"),
            (66.666_666, "66.667"),
            (1e-9, "1.000e-9"),
            (1.5e20, "1.500e20"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_change_has_a_sign_and_says_whether_it_is_for_the_worse() {
        let of = |value, before, wanted| {
            let change = Change::of(value, before, wanted);
            (change.words.clone(), change.verdict())
        };
        assert_eq!(of(0.4, 0.25, Some(Wanted::Less)), ("+60 %".to_owned(), "worse"));
        assert_eq!(of(0.2, 0.25, Some(Wanted::Less)), ("-20 %".to_owned(), "better"));
        assert_eq!(of(90.0, 100.0, Some(Wanted::More)), ("-10 %".to_owned(), "worse"));
        assert_eq!(of(5.0, 0.0, Some(Wanted::Less)), ("+5".to_owned(), "worse"));
        assert_eq!(of(-8.0, -10.0, None), ("+20 %".to_owned(), ""));
        assert_eq!(of(7.0, 7.0, Some(Wanted::Less)), ("no change".to_owned(), ""));
        assert_eq!(of(1000.0, 3.0, None).0, "+33233 %");
        assert_eq!(of(1.000_01, 1.0, None).0, "+0.001 %");
    }
}
