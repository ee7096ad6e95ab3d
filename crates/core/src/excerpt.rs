//! Texts of others in our messages: on one line, and never longer than a reader can take in.

use std::borrow::Cow;

/// The beginning of a text, and `…` where that is not all: at most `bytes_max` bytes of it. What a terminal
/// would obey, line breaks among it, is a blank.
pub(crate) fn excerpt(text: &str, bytes_max: usize) -> Cow<'_, str> {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown = Cow::Borrowed(&text[..end]);
    if shown.contains(char::is_control) {
        shown = Cow::Owned(shown.replace(char::is_control, " "));
    }
    if end < text.len() {
        shown.to_mut().push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt("üüü", 3), "ü…");
        assert_eq!(excerpt("ü", 0), "…");
        assert_eq!(excerpt("ü", 1), "…");
    }

    #[test]
    fn what_a_terminal_obeys_is_a_blank() {
        assert_eq!(excerpt("a\n\u{1b}[2Jb\0\u{9b}c", 100), "a  [2Jb  c");
    }
}
