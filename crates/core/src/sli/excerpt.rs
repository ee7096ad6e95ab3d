//! Texts of others in our messages: never longer than a reader can take in.

use std::borrow::Cow;

/// The beginning of a text, and `…` where that is not all: at most `bytes_max` bytes of it.
pub(super) fn excerpt(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt("üüü", 3), "ü…");
        assert_eq!(excerpt("ü", 0), "…");
    }
}
