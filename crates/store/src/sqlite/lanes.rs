//! Lanes: who holds one, who waits in its two queues, and what runs there.

use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::event::Scope;
use tidegate_core::names::{ExecutionId, ServiceName, StageName};
use tidegate_core::sequence::{Deployed, LaneHead, Queue, Queued};

use crate::codes;
use crate::contract::StoreError;
use crate::query::{LINE_MAX, LineRow};

use super::codec::{from_json, signed, to_json, unsigned};
use super::keys::ProjectId;
use super::words::Numbers;

/// The number of a lane; it gets one where it has none.
fn lane(connection: &Connection, numbers: &Numbers, scope: &Scope) -> Result<i64, StoreError> {
    let project = numbers.own_project(connection, &scope.project)?;
    let key = (
        project.0,
        numbers.word(connection, scope.stage.as_str())?,
        numbers.word(connection, scope.service.as_str())?,
    );
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM lane WHERE project = ?1 AND stage = ?2 AND service = ?3")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(id) = id {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO lane (project, stage, service) VALUES (?1, ?2, ?3)")?
        .execute(key)?;
    Ok(connection.last_insert_rowid())
}

/// Sets who holds a lane.
pub(super) fn hold(
    connection: &Connection,
    numbers: &Numbers,
    scope: &Scope,
    holder: Option<ExecutionId>,
) -> Result<(), StoreError> {
    let lane = lane(connection, numbers, scope)?;
    connection
        .prepare_cached("UPDATE lane SET holder = ?2 WHERE id = ?1")?
        .execute((lane, holder.map(|id| *id.as_bytes())))?;
    Ok(())
}

