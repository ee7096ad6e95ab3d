//! Timers: what wakes something up at its time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::Timer;

use crate::contract::StoreError;
use crate::rows::TimerRow;

use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Row {
    due: Timestamp,
    project: ProjectName,
    timer: Timer,
}

fn key(timer: Timer) -> Key {
    let (kind, id) = match &timer {
        Timer::Delay(execution) => (0, *execution.as_bytes()),
        Timer::Unstarted(task) => (1, *task.as_bytes()),
        Timer::Unmeasured(task) => (2, *task.as_bytes()),
    };
    Key::new().bytes(&[kind]).bytes(&id)
}

/// Sets a timer; a new time replaces the old one.
pub(super) fn set(
    rows: &mut Transaction,
    project: &ProjectName,
    timer: Timer,
    due: Timestamp,
) -> Result<(), StoreError> {
    rows.put(Table::Timer, &key(timer), &Row { due, project: project.clone(), timer })
}

/// Stops it.
pub(super) fn clear(rows: &mut Transaction, timer: Timer) {
    rows.remove(Table::Timer, &key(timer));
}

/// The timers that are due next, earliest first.
pub(super) fn next(rows: &Rows, expiries: bool, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
    let mut found: Vec<Row> = rows.all(Table::Timer, &Key::new())?;
    found.retain(|row| expiries || !row.timer.is_expiry());
    found.sort_by_key(|row| (row.due, row.timer));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let row = |Row { due, project, timer }| TimerRow { due, project, timer };
    Ok(found.into_iter().map(row).collect())
}
