//! Lanes: who holds one, who waits in its two queues, and what runs there.

use tidegate_core::event::Scope;
use tidegate_core::names::ExecutionId;
use tidegate_core::sequence::{Deployed, LaneHead, Queue, Queued};

use crate::contract::StoreError;
use crate::query::{LINE_MAX, LineRow};

use super::contents;
use super::table::{Key, Rows, Table, damaged, number_of, parse};
use super::transaction::Transaction;

/// The key of what belongs to a service in a stage.
pub(super) fn key(lane: &Scope) -> Key {
    let Scope { project, stage, service } = lane;
    Key::new().text(project.as_str()).text(stage.as_str()).text(service.as_str())
}

fn queue_key(lane: &Scope, queue: Queue) -> Key {
    key(lane).bytes(&[contents::queue_number(queue)])
}

/// Sets who holds a lane.
pub(super) fn hold(
    rows: &mut Transaction,
    lane: &Scope,
    holder: Option<ExecutionId>,
) -> Result<(), StoreError> {
    match holder {
        Some(holder) => rows.put(Table::Holder, &key(lane), &holder),
        None => {
            rows.remove(Table::Holder, &key(lane));
            Ok(())
        }
    }
}

/// Puts an execution into a queue.
pub(super) fn join(
    rows: &mut Transaction,
    lane: &Scope,
    queue: Queue,
    position: u64,
    execution: ExecutionId,
) -> Result<(), StoreError> {
    let key = queue_key(lane, queue).number(position);
    if rows.text(Table::Queue, &key).is_some() {
        let what = format!("lane {}/{}/{}", lane.project, lane.stage, lane.service);
        return Err(damaged(what, &format!("two stand at position {position} of {queue:?}")));
    }
    rows.put(Table::Queue, &key, &execution)
}

/// Takes an execution out of a queue.
pub(super) fn leave(rows: &mut Transaction, lane: &Scope, queue: Queue, position: u64) {
    rows.remove(Table::Queue, &queue_key(lane, queue).number(position));
}

/// Writes what runs in a lane.
pub(super) fn deploy(
    rows: &mut Transaction,
    lane: &Scope,
    deployed: &[Deployed],
) -> Result<(), StoreError> {
    rows.put(Table::Deployed, &key(lane), &deployed)
}

/// What runs in a lane, newest last.
pub(super) fn deployed(rows: &Rows, lane: &Scope) -> Result<Vec<Deployed>, StoreError> {
    Ok(rows.get(Table::Deployed, &key(lane))?.unwrap_or_default())
}

/// What a step needs to know about a lane.
pub(super) fn head(rows: &Rows, lane: &Scope) -> Result<LaneHead, StoreError> {
    Ok(LaneHead {
        holder: rows.get(Table::Holder, &key(lane))?,
        ready: front(rows, lane, Queue::Ready)?,
        waiting: front(rows, lane, Queue::Waiting)?,
        deployed: deployed(rows, lane)?,
    })
}

/// Who is before the one at this position of a queue.
pub(super) fn line(
    rows: &Rows,
    lane: &Scope,
    queue: Queue,
    position: u64,
) -> Result<LineRow, StoreError> {
    let count = |queue, end: u64| {
        let found = rows.scan(Table::Queue, &queue_key(lane, queue));
        found.filter(|(key, _)| number_of(key) < end).count() as u64
    };
    let before = match queue {
        Queue::Ready => count(Queue::Ready, position),
        Queue::Waiting => count(Queue::Ready, u64::MAX) + count(Queue::Waiting, position),
    };
    Ok(LineRow { holder: rows.get(Table::Holder, &key(lane))?, before: before.min(LINE_MAX) })
}

fn front(rows: &Rows, lane: &Scope, queue: Queue) -> Result<Option<Queued>, StoreError> {
    let first = rows.scan(Table::Queue, &queue_key(lane, queue)).next();
    let queued = first.map(|(key, text)| {
        let execution = parse(Table::Queue, key, text)?;
        Ok(Queued { position: number_of(key), execution })
    });
    queued.transpose()
}
