//! Rows that the writer remembers: a step need not parse what the one before it has just written.
//!
//! Invariant: what is remembered is what the open transaction would read. Debug builds read it all the
//! same, and compare. A rollback must [`forget`](Kept::forget) everything.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use jiff::Timestamp;
use rusqlite::Connection;
use tidegate_core::event::Scope;
use tidegate_core::names::{ContextId, EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::{Context, Execution, LaneHead, Task, TaskState};

use crate::contract::StoreError;

use super::home::SqliteHome;
use super::keys::ProjectId;
use super::{contexts, executions, lanes, tasks};

/// Most bytes of rows of one kind, as JSON; beyond that all are forgotten and read again.
const BYTES_MAX: usize = 512 * 1024;
/// About so many bytes a lane has, and each of its deployments.
const LANE_BYTES: usize = 128;
const DEPLOYED_BYTES: usize = 256;

/// What is remembered. Rows that nothing more happens to are not.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) contexts: Rows<(ProjectId, ContextId), Context>,
    pub(super) executions: Rows<(ProjectId, ExecutionId), Execution>,
    pub(super) tasks: Rows<(ProjectId, EventId), Task>,
    pub(super) lanes: Rows<Scope, LaneHead>,
}

impl Kept {
    /// Forgets all.
    pub(super) fn forget(&self) {
        self.contexts.forget();
        self.executions.forget();
        self.tasks.forget();
        self.lanes.forget();
    }
}

/// Rows of one kind.
#[derive(Debug)]
pub(super) struct Rows<K, V> {
    rows: RefCell<HashMap<K, (V, usize)>>,
    bytes: Cell<usize>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { rows: RefCell::default(), bytes: Cell::default() }
    }
}

impl<K: Eq + Hash, V: Clone + Debug + PartialEq> Rows<K, V> {
    /// Remembers a row of so many bytes, as it stands now.
    pub(super) fn put(&self, key: K, row: &V, bytes: usize) {
        self.remove(&key);
        let sum = self.bytes.get() + bytes;
        if sum > BYTES_MAX {
            return self.forget();
        }
        self.bytes.set(sum);
        self.rows.borrow_mut().insert(key, (row.clone(), bytes));
    }

    /// Forgets a row.
    pub(super) fn remove(&self, key: &K) {
        if let Some((_, bytes)) = self.rows.borrow_mut().remove(key) {
            self.bytes.update(|sum| sum - bytes);
        }
    }

    /// Whether the row is remembered.
    pub(super) fn has(&self, key: &K) -> bool {
        self.rows.borrow().contains_key(key)
    }

    /// The row, if it is remembered; otherwise what is read.
    pub(super) fn find(
        &self,
        key: &K,
        read: impl FnOnce() -> Result<Option<V>, StoreError>,
    ) -> Result<Option<V>, StoreError> {
        let kept = self.rows.borrow().get(key).map(|(row, _)| row.clone());
        match kept {
            Some(kept) if cfg!(debug_assertions) => {
                let row = read()?;
                assert_eq!(Some(&kept), row.as_ref(), "what is remembered is not what is there");
                Ok(row)
            }
            Some(kept) => Ok(Some(kept)),
            None => read(),
        }
    }

    fn forget(&self) {
        self.rows.borrow_mut().clear();
        self.bytes.set(0);
    }
}

impl SqliteHome {
    pub(super) fn find_lane(&self, lane: &Scope) -> Result<LaneHead, StoreError> {
        // Steps ask for lanes and do not write them: they are remembered when they are read.
        let read = || {
            let head = lanes::head(&self.connection, &self.numbers, lane)?;
            let bytes = LANE_BYTES + head.deployed.len() * DEPLOYED_BYTES;
            self.kept.lanes.put(lane.clone(), &head, bytes);
            Ok(Some(head))
        };
        Ok(self.kept.lanes.find(lane, read)?.unwrap_or_default())
    }

    pub(super) fn put_context(
        &self,
        connection: &Connection,
        context: &Context,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let bytes = contexts::put(connection, &self.numbers, context, now)?;
        let key = (self.numbers.own_project(connection, &context.project)?, context.id);
        match context.state.is_final() {
            true => self.kept.contexts.remove(&key),
            false => self.kept.contexts.put(key, context, bytes),
        }
        Ok(())
    }

    pub(super) fn put_execution(
        &self,
        connection: &Connection,
        execution: &Execution,
    ) -> Result<(), StoreError> {
        let bytes = executions::put(connection, &self.numbers, execution)?;
        let project = self.numbers.own_project(connection, &execution.scope.project)?;
        match execution.state.is_final() {
            true => self.kept.executions.remove(&(project, execution.id)),
            false => self.kept.executions.put((project, execution.id), execution, bytes),
        }
        Ok(())
    }

    pub(super) fn put_task(
        &self,
        connection: &Connection,
        project: &ProjectName,
        task: &Task,
    ) -> Result<(), StoreError> {
        let bytes = tasks::put(connection, &self.numbers, project, task)?;
        let key = (self.numbers.own_project(connection, project)?, task.id);
        match task.state {
            TaskState::Over => self.kept.tasks.remove(&key),
            TaskState::Open | TaskState::Draining => self.kept.tasks.put(key, task, bytes),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(rows: &Rows<u8, &'static str>) -> Vec<u8> {
        let mut keys: Vec<_> = rows.rows.borrow().keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_row_that_is_written_again_counts_once() {
        let rows = Rows::default();
        for _ in 0..3 {
            rows.put(1, &"row", BYTES_MAX / 2);
        }
        rows.put(2, &"other", BYTES_MAX / 2);
        assert_eq!(kept(&rows), [1, 2]);
        rows.remove(&1);
        rows.put(3, &"third", BYTES_MAX / 2);
        assert_eq!(kept(&rows), [2, 3]);
    }

    #[test]
    fn beyond_the_bound_all_are_forgotten_and_there_is_room_again() {
        let rows = Rows::default();
        rows.put(1, &"row", BYTES_MAX);
        rows.put(2, &"other", 1);
        assert!(kept(&rows).is_empty());
        rows.put(3, &"third", BYTES_MAX);
        assert_eq!(kept(&rows), [3]);
    }

    #[test]
    #[should_panic(expected = "what is remembered is not what is there")]
    fn a_row_that_was_changed_behind_its_back_is_noticed_in_tests() {
        let rows = Rows::default();
        rows.put(1, &"remembered", 1);
        drop(rows.find(&1, || Ok(Some("written"))));
    }
}
