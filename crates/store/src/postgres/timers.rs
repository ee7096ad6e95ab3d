//! Timers: what wakes something up at its time.

use jiff::Timestamp;
use tidegate_core::names::{EventId, ExecutionId, ProjectName};
use tidegate_core::sequence::Timer;
use uuid::Uuid;

use crate::codec::{damaged, micros_up, signed, time};
use crate::contract::StoreError;
use crate::rows::TimerRow;

use super::session::{Session, get};
use super::{list, projects};

const DELAY: i16 = 0;
const UNSTARTED: i16 = 1;
const UNMEASURED: i16 = 2;

fn key(timer: Timer) -> (i16, Uuid) {
    match timer {
        Timer::Delay(execution) => (DELAY, execution.uuid()),
        Timer::Unstarted(task) => (UNSTARTED, task.uuid()),
        Timer::Unmeasured(task) => (UNMEASURED, task.uuid()),
    }
}

fn read_key(kind: i16, id: Uuid) -> Result<Timer, StoreError> {
    match kind {
        DELAY => Ok(Timer::Delay(ExecutionId::from(id))),
        UNSTARTED => Ok(Timer::Unstarted(EventId::from(id))),
        UNMEASURED => Ok(Timer::Unmeasured(EventId::from(id))),
        other => Err(damaged("table timer", &format!("{other} is no kind of timer"))),
    }
}

/// Sets a timer; a new time replaces the old one.
pub(super) fn set(
    session: &Session,
    project: &ProjectName,
    timer: Timer,
    due: Timestamp,
) -> Result<(), StoreError> {
    let (kind, id) = key(timer);
    session.execute(
        "INSERT INTO timer (kind, id, project, due) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, id) DO UPDATE SET due = excluded.due",
        &[&kind, &id, &project.as_str(), &micros_up(due)],
    )?;
    Ok(())
}

/// Stops it.
pub(super) fn clear(session: &Session, timer: Timer) -> Result<(), StoreError> {
    let (kind, id) = key(timer);
    session.execute("DELETE FROM timer WHERE kind = $1 AND id = $2", &[&kind, &id])?;
    Ok(())
}

/// The timers that are due next, earliest first.
pub(super) fn next(
    session: &Session,
    expiries: bool,
    limit: u64,
) -> Result<Vec<TimerRow>, StoreError> {
    let mut timers = of_kind(session, DELAY, limit)?;
    if expiries {
        timers.extend(of_kind(session, UNSTARTED, limit)?);
        timers.extend(of_kind(session, UNMEASURED, limit)?);
        timers.sort_by_key(|row| (row.due, row.timer));
        timers.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(timers)
}

fn of_kind(session: &Session, kind: i16, limit: u64) -> Result<Vec<TimerRow>, StoreError> {
    let sql = "SELECT due, project, id FROM timer WHERE kind = $1 ORDER BY due, id LIMIT $2";
    list::all(session, sql, &[&kind, &signed(limit)], |row| {
        let timer = read_key(kind, get(row, 2)?)?;
        let due = time(get(row, 0)?, &format!("table timer, {timer:?}"))?;
        Ok(TimerRow { due, project: projects::name(row, 1)?, timer })
    })
}
