//! The context of a problem: the same each time its alert is told.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::names::ContextId;

/// Keptn 1.4: a UUID is used as it is; the first 16 bytes of the SHA-256 of any other text become the
/// version-4 UUID, and those of the text itself, padded with spaces, where it has fewer than 16.
pub(super) fn context_of(seed: &str) -> ContextId {
    if let Ok(id) = Uuid::parse_str(seed) {
        return id.into();
    }
    let mut bytes = [b' '; 16];
    if seed.len() < bytes.len() {
        bytes[..seed.len()].copy_from_slice(seed.as_bytes());
    } else {
        bytes.copy_from_slice(&Sha256::digest(seed)[..16]);
    }
    Builder::from_random_bytes(bytes).into_uuid().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_becomes_its_hash() {
        // SHA-256 of "abcdefghijklmnop" begins f39dac6cbaba535e2c207cd0cd8f1549.
        let id = context_of("abcdefghijklmnop");
        assert_eq!(id.to_string(), "f39dac6c-baba-435e-ac20-7cd0cd8f1549");
        assert_eq!(id.uuid().get_version_num(), 4);
        assert_ne!(id, context_of("abcdefghijklmnoq"));
    }

    #[test]
    fn a_short_text_is_padded() {
        assert_eq!(context_of("release-42").to_string(), "72656c65-6173-452d-b432-202020202020");
    }

    #[test]
    fn a_uuid_stays_what_it_is() {
        let text = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
        assert_eq!(context_of(text).to_string(), text);
    }
}
