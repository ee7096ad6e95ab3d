//! The census: every number is kept, bounded, or that of rows of which there are few.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::ContextState;

use crate::census::{COUNTED_MAX, Census};
use crate::contract::StoreError;

use super::codec::{damaged, micros, signed, time, unsigned};
use super::tally::Tally;
use super::waiting;

pub(super) fn take(connection: &Connection, now: Timestamp) -> Result<Census, StoreError> {
    let at_most = |rows: &str| counted(connection, rows, None);
    let due = |kind: u8| counted(connection, &due_sql(kind), Some(micros(now)));
    Ok(Census {
        waiting: waiting::all(connection, now)?,
        under_way: under_way(connection)?,
        lanes_waiting: number(connection, LANES_WAITING)?,
        deliveries: at_most("SELECT 1 FROM delivery")?,
        oldest_delivery: oldest_delivery(connection)?,
        timers_due: (due(0)? + due(1)?).min(COUNTED_MAX),
        deferred: at_most("SELECT 1 FROM deferred")?,
        sagas: number(connection, "SELECT count(*) FROM intent")?,
        quarantined: at_most("SELECT 1 FROM quarantine")?,
    })
}

/// One look into its queues for each lane, of which there are as many as services in stages.
pub(super) const LANES_WAITING: &str = "SELECT count(*) FROM lane
     WHERE EXISTS (SELECT 1 FROM lane_queue WHERE lane_queue.lane = lane.id)";

fn due_sql(kind: u8) -> String {
    format!("SELECT 1 FROM timer INDEXED BY timer_due WHERE kind = {kind} AND due <= ?2")
}

fn counted(connection: &Connection, rows: &str, until: Option<i64>) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM ({rows} LIMIT ?1)");
    let mut statement = connection.prepare_cached(&sql)?;
    let max = signed(COUNTED_MAX);
    let n = match until {
        Some(until) => statement.query_row([max, until], |row| row.get(0)),
        None => statement.query_row([max], |row| row.get(0)),
    };
    Ok(unsigned(n?))
}

fn number(connection: &Connection, sql: &str) -> Result<u64, StoreError> {
    Ok(unsigned(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

fn oldest_delivery(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<i64> = connection
        .prepare_cached(
            "SELECT event.time FROM delivery JOIN event ON event.key = delivery.event
             ORDER BY delivery.id LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    found.map(|micros| time(micros, "table event, the oldest that is delivered")).transpose()
}

fn under_way(connection: &Connection) -> Result<Vec<(ProjectName, ContextState, u64)>, StoreError> {
    let mut found = Vec::new();
    for state in STATES {
        let Some(tally) = Tally::under_way(state) else { continue };
        let mut statement = connection.prepare_cached(
            "SELECT project.name, tally.n FROM tally JOIN project ON project.id = tally.project
             WHERE tally.what = ?1 AND tally.n > 0",
        )?;
        let mut rows = statement.query([tally as i64])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let project = ProjectName::new(&*name)
                .map_err(|error| damaged(format!("table project, name {name}"), &error))?;
            found.push((project, state, unsigned(row.get(1)?)));
        }
    }
    found.sort_by(|a, b| (&a.0, a.1.as_str()).cmp(&(&b.0, b.1.as_str())));
    Ok(found)
}

const STATES: [ContextState; 4] =
    [ContextState::Triggered, ContextState::Waiting, ContextState::Started, ContextState::Paused];
