//! Retention: what ended long ago is forgotten, with all that belongs to it. The audit log stays.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::names::EventId;
use tidegate_core::sequence::{Execution, ExecutionState};

use crate::contract::{StoreError, Written};

use super::codec::{body, micros, signed};
use super::keys::{ProjectId, UNMAPPED};
use super::tally::{self, Tally};
use super::{approvals, integrations, log, tasks, waiting};

/// Most inputs that one call forgets for each context: they are small, and there are many.
const INPUTS_FOR_EACH: u64 = 50;

/// Forgets at most `limit` contexts that ended before `before`, and as many events without a project.
pub(super) fn prune(
    connection: &Connection,
    before: Timestamp,
    unmapped_before: Timestamp,
    limit: u64,
) -> Result<Written, StoreError> {
    let ended = ended(connection, before, limit)?;
    let (mut count, mut tasks) = (0, Vec::new());
    for (seq, project, context) in &ended {
        if let Some(found) = context_tasks(connection, *project, context)? {
            tasks.extend(found);
            forget(connection, *seq, *project, context)?;
            count += 1;
        }
    }
    let unmapped = unmapped(connection, unmapped_before, limit)?;
    let oldest = before.min(unmapped_before);
    inputs(connection, oldest, limit.saturating_mul(INPUTS_FOR_EACH))?;
    let more = count == limit || unmapped == limit;
    Ok(Written::Pruned { count: count + unmapped, tasks, more })
}