/// Puts an execution into a queue.
pub(super) fn join(
    connection: &Connection,
    numbers: &Numbers,
    scope: &Scope,
    queue: Queue,
    position: u64,
    execution: ExecutionId,
) -> Result<(), StoreError> {
    let lane = lane(connection, numbers, scope)?;
    connection
        .prepare_cached(
            "INSERT INTO lane_queue (lane, queue, position, execution) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((lane, codes::queue(queue), signed(position), execution.as_bytes()))?;
    Ok(())
}

/// Takes an execution out of a queue.
pub(super) fn leave(
    connection: &Connection,
    numbers: &Numbers,
    scope: &Scope,
    queue: Queue,
    position: u64,
) -> Result<(), StoreError> {
    let lane = lane(connection, numbers, scope)?;
    connection
        .prepare_cached("DELETE FROM lane_queue WHERE lane = ?1 AND queue = ?2 AND position = ?3")?
        .execute((lane, codes::queue(queue), signed(position)))?;
    Ok(())
}

/// Writes what runs in a lane.
pub(super) fn deploy(
    connection: &Connection,
    numbers: &Numbers,
    scope: &Scope,
    deployed: &[Deployed],
) -> Result<(), StoreError> {
    let lane = lane(connection, numbers, scope)?;
    connection
        .prepare_cached(
            "INSERT INTO deployed (lane, body) VALUES (?1, ?2)
             ON CONFLICT (lane) DO UPDATE SET body = excluded.body",
        )?
        .execute((lane, to_json(&deployed, "deployed")?))?;
    Ok(())
}

/// What a step needs to know about a lane.
pub(super) fn head(
    connection: &Connection,
    numbers: &Numbers,
    scope: &Scope,
) -> Result<LaneHead, StoreError> {
    let Some(project) = numbers.project(connection, &scope.project)? else {
        return Ok(LaneHead::default());
    };
    let stage = numbers.known_word(connection, scope.stage.as_str())?;
    let service = numbers.known_word(connection, scope.service.as_str())?;
    let (Some(stage), Some(service)) = (stage, service) else { return Ok(LaneHead::default()) };
    let mut statement = connection.prepare_cached(HEAD)?;
    let mut rows = statement.query([project.0, stage, service])?;
    let Some(row) = rows.next()? else { return Ok(LaneHead::default()) };
    let lane: i64 = row.get(0)?;
    let holder: Option<[u8; 16]> = row.get(1)?;
    let deployed: Option<String> = row.get(2)?;
    Ok(LaneHead {
        holder: holder.map(ExecutionId::from_bytes),
        ready: front(connection, lane, Queue::Ready)?,
        waiting: front(connection, lane, Queue::Waiting)?,
        deployed: read_deployed(lane, deployed.as_deref())?,
    })
}

pub(super) const HEAD: &str = "SELECT lane.id, lane.holder, deployed.body
     FROM lane LEFT JOIN deployed ON deployed.lane = lane.id
     WHERE lane.project = ?1 AND lane.stage = ?2 AND lane.service = ?3";

fn front(connection: &Connection, lane: i64, queue: Queue) -> Result<Option<Queued>, StoreError> {
    let front = connection
        .prepare_cached(FRONT)?
        .query_row((lane, codes::queue(queue)), |row| {
            let execution = ExecutionId::from_bytes(row.get(1)?);
            Ok(Queued { position: unsigned(row.get(0)?), execution })
        })
        .optional()?;
    Ok(front)
}

pub(super) const FRONT: &str = "SELECT position, execution FROM lane_queue
     WHERE lane = ?1 AND queue = ?2 ORDER BY position LIMIT 1";

fn read_deployed(lane: i64, body: Option<&str>) -> Result<Vec<Deployed>, StoreError> {
    match body {
        Some(body) => from_json(body, || format!("table deployed, lane {lane}")),
        None => Ok(Vec::new()),
    }
}

/// What runs in a stage for a service, newest last.
pub(super) fn deployed(
    connection: &Connection,
    project: ProjectId,
    stage: &StageName,
    service: &ServiceName,
) -> Result<Vec<Deployed>, StoreError> {
    let mut statement = connection.prepare_cached(DEPLOYED)?;
    let mut rows = statement.query((project.0, stage.as_str(), service.as_str()))?;
    let Some(row) = rows.next()? else { return Ok(Vec::new()) };
    let body: String = row.get(1)?;
    read_deployed(row.get(0)?, Some(&body))
}

pub(super) const DEPLOYED: &str = "SELECT deployed.lane, deployed.body
     FROM lane JOIN deployed ON deployed.lane = lane.id
     WHERE lane.project = ?1
       AND lane.stage = (SELECT id FROM word WHERE text = ?2)
       AND lane.service = (SELECT id FROM word WHERE text = ?3)";

/// Who is before the one at this position of a queue.
pub(super) fn line(
    connection: &Connection,
    project: ProjectId,
    scope: &Scope,
    queue: Queue,
    position: u64,
) -> Result<LineRow, StoreError> {
    let mut statement = connection.prepare_cached(LANE)?;
    let mut rows = statement.query((project.0, scope.stage.as_str(), scope.service.as_str()))?;
    let Some(row) = rows.next()? else { return Ok(LineRow::default()) };
    let lane: i64 = row.get(0)?;
    let holder: Option<[u8; 16]> = row.get(1)?;
    let count = |queue: Queue, end: u64| -> Result<u64, StoreError> {
        let values = (lane, codes::queue(queue), signed(end), signed(LINE_MAX));
        let n = connection.prepare_cached(BEFORE)?.query_row(values, |row| row.get(0))?;
        Ok(unsigned(n))
    };
    let before = match queue {
        Queue::Ready => count(Queue::Ready, position)?,
        Queue::Waiting => count(Queue::Ready, u64::MAX)? + count(Queue::Waiting, position)?,
    };
    Ok(LineRow { holder: holder.map(ExecutionId::from_bytes), before: before.min(LINE_MAX) })
}

pub(super) const LANE: &str = "SELECT id, holder FROM lane
     WHERE project = ?1
       AND stage = (SELECT id FROM word WHERE text = ?2)
       AND service = (SELECT id FROM word WHERE text = ?3)";

pub(super) const BEFORE: &str = "SELECT count(*) FROM (
       SELECT 1 FROM lane_queue WHERE lane = ?1 AND queue = ?2 AND position < ?3 LIMIT ?4)";
