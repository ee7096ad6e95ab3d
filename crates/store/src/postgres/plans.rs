//! The tasks of executions, kept apart from their rows: they never change, and many executions have
//! the same.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tidegate_core::shipyard::TaskDefinition;
use uuid::Uuid;

use crate::codec::{damaged, from_json, to_json};
use crate::contract::StoreError;

use super::session::Session;

/// Writes a plan where it is not there yet; none where there are no tasks.
pub(super) fn put(session: &Session, tasks: &[TaskDefinition]) -> Result<Option<Uuid>, StoreError> {
    if tasks.is_empty() {
        return Ok(None);
    }
    let body = to_json(&tasks, "plan")?;
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(&body)[..16]);
    let id = Uuid::from_bytes(id);
    session.execute(
        "INSERT INTO plan (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        &[&id, &body],
    )?;
    Ok(Some(id))
}

/// Reads a plan that an execution names, from its body where that is there.
pub(super) fn read(id: Uuid, body: Option<&str>) -> Result<Arc<[TaskDefinition]>, StoreError> {
    let what = || format!("table plan, id {id}");
    let body = body.ok_or_else(|| damaged(what(), "executions name it, and it is not there"))?;
    from_json(body, what)
}
