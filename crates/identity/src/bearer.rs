//! 128 random bits that open something for whoever holds them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mac;

/// The text was not made by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a value that Tidegate made; was all of it copied?")]
pub struct BearerError;

/// What session tokens and sign-in codes have in common. Its text is unpadded base64url.
#[derive(Clone)]
pub(crate) struct Bearer([u8; 16]);

impl Bearer {
    pub(crate) fn generate() -> Self {
        Self(mac::random())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, BearerError> {
        let mut bits = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bits) {
            Ok(16) => Ok(Self(bits)),
            _ => Err(BearerError),
        }
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn bits(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        mac::digest(&self.0)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_back_and_nothing_else_does() {
        let bearer = Bearer::generate();
        assert_eq!(Bearer::parse(&bearer.text()).unwrap().digest(), bearer.digest());
        let (short, long) = (&bearer.text()[1..], format!("{}AAAA", bearer.text()));
        for bad in ["", "a", short, &long, "!!!!!!!!!!!!!!!!!!!!!!", &"A".repeat(100_000)] {
            assert_eq!(Bearer::parse(bad).map(|_| ()), Err(BearerError));
        }
    }
}
