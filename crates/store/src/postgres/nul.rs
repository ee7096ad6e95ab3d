//! Postgres keeps no NUL in text, and what clients send may hold one. Text that is not JSON is kept
//! with `\0` for NUL and `\\` for a backslash, so that it reads back as it was; JSON has its own way.

use std::borrow::Cow;

use crate::codec::damaged;
use crate::contract::StoreError;

/// The text as it is kept.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\\']) {
        Cow::Owned(text.replace('\\', r"\\").replace('\0', r"\0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text as it was.
pub(super) fn original(kept: String, what: impl FnOnce() -> String) -> Result<String, StoreError> {
    if !kept.contains('\\') {
        return Ok(kept);
    }
    let mut text = String::with_capacity(kept.len());
    let mut characters = kept.chars();
    while let Some(character) = characters.next() {
        text.push(match (character, character == '\\') {
            (character, false) => character,
            (_, true) => match characters.next() {
                Some('0') => '\0',
                Some('\\') => '\\',
                _ => return Err(damaged(what(), "a backslash stands alone in it")),
            },
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back_as_it_was() {
        for text in ["", "plain", "\0", "\\", "\\0", "\0\\", "\\\\0\0", "é\0🌊\\"] {
            let kept = kept(text).into_owned();
            assert!(!kept.contains('\0'), "{kept}");
            assert_eq!(original(kept, String::new).unwrap(), text);
        }
    }

    #[test]
    fn what_was_not_kept_like_this_is_damaged() {
        for kept in ["\\", "a\\n"] {
            assert!(original(kept.to_owned(), || "table event".to_owned()).is_err(), "{kept}");
        }
    }
}
