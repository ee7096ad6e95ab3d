//! Retention: what ended long ago is forgotten, with all that belongs to it. The audit log stays.

use jiff::Timestamp;
use tidegate_core::names::{EventId, ProjectName};
use uuid::Uuid;

use crate::codec::{micros, signed};
use crate::contract::{StoreError, Written};

use super::session::{Session, get};
use super::{list, projects};

/// Most inputs that one call forgets for each context: they are small, and there are many.
const INPUTS_FOR_EACH: u64 = 50;

/// Forgets at most `limit` contexts that ended before `before`, and as many events without a project.
pub(super) fn prune(
    session: &Session,
    before: Timestamp,
    unmapped_before: Timestamp,
    limit: u64,
) -> Result<Written, StoreError> {
    let (mut count, mut tasks) = (0, Vec::new());
    for (project, context) in ended(session, before, limit)? {
        if !must_stay(session, &project, context)? {
            tasks.extend(forget(session, &project, context)?);
            count += 1;
        }
    }
    let unmapped = unmapped(session, unmapped_before, limit)?;
    let oldest = before.min(unmapped_before);
    inputs(session, oldest, limit.saturating_mul(INPUTS_FOR_EACH))?;
    let more = count == limit || unmapped == limit;
    Ok(Written::Pruned { count: count + unmapped, tasks, more })
}

/// Forgets at most `limit` contexts of a project that have ended.
pub(super) fn forget_ended(
    session: &Session,
    project: &ProjectName,
    limit: u64,
) -> Result<Written, StoreError> {
    let sql =
        "SELECT id FROM context WHERE project = $1 AND ended IS NOT NULL ORDER BY time LIMIT $2";
    let ended: Vec<Uuid> =
        list::all(session, sql, &[&project.as_str(), &signed(limit)], |row| get(row, 0))?;
    let (mut count, mut tasks) = (0, Vec::new());
    for context in ended {
        if !must_stay(session, project, context)? {
            tasks.extend(forget(session, project, context)?);
            count += 1;
        }
    }
    Ok(Written::Pruned { count, tasks, more: count == limit })
}

fn ended(
    session: &Session,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<(ProjectName, Uuid)>, StoreError> {
    let sql = "SELECT project, id FROM context WHERE ended < $1 ORDER BY ended LIMIT $2";
    list::all(session, sql, &[&micros(before), &signed(limit)], |row| {
        Ok((projects::name(row, 0)?, get(row, 1)?))
    })
}

/// Whether a context stays for now: the project counts from its newest entry, a job that is still to
/// be stopped is found by its event, one that has not ended yet frees a lane, and what is open is asked
/// for.
fn must_stay(session: &Session, project: &ProjectName, context: Uuid) -> Result<bool, StoreError> {
    let sql = "
      SELECT EXISTS (SELECT FROM event WHERE project = $1 AND context = $2
                       AND n = (SELECT max(n) FROM event WHERE project = $1))
          OR EXISTS (SELECT FROM event JOIN delivery USING (project, n)
                     WHERE event.project = $1 AND event.context = $2)
          OR EXISTS (SELECT FROM event JOIN open_event USING (project, n)
                     WHERE event.project = $1 AND event.context = $2)
          OR EXISTS (SELECT FROM execution WHERE project = $1 AND context = $2 AND NOT final)
          OR EXISTS (SELECT FROM execution JOIN task ON task.execution = execution.id
                     WHERE execution.project = $1 AND context = $2 AND draining)";
    let row = session.first(sql, &[&project.as_str(), &context])?;
    Ok(row.map(|row| get(&row, 0)).transpose()?.unwrap_or(true))
}

/// Forgets a context; answers its tasks.
fn forget(
    session: &Session,
    project: &ProjectName,
    context: Uuid,
) -> Result<Vec<EventId>, StoreError> {
    let key = (project.as_str(), context);
    let tasks = list::all(
        session,
        "DELETE FROM task WHERE execution IN (
           SELECT id FROM execution WHERE project = $1 AND context = $2) RETURNING id",
        &[&key.0, &key.1],
        |row| Ok(EventId::from(get::<Uuid>(row, 0)?)),
    )?;
    for table in ["execution", "event", "approval"] {
        let sql = format!("DELETE FROM {table} WHERE project = $1 AND context = $2");
        session.execute(&sql, &[&key.0, &key.1])?;
    }
    session.execute("DELETE FROM context WHERE project = $1 AND id = $2", &[&key.0, &key.1])?;
    Ok(tasks)
}

/// Events without a known project, from the oldest on to the first that is too young; never the
/// newest, from which they are counted.
fn unmapped(session: &Session, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let name = ProjectName::unmapped();
    session.execute(
        "DELETE FROM event WHERE project = $1 AND n IN (
           SELECT n FROM event WHERE project = $1
             AND n < (SELECT coalesce(min(n) FILTER (WHERE time >= $2), max(n)) FROM event
                      WHERE project = $1)
             AND n < (SELECT max(n) FROM event WHERE project = $1)
           ORDER BY n LIMIT $3)",
        &[&name.as_str(), &micros(before), &signed(limit)],
    )
}

/// Inputs, from the oldest on.
fn inputs(session: &Session, before: Timestamp, limit: u64) -> Result<(), StoreError> {
    session.execute(
        "DELETE FROM input WHERE now < $1 AND n IN (SELECT n FROM input ORDER BY n LIMIT $2)",
        &[&micros(before), &signed(limit)],
    )?;
    Ok(())
}
