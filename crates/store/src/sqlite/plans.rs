//! The tasks of executions, kept apart from their rows: they never change, and many executions have
//! the same.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};
use tidegate_core::shipyard::TaskDefinition;

use crate::contract::StoreError;

use super::codec::{damaged, from_json, to_json};

/// Most plans that the writer keeps read; beyond that it forgets all and reads them again.
const REMEMBERED_MAX: usize = 1_000;

/// The key of a plan: the beginning of its digest.
pub(super) type PlanId = [u8; 16];

/// Plans that were read before. What is under one key never changes.
#[derive(Debug, Default)]
pub(super) struct Plans(RefCell<HashMap<PlanId, Arc<[TaskDefinition]>>>);

impl Plans {
    /// The plan with this key.
    pub(super) fn get(
        &self,
        connection: &Connection,
        id: PlanId,
    ) -> Result<Arc<[TaskDefinition]>, StoreError> {
        if let Some(tasks) = self.0.borrow().get(&id) {
            return Ok(Arc::clone(tasks));
        }
        let tasks = read(connection, id)?;
        let mut kept = self.0.borrow_mut();
        if kept.len() >= REMEMBERED_MAX {
            kept.clear();
        }
        kept.insert(id, Arc::clone(&tasks));
        Ok(tasks)
    }

    /// Forgets all: plans that were written in a transaction are gone with it.
    pub(super) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// The key of this body.
pub(super) fn id(body: &str) -> PlanId {
    let mut id = PlanId::default();
    id.copy_from_slice(&Sha256::digest(body)[..16]);
    id
}

/// Writes a plan where it is not there yet; none where there are no tasks.
pub(super) fn put(
    connection: &Connection,
    tasks: &[TaskDefinition],
) -> Result<Option<PlanId>, StoreError> {
    if tasks.is_empty() {
        return Ok(None);
    }
    let body = to_json(&tasks, "plan")?;
    let id = id(&body);
    connection
        .prepare_cached("INSERT INTO plan (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING")?
        .execute((id, &body))?;
    Ok(Some(id))
}

/// Reads a plan.
pub(super) fn read(
    connection: &Connection,
    id: PlanId,
) -> Result<Arc<[TaskDefinition]>, StoreError> {
    let what = || format!("table plan, id {:032x}", u128::from_be_bytes(id));
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM plan WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let body = body.ok_or_else(|| damaged(what(), "executions name it, and it is not there"))?;
    from_json(&body, what)
}
