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

/// Most bytes of a sentence: it has place for what it quotes, and fits a screen.
const SENTENCE_BYTES_MAX: usize = 1_000;

/// A sentence of ours that quotes others. A long one loses its middle, because what it quotes stands there:
/// it begins with what is wrong, and ends with how to mend it. What a terminal would obey is a blank.
pub(crate) fn sentence(text: String) -> String {
    let text = match text.contains(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text,
    };
    if text.len() <= SENTENCE_BYTES_MAX {
        return text;
    }
    let begin = text.floor_char_boundary(SENTENCE_BYTES_MAX / 2);
    let end = text.ceil_char_boundary(text.len() - SENTENCE_BYTES_MAX / 2);
    format!("{}…{}", &text[..begin], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_loses_what_it_quotes() {
        assert_eq!(sentence("a\u{1b}b".to_owned()), "a b");
        let long = sentence(format!("unknown key `{}`; write `action`", "ü".repeat(9_000)));
        assert!(long.len() <= SENTENCE_BYTES_MAX + '…'.len_utf8());
        assert!(
            long.starts_with("unknown key `ü") && long.ends_with("ü`; write `action`"),
            "{long}"
        );
    }

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
