//! Text that others wrote, made fit to be shown.

use std::fmt;

/// Longest text that a page shows; what is longer is cut with a mark.
const CHARS_MAX: usize = 8 * 1024;

/// Text from outside: control characters and those that change the direction of reading are made
/// visible, so that nothing can look like something else. Templates escape it as any other text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text(String);

impl Text {
    /// One line: line breaks and tabs become visible, too.
    pub(crate) fn line(text: impl AsRef<str>) -> Self {
        Self(visible(text.as_ref(), CHARS_MAX, |_| false))
    }

    /// Several lines, for `<pre>` and the like.
    pub(crate) fn block(text: impl AsRef<str>) -> Self {
        Self(visible(text.as_ref(), CHARS_MAX, |c| matches!(c, '\n' | '\t')))
    }

    /// A program's output, whole: without the sequences that colour a terminal.
    pub(crate) fn output(text: &str) -> Self {
        let text = plain(text).replace("\r\n", "\n").replace('\r', "\n");
        Self(visible(&text, usize::MAX, |c| matches!(c, '\n' | '\t')))
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, for where a template compares it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn visible(text: &str, chars_max: usize, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len().min(chars_max));
    for (index, c) in text.chars().enumerate() {
        if index == chars_max {
            shown.push_str("… (cut)");
            break;
        }
        match c {
            c if keep(c) => shown.push(c),
            '\u{0}'..='\u{1f}' => {
                shown.extend(char::from_u32(0x2400 + u32::from(c)));
            }
            '\u{7f}' => shown.push('\u{2421}'),
            c if is_hidden(c) => shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// Characters without a shape of their own that change how others are read.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Drops `ESC [ … letter` and `ESC ] … BEL`, as terminals read them.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some('[') => {
                chars.next();
                while chars.next_if(|c| !('\u{40}'..='\u{7e}').contains(c)).is_some() {}
                chars.next();
            }
            Some(']') => {
                while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
                chars.next_if_eq(&'\u{7}');
            }
            _ => out.push(c),
        }
    }
    out
}

/// The last `lines_max` lines, and whether something comes before them.
pub(crate) fn tail(text: &str, lines_max: usize) -> (&str, bool) {
    let trimmed = text.strip_suffix('\n').unwrap_or(text);
    match trimmed.rmatch_indices('\n').nth(lines_max.saturating_sub(1)) {
        Some((at, _)) => (&text[at + 1..], true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_text_round_becomes_visible() {
        assert_eq!(Text::line("a\u{202e}b\0c\nd").as_str(), "a⟨U+202E⟩b␀c␊d");
        assert_eq!(Text::line("a\u{200b}\u{ad}\u{7f}").as_str(), "a⟨U+200B⟩⟨U+00AD⟩␡");
        assert_eq!(Text::block("a\n\tb\u{7}").as_str(), "a\n\tb␇");
        assert_eq!(Text::line("مرحبا 服务 ✓").as_str(), "مرحبا 服务 ✓");
    }

    #[test]
    fn long_text_is_cut_with_a_mark_and_output_is_not() {
        let long = "x".repeat(CHARS_MAX + 1);
        assert!(Text::line(&long).as_str().ends_with("x… (cut)"));
        assert_eq!(Text::output(&long).as_str(), long);
    }

    #[test]
    fn output_loses_its_colours_and_keeps_its_words() {
        let log = "\u{1b}[1;31mred\u{1b}[0m\r\n50%\r100%\n\u{1b}]0;title\u{7}end\u{1b}x";
        assert_eq!(Text::output(log).as_str(), "red\n50%\n100%\nend␛x");
    }

    #[test]
    fn a_tail_has_whole_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), ("b\nc\n", true));
        assert_eq!(tail("a\nb\nc", 3), ("a\nb\nc", false));
        assert_eq!(tail("", 3), ("", false));
    }
}
