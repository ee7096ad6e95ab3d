//! Requests that are done once, however often they come.

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use tidegate_core::principal::Principal;
use tidegate_store::IdempotencyRow;

use crate::failure::Failure;
use crate::handle::Engine;

/// How long an answer is kept for its key.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Engine {
    /// Names a request, for [`Self::accept`]. A key counts for the principal that sent it and no other;
    /// the same key with another request is refused.
    ///
    /// # Errors
    /// The principal cannot be written.
    pub fn once(
        &self,
        by: &Principal,
        key: &[u8],
        request: &[u8],
    ) -> Result<IdempotencyRow, Failure> {
        let owner = serde_json::to_vec(by).map_err(|error| Failure::Internal(error.to_string()))?;
        let key = Sha256::new().chain_update(owner).chain_update([0]).chain_update(key);
        Ok(IdempotencyRow {
            key: key.finalize().into(),
            request: Sha256::digest(request).into(),
            answer: String::new(),
            expires: self.now() + KEPT,
        })
    }
}
