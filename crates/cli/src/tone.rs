//! What a piece of text means, and the colour that says so on a terminal.

use crate::text;

/// Colour stands for state and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// What something is called.
    Strong,
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Somebody should look.
    Attention,
    /// Under way.
    Busy,
    /// Beside the point.
    Muted,
}

impl Tone {
    /// The parameters of the terminal's *select graphic rendition*; none changes nothing.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Attention => Some("33"),
            Self::Busy => Some("36"),
            Self::Muted => Some("2"),
        }
    }
}

/// A piece of text with its meaning. Holds nothing that a terminal would obey.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Span {
    text: String,
    tone: Tone,
}

impl Span {
    pub(crate) fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: text::plain(text.as_ref()), tone }
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// The same, at most so wide; what was cut off leaves a sign.
    pub(crate) fn cut(&self, width_max: usize) -> Self {
        if self.width() <= width_max {
            return self.clone();
        }
        let kept: String = self.text.chars().take(width_max.saturating_sub(1)).collect();
        let text = if width_max == 0 { String::new() } else { format!("{kept}…") };
        Self { text, tone: self.tone }
    }

    /// As it is written.
    pub(crate) fn paint(&self, colour: bool) -> String {
        match self.tone.code().filter(|_| colour && !self.text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{}\u{1b}[0m", self.text),
            None => self.text.clone(),
        }
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A line of pieces, at most so wide where that is given.
pub(crate) fn line(spans: &[Span], colour: bool, width_max: Option<usize>) -> String {
    let mut left = width_max.unwrap_or(usize::MAX);
    let mut line = String::new();
    for span in spans {
        let span = span.cut(left);
        left -= span.width();
        line.push_str(&span.paint(colour));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_gets_colours_and_only_ours() {
        let span = Span::new("ok\u{1b}[31m", Tone::Good);
        assert_eq!(span.paint(false), "ok\u{fffd}[31m");
        assert_eq!(span.paint(true), "\u{1b}[32mok\u{fffd}[31m\u{1b}[0m");
        assert_eq!(Span::from("x").paint(true), "x");
        assert_eq!(Span::new("", Tone::Bad).paint(true), "");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        let spans = [Span::from("abc"), Span::from("def"), Span::from("ghi")];
        assert_eq!(line(&spans, false, Some(9)), "abcdefghi");
        assert_eq!(line(&spans, false, Some(8)), "abcdefg…");
        assert_eq!(line(&spans, false, Some(5)), "abcd…");
        assert_eq!(line(&spans, false, None), "abcdefghi");
    }
}
