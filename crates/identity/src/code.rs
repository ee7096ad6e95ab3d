//! Random codes: 128 bits, and the digest that is stored in their place.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// 128 random bits as text that is safe in URLs and cookies.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has random numbers");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The text to hand out.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored: SHA-256. A random 128-bit code needs no slow hash.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }
}

/// SHA-256 of a code that somebody presents.
#[must_use]
pub fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_do_not_show_themselves() {
        let (one, other) = (Code::generate(), Code::generate());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 22);
        assert_eq!(format!("{one:?}"), "***");
        assert_eq!(one.digest(), digest(one.expose()));
    }
}
