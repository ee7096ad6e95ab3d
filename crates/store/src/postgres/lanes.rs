//! Lanes: who holds one, who waits in its two queues, and what runs there.

use tidegate_core::event::Scope;
use tidegate_core::names::{ExecutionId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Deployed, LaneHead, Queue, Queued};
use uuid::Uuid;

use crate::codec::{damaged, from_json, signed, to_json, unsigned};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{LINE_MAX, LineRow};

use super::list;
use super::session::{Session, get};

/// The number of a lane; it gets one where it has none.
fn lane(session: &Session, scope: &Scope) -> Result<i64, StoreError> {
    let key = [scope.project.as_str(), scope.stage.as_str(), scope.service.as_str()];
    let found = "SELECT id FROM lane WHERE project = $1 AND stage = $2 AND service = $3";
    let made = "INSERT INTO lane (project, stage, service) VALUES ($1, $2, $3) RETURNING id";
    for sql in [found, made] {
        if let Some(row) = session.first(sql, &[&key[0], &key[1], &key[2]])? {
            return get(&row, 0);
        }
    }
    Err(damaged("table lane", "a new row has no number"))
}

/// Sets who holds a lane.
pub(super) fn hold(
    session: &Session,
    scope: &Scope,
    holder: Option<ExecutionId>,
) -> Result<(), StoreError> {
    let lane = lane(session, scope)?;
    let holder = holder.map(ExecutionId::uuid);
    session.execute("UPDATE lane SET holder = $2 WHERE id = $1", &[&lane, &holder])?;
    Ok(())
}

/// Puts an execution into a queue.
pub(super) fn join(
    session: &Session,
    scope: &Scope,
    queue: Queue,
    position: u64,
    execution: ExecutionId,
) -> Result<(), StoreError> {
    let lane = lane(session, scope)?;
    session.execute(
        "INSERT INTO lane_queue (lane, queue, position, execution) VALUES ($1, $2, $3, $4)",
        &[&lane, &codes::queue(queue), &signed(position), &execution.uuid()],
    )?;
    Ok(())
}

/// Takes an execution out of a queue.
pub(super) fn leave(
    session: &Session,
    scope: &Scope,
    queue: Queue,
    position: u64,
) -> Result<(), StoreError> {
    let lane = lane(session, scope)?;
    session.execute(
        "DELETE FROM lane_queue WHERE lane = $1 AND queue = $2 AND position = $3",
        &[&lane, &codes::queue(queue), &signed(position)],
    )?;
    Ok(())
}

/// Writes what runs in a lane.
pub(super) fn deploy(
    session: &Session,
    scope: &Scope,
    deployed: &[Deployed],
) -> Result<(), StoreError> {
    let lane = lane(session, scope)?;
    let body = to_json(&deployed, "deployed")?;
    session.execute("UPDATE lane SET deployed = $2 WHERE id = $1", &[&lane, &body])?;
    Ok(())
}

/// What a step needs to know about a lane.
pub(super) fn head(session: &Session, scope: &Scope) -> Result<LaneHead, StoreError> {
    let sql = "SELECT id, holder, deployed FROM lane
               WHERE project = $1 AND stage = $2 AND service = $3";
    let key = (scope.project.as_str(), scope.stage.as_str(), scope.service.as_str());
    let Some(row) = session.first(sql, &[&key.0, &key.1, &key.2])? else {
        return Ok(LaneHead::default());
    };
    let lane: i64 = get(&row, 0)?;
    let holder: Option<Uuid> = get(&row, 1)?;
    Ok(LaneHead {
        holder: holder.map(ExecutionId::from),
        ready: front(session, lane, Queue::Ready)?,
        waiting: front(session, lane, Queue::Waiting)?,
        deployed: read_deployed(lane, get(&row, 2)?)?,
    })
}

fn front(session: &Session, lane: i64, queue: Queue) -> Result<Option<Queued>, StoreError> {
    let sql = "SELECT position, execution FROM lane_queue
               WHERE lane = $1 AND queue = $2 ORDER BY position LIMIT 1";
    list::one(session, sql, &[&lane, &codes::queue(queue)], |row| {
        let execution = ExecutionId::from(get::<Uuid>(row, 1)?);
        Ok(Queued { position: unsigned(get(row, 0)?), execution })
    })
}

fn read_deployed(lane: i64, body: Option<&str>) -> Result<Vec<Deployed>, StoreError> {
    match body {
        Some(body) => from_json(body, || format!("table lane, id {lane}")),
        None => Ok(Vec::new()),
    }
}

/// What runs in a stage for a service, newest last.
pub(super) fn deployed(
    session: &Session,
    project: &ProjectName,
    stage: &StageName,
    service: &ServiceName,
) -> Result<Vec<Deployed>, StoreError> {
    let sql = "SELECT id, deployed FROM lane WHERE project = $1 AND stage = $2 AND service = $3";
    let key = (project.as_str(), stage.as_str(), service.as_str());
    let read = |row: &postgres::Row| read_deployed(get(row, 0)?, get(row, 1)?);
    Ok(list::one(session, sql, &[&key.0, &key.1, &key.2], read)?.unwrap_or_default())
}

/// Who is before the one at this position of a queue.
pub(super) fn line(
    session: &Session,
    scope: &Scope,
    queue: Queue,
    position: u64,
) -> Result<LineRow, StoreError> {
    let sql = "SELECT id, holder FROM lane WHERE project = $1 AND stage = $2 AND service = $3";
    let key = (scope.project.as_str(), scope.stage.as_str(), scope.service.as_str());
    let Some(row) = session.first(sql, &[&key.0, &key.1, &key.2])? else {
        return Ok(LineRow::default());
    };
    let lane: i64 = get(&row, 0)?;
    let holder: Option<Uuid> = get(&row, 1)?;
    let count = |queue: Queue, end: u64| -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM (
                     SELECT 1 FROM lane_queue
                     WHERE lane = $1 AND queue = $2 AND position < $3 LIMIT $4) AS counted";
        let values = (codes::queue(queue), signed(end), signed(LINE_MAX));
        let row = session.first(sql, &[&lane, &values.0, &values.1, &values.2])?;
        Ok(row.map(|row| get(&row, 0)).transpose()?.map_or(0, unsigned))
    };
    let before = match queue {
        Queue::Ready => count(Queue::Ready, position)?,
        Queue::Waiting => count(Queue::Ready, u64::MAX)? + count(Queue::Waiting, position)?,
    };
    Ok(LineRow { holder: holder.map(ExecutionId::from), before: before.min(LINE_MAX) })
}
