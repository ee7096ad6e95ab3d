//! What waits for somebody outside of the machine: open events, deliveries; and the inputs that were
//! taken.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType, Scope};
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::{Delivery, Env, OpenEvent, RULES_VERSION};

use crate::contract::{InputRecord, StoreError};
use crate::query::OpenEventFilter;
use crate::rows::DeliveryRow;

use super::log;
use super::page::admits;
use super::table::{Key, Rows, Table, damaged, number_of, parse};
use super::transaction::Transaction;

#[derive(Serialize)]
struct Input<'a> {
    name: &'a str,
    project: &'a ProjectName,
    env: &'a Env,
    payload: &'a str,
    rules: u32,
}

/// Keeps an input; answers its number.
pub(super) fn record(rows: &mut Transaction, input: &InputRecord<'_>) -> Result<u64, StoreError> {
    let InputRecord { name, project, env, payload } = input;
    let n = rows.next("input")?;
    let row = Input { name, project, env, payload, rules: RULES_VERSION };
    rows.put(Table::Input, &Key::new().number(n), &row)?;
    Ok(n)
}

#[derive(Serialize, Deserialize)]
struct Open {
    /// The order in which they were opened.
    n: u64,
    id: EventId,
    kind: EventType,
    scope: Scope,
}

fn open_key(id: EventId) -> Key {
    Key::new().bytes(id.as_bytes())
}

/// Makes an event visible to those who ask for open ones.
pub(super) fn open(rows: &mut Transaction, event: &OpenEvent) -> Result<(), StoreError> {
    let OpenEvent { id, scope, context: _, kind, n: _ } = event;
    let n = rows.next("open")?;
    let row = Open { n, id: *id, kind: kind.clone(), scope: scope.clone() };
    rows.put(Table::Open, &open_key(*id), &row)
}

/// Hides it again.
pub(super) fn close(
    rows: &mut Transaction,
    project: &ProjectName,
    id: EventId,
) -> Result<(), StoreError> {
    let row: Option<Open> = rows.get(Table::Open, &open_key(id))?;
    if row.is_some_and(|row| row.scope.project == *project) {
        rows.remove(Table::Open, &open_key(id));
    }
    Ok(())
}

/// Open events that match, newest first.
pub(super) fn list(rows: &Rows, filter: &OpenEventFilter) -> Result<Vec<Event>, StoreError> {
    let OpenEventFilter { kind, id, project, stage, service } = filter;
    let mut found: Vec<Open> = rows.all(Table::Open, &Key::new())?;
    found.retain(|row| {
        admits(kind.as_ref(), &row.kind)
            && admits(id.as_ref(), &row.id)
            && admits(project.as_ref(), &row.scope.project)
            && admits(stage.as_ref(), &row.scope.stage)
            && admits(service.as_ref(), &row.scope.service)
    });
    found.sort_by_key(|row| std::cmp::Reverse(row.n));
    found.into_iter().map(|row| event(rows, row.id)).collect()
}

fn event(rows: &Rows, id: EventId) -> Result<Event, StoreError> {
    let found = log::by_id(rows, id)?;
    let missing = || damaged(format!("event {id}"), "it is open or delivered, and not in the log");
    found.map(|(_, row)| row.event).ok_or_else(missing)
}

#[derive(Serialize, Deserialize)]
struct DeliveryText {
    project: ProjectName,
    event: EventId,
    cancelled: bool,
    to: BuiltIn,
}

/// One input makes fewer deliveries than two to the power of this.
const DELIVERIES_BITS: u32 = 12;

/// Hands an event to a part of Tidegate. `input` caused it, and it is the `index`-th of that input.
pub(super) fn deliver(
    rows: &mut Transaction,
    delivery: &Delivery,
    (input, index): (u64, usize),
) -> Result<(), StoreError> {
    if index >= 1 << DELIVERIES_BITS {
        return Err(damaged("effects", &format!("delivery {index} of one input")));
    }
    let Delivery { project, event, n: _, to } = delivery;
    let row = DeliveryText { project: project.clone(), event: *event, cancelled: false, to: *to };
    let id = (input << DELIVERIES_BITS) | index as u64;
    rows.put(Table::Delivery, &Key::new().number(id), &row)
}

/// Marks the delivery of a task as cancelled, where it is not done yet.
pub(super) fn cancel(rows: &mut Transaction, event: EventId) -> Result<(), StoreError> {
    for (id, row) in texts(rows)? {
        if row.event == event {
            let row = DeliveryText { cancelled: true, ..row };
            rows.put(Table::Delivery, &Key::new().number(id), &row)?;
        }
    }
    Ok(())
}

fn texts(rows: &Rows) -> Result<Vec<(u64, DeliveryText)>, StoreError> {
    let found = rows.scan(Table::Delivery, &Key::new());
    found.map(|(key, text)| Ok((number_of(key), parse(Table::Delivery, key, text)?))).collect()
}

/// A delivery needs no more work.
pub(super) fn delivered(rows: &mut Transaction, id: i64) {
    rows.remove(Table::Delivery, &Key::new().number(id.unsigned_abs()));
}

/// Deliveries to one part of Tidegate that are not done, in order.
pub(super) fn deliveries(
    rows: &Rows,
    to: BuiltIn,
    after: i64,
    limit: u64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut found = Vec::new();
    for (id, DeliveryText { project, event: of, cancelled, to: recipient }) in texts(rows)? {
        if recipient == to && id.cast_signed() > after && (found.len() as u64) < limit {
            let event = event(rows, of)?;
            found.push(DeliveryRow { id: id.cast_signed(), project, event, cancelled });
        }
    }
    Ok(found)
}

/// The event that was delivered first of those that are not done.
pub(super) fn oldest_delivery(rows: &Rows) -> Result<Option<Event>, StoreError> {
    texts(rows)?.first().map(|(_, row)| event(rows, row.event)).transpose()
}

/// The ids of all open events.
pub(super) fn all_open(rows: &Rows) -> Result<BTreeSet<EventId>, StoreError> {
    let found: Vec<Open> = rows.all(Table::Open, &Key::new())?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// All deliveries that are not done: id and event.
pub(super) fn all_deliveries(rows: &Rows) -> Result<BTreeMap<i64, EventId>, StoreError> {
    Ok(texts(rows)?.into_iter().map(|(id, row)| (id.cast_signed(), row.event)).collect())
}

/// Whether a delivery of one of these events is not done.
pub(super) fn is_delivered(rows: &Rows, events: &[EventId]) -> Result<bool, StoreError> {
    Ok(texts(rows)?.iter().any(|(_, row)| events.contains(&row.event)))
}
