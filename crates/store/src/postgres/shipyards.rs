//! Shipyards that were parsed before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::shipyard::Shipyard;

use crate::codec::damaged;
use crate::contract::StoreError;

/// Most shipyards that are kept parsed; beyond that all are forgotten and parsed again.
const SHIPYARDS_MAX: usize = 64;

/// Parsed shipyards by their texts: another server may change a project's at any time, and the same
/// text never means anything else.
#[derive(Debug, Default)]
pub(super) struct Shipyards(RefCell<HashMap<String, Arc<Shipyard>>>);

impl Shipyards {
    /// The shipyard with this text.
    pub(super) fn parse(
        &self,
        project: &ProjectName,
        commit: &CommitId,
        text: String,
    ) -> Result<Arc<Shipyard>, StoreError> {
        if let Some(shipyard) = self.0.borrow().get(&text) {
            return Ok(Arc::clone(shipyard));
        }
        let shipyard = Shipyard::parse(&text).map_err(|error| {
            damaged(format!("shipyard of project {project} at {commit}"), &error)
        })?;
        let shipyard = Arc::new(shipyard);
        let mut kept = self.0.borrow_mut();
        if kept.len() >= SHIPYARDS_MAX {
            kept.clear();
        }
        kept.insert(text, Arc::clone(&shipyard));
        Ok(shipyard)
    }
}
