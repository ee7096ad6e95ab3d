//! Timers: what wakes something up at its time.

use jiff::Timestamp;
use rusqlite::Connection;
use tidegate_core::names::{EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::Timer;

use crate::contract::StoreError;
use crate::rows::TimerRow;

use super::codec::{damaged, micros_up, signed, time};
use super::keys::ProjectId;
use super::projects;
use super::words::Numbers;

const DELAY: i64 = 0;
const UNSTARTED: i64 = 1;
const UNMEASURED: i64 = 2;

fn key(timer: Timer) -> (i64, [u8; 16]) {
    match timer {
        Timer::Delay(execution) => (DELAY, *execution.as_bytes()),
        Timer::Unstarted(task) => (UNSTARTED, *task.as_bytes()),
        Timer::Unmeasured(task) => (UNMEASURED, *task.as_bytes()),
    }
}

/// Which timer a row is of.
pub(super) fn read_key(kind: i64, id: [u8; 16]) -> Result<Timer, StoreError> {
    match kind {
        DELAY => Ok(Timer::Delay(ExecutionId::from_bytes(id))),
        UNSTARTED => Ok(Timer::Unstarted(EventId::from_bytes(id))),
        UNMEASURED => Ok(Timer::Unmeasured(EventId::from_bytes(id))),
        other => Err(damaged("table timer", &format!("{other} is no kind of timer"))),
    }
}

/// Sets a timer; a new time replaces the old one.
pub(super) fn set(
    connection: &Connection,
    numbers: &Numbers,
    project: &ProjectName,
    timer: Timer,
    due: Timestamp,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, project)?;
    let (kind, id) = key(timer);
    connection
        .prepare_cached(
            "INSERT INTO timer (kind, id, project, due) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, id) DO UPDATE SET due = excluded.due",
        )?
        .execute((kind, id, project.0, micros_up(due)))?;
    Ok(())
}

/// Stops it.
pub(super) fn clear(connection: &Connection, timer: Timer) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM timer WHERE kind = ?1 AND id = ?2")?
        .execute(key(timer))?;
    Ok(())
}

/// The timers that are due next, earliest first.
pub(super) fn next(
    connection: &Connection,
    expiries: bool,
    limit: u64,
) -> Result<Vec<TimerRow>, StoreError> {
    let mut timers = of_kind(connection, DELAY, limit)?;
    if expiries {
        timers.extend(of_kind(connection, UNSTARTED, limit)?);
        timers.extend(of_kind(connection, UNMEASURED, limit)?);
        timers.sort_by_key(|row| (row.due, row.timer));
        timers.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(timers)
}

fn of_kind(connection: &Connection, kind: i64, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
    let mut statement = connection.prepare_cached(NEXT)?;
    let mut rows = statement.query([kind, signed(limit)])?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        let timer = read_key(kind, row.get(2)?)?;
        let due = time(row.get(0)?, &format!("table timer, {timer:?}"))?;
        let project = projects::name(connection, ProjectId(row.get(1)?))?;
        timers.push(TimerRow { due, project, timer });
    }
    Ok(timers)
}

pub(super) const NEXT: &str = "SELECT due, project, id FROM timer INDEXED BY timer_due
     WHERE kind = ?1 ORDER BY due, id LIMIT ?2";
