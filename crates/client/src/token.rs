//! The secret that a client shows to the server.

use std::fmt;

use reqwest::header::HeaderValue;

/// A token for the header `x-token`. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(HeaderValue);

/// The text cannot be a token. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is one line of printable ASCII characters; check where it was copied from")]
pub struct TokenError;

impl Token {
    /// Checks the text; white space around it, such as a file's last line break, does not count.
    ///
    /// # Errors
    /// [`TokenError`] where it cannot be sent in a header.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError);
        }
        let mut value = HeaderValue::from_str(text).map_err(|_| TokenError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new("s3cret\n").unwrap();
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert!(!format!("{:?}", token.header()).contains("s3cret"));
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        for bad in ["", "  ", "two words", "line\nbreak", "schlüssel"] {
            assert_eq!(Token::new(bad), Err(TokenError), "{bad:?}");
        }
    }
}