/// Forgets at most `limit` contexts of a project that have ended.
pub(super) fn forget_ended(
    connection: &Connection,
    project: ProjectId,
    limit: u64,
) -> Result<Written, StoreError> {
    let ended: Vec<(i64, [u8; 16])> = {
        let mut statement = connection.prepare_cached(ENDED_OF_PROJECT)?;
        let rows = statement
            .query_map((project.0, signed(limit)), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let (mut count, mut tasks) = (0, Vec::new());
    for (seq, context) in &ended {
        if let Some(found) = context_tasks(connection, project, context)? {
            tasks.extend(found);
            forget(connection, *seq, project, context)?;
            count += 1;
        }
    }
    Ok(Written::Pruned { count, tasks, more: count == limit })
}

pub(super) const ENDED_OF_PROJECT: &str = "SELECT seq, id FROM context INDEXED BY context_time
     WHERE project = ?1 AND ended IS NOT NULL ORDER BY time LIMIT ?2";

type ContextKey = (i64, ProjectId, [u8; 16]);

fn ended(
    connection: &Connection,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<ContextKey>, StoreError> {
    let mut statement = connection.prepare_cached(ENDED)?;
    let rows = statement.query_map((micros(before), signed(limit)), |row| {
        Ok((row.get(0)?, ProjectId(row.get(1)?), row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) const ENDED: &str = "SELECT seq, project, id FROM context INDEXED BY context_ended
     WHERE ended IS NOT NULL AND ended < ?1 ORDER BY ended LIMIT ?2";

/// The tasks of a context; none where it must stay for now: the project counts from its newest entry,
/// and a job that is still to be stopped is found by its event.
fn context_tasks(
    connection: &Connection,
    project: ProjectId,
    context: &[u8; 16],
) -> Result<Option<Vec<EventId>>, StoreError> {
    let newest = project.key(log::last(connection, project)?)?;
    let holds_newest = connection
        .prepare_cached("SELECT 1 FROM event WHERE key = ?1 AND context = ?2")?
        .exists((newest, context))?;
    let is_delivered = connection
        .prepare_cached(
            "SELECT 1 FROM event INDEXED BY event_context
             JOIN delivery ON delivery.event = event.key WHERE event.context = ?1 LIMIT 1",
        )?
        .exists([context])?;
    if holds_newest || is_delivered {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT key, body FROM execution INDEXED BY execution_context
         WHERE context = ?1 AND key BETWEEN ?2 AND ?3",
    )?;
    let mut rows = statement.query((context, project.first(), project.last()))?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let execution: Execution = body(row, 1, || format!("table execution, key {key}"))?;
        // An aborted one holds its lane until its job has ended.
        if !execution.state.is_final() || drains(connection, &execution)? {
            return Ok(None);
        }
        tasks.extend(execution.previous.iter().map(|task| task.triggered_id));
        tasks.extend(open_task(connection, &execution)?);
    }
    Ok(Some(tasks))
}

fn drains(connection: &Connection, execution: &Execution) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(tasks::DRAINING)?;
    Ok(statement.exists([execution.id.as_bytes()])?)
}

/// The task that was open when an execution was stopped or given up.
fn open_task(
    connection: &Connection,
    execution: &Execution,
) -> Result<Option<EventId>, StoreError> {
    match execution.state {
        ExecutionState::Aborted { .. } | ExecutionState::TimedOut { .. } => {}
        _ => return Ok(None),
    }
    let id: Option<[u8; 16]> = connection
        .prepare_cached(LAST_TASK)?
        .query_row([execution.id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(id.map(EventId::from_bytes))
}

pub(super) const LAST_TASK: &str =
    "SELECT id FROM task INDEXED BY task_execution WHERE execution = ?1 ORDER BY n DESC LIMIT 1";

fn forget(
    connection: &Connection,
    seq: i64,
    project: ProjectId,
    context: &[u8; 16],
) -> Result<(), StoreError> {
    let keys = (context, project.first(), project.last());
    let unlisted: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM event INDEXED BY event_context
             WHERE context = ?1 AND key BETWEEN ?2 AND ?3 AND disposition >= 2",
        )?
        .query_row(keys, |row| row.get(0))?;
    for state in [Tally::Open, Tally::Decided, Tally::Closed] {
        let code = state as i64 - Tally::Open as i64;
        let n: i64 = connection
            .prepare_cached(
                "SELECT count(*) FROM approval INDEXED BY approval_context
                 WHERE context = ?1 AND project = ?2 AND state = ?3",
            )?
            .query_row((context, project.0, code), |row| row.get(0))?;
        if n > 0 {
            tally::add(connection, project, state, -n)?;
        }
        if state == Tally::Open && n > 0 {
            forget_waiting(connection, project, context)?;
        }
    }
    connection
        .prepare_cached(
            "DELETE FROM task WHERE execution IN (
               SELECT id FROM execution INDEXED BY execution_context
               WHERE context = ?1 AND key BETWEEN ?2 AND ?3)",
        )?
        .execute(keys)?;
    let delete = |table: &str| {
        let sql = format!("DELETE FROM {table} WHERE context = ?1 AND key BETWEEN ?2 AND ?3");
        Ok::<_, StoreError>(connection.prepare_cached(&sql)?.execute(keys)?)
    };
    integrations::forget(connection, project, context)?;
    delete("execution")?;
    let events = signed(delete("event")? as u64);
    tally::add(connection, project, Tally::Forgotten, events)?;
    connection
        .prepare_cached("DELETE FROM approval WHERE context = ?1 AND project = ?2")?
        .execute((context, project.0))?;
    connection.prepare_cached("DELETE FROM context WHERE seq = ?1")?.execute([seq])?;
    tally::add(connection, project, Tally::Contexts, -1)?;
    if unlisted > 0 {
        tally::add(connection, project, Tally::Unlisted, -unlisted)?;
    }
    Ok(())
}

/// What a context that has ended leaves open waits no more.
fn forget_waiting(
    connection: &Connection,
    project: ProjectId,
    context: &[u8; 16],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, body, stage FROM approval INDEXED BY approval_context
         WHERE context = ?1 AND project = ?2 AND state = 0",
    )?;
    let mut rows = statement.query((context, project.0))?;
    while let Some(row) = rows.next()? {
        waiting::remove(connection, project, row.get(2)?, &approvals::read(row)?)?;
    }
    Ok(())
}

/// Events without a known project, from the oldest on; never the newest, from which they are counted.
fn unmapped(connection: &Connection, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let newest = UNMAPPED.key(log::last(connection, UNMAPPED)?)?;
    let old = "SELECT key FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3";
    let keys: Vec<i64> = {
        let mut statement = connection.prepare_cached(old)?;
        let rows = statement
            .query_map((UNMAPPED.first(), newest.saturating_sub(1), signed(limit)), |row| {
                row.get(0)
            })?;
        rows.collect::<Result<_, _>>()?
    };
    let mut count = 0;
    for key in keys {
        let gone = connection
            .prepare_cached("DELETE FROM event WHERE key = ?1 AND time < ?2 RETURNING disposition")?
            .query_row((key, micros(before)), |row| row.get::<_, i64>(0))
            .optional()?;
        let Some(disposition) = gone else { break };
        if disposition >= 2 {
            tally::add(connection, UNMAPPED, Tally::Unlisted, -1)?;
        }
        tally::add(connection, UNMAPPED, Tally::Forgotten, 1)?;
        count += 1;
    }
    Ok(count)
}

/// Inputs, from the oldest on; never the newest, of whose number deliveries are made.
fn inputs(connection: &Connection, before: Timestamp, limit: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM input WHERE n IN (
               SELECT n FROM input WHERE n < (SELECT max(n) FROM input) ORDER BY n LIMIT ?2)
             AND now < ?1",
        )?
        .execute((micros(before), signed(limit)))?;
    Ok(())
}
