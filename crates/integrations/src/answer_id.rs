//! Ids for the events that we send, the same at every attempt.

use sha2::{Digest as _, Sha256};
use tidegate_core::names::EventId;
use uuid::Uuid;

/// The id of our answer of this kind to an event: a UUID of version 8, made from both.
pub(crate) fn answer_id(event: EventId, kind: &str) -> Uuid {
    let mut hash = Sha256::new();
    // Part of what makes an id, for the answers of every part of Tidegate. It stays as it is: what was sent
    // before a change of version must carry the same id when it is sent again.
    hash.update(b"tidegate job answer\0");
    hash.update(event.as_bytes());
    hash.update(kind.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_the_event_and_the_kind_alone() {
        let (one, two) = (EventId::from_bytes([1; 16]), EventId::from_bytes([2; 16]));
        assert_eq!(answer_id(one, "started"), answer_id(one, "started"));
        assert_ne!(answer_id(one, "started"), answer_id(one, "finished"));
        assert_ne!(answer_id(one, "started"), answer_id(two, "started"));
        assert_eq!(answer_id(one, "started").get_version_num(), 8);
    }
}
