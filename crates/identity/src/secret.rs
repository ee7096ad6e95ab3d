//! Text that must not be shown.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use crate::mac;

/// Begins every token that Tidegate makes, so that scanners for leaked secrets can know it.
const PREFIX: &str = "tg_";

/// Text that no `Debug`, `Display` or `Serialize` ever shows.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps the text.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(Arc::from(text.as_ref()))
    }

    /// A new token: `tg_` and 128 random bits.
    #[must_use]
    pub fn generate() -> Self {
        let bits: [u8; 16] = mac::random();
        Self::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits)))
    }

    /// SHA-256 of the text, to be stored in its place. Only of one that [`generate`](Self::generate) made:
    /// what people choose can be guessed from it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        mac::digest(self.0.as_bytes())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_stars_also_from_inside_of_other_types() {
        let secret = Secret::new("canary-42");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "*** Some(\n    ***,\n)");
    }

    #[test]
    fn made_tokens_are_marked_long_and_never_the_same() {
        let (one, two) = (Secret::generate(), Secret::generate());
        assert!(one.expose().starts_with("tg_"));
        assert_eq!(one.expose().len(), 3 + 22);
        assert_ne!(one.expose(), two.expose());
    }
}
