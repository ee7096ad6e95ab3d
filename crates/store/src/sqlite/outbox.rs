//! What waits for somebody outside of the machine: open events, deliveries; and the inputs that were
//! taken.

use rusqlite::{Connection, Row};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::Event;
use tidegate_core::names::{EventId, ProjectName};
use tidegate_core::sequence::{Delivery, OpenEvent, RULES_VERSION};

use crate::contract::{InputRecord, StoreError};
use crate::query::{OpenEventFilter, Page};
use crate::rows::DeliveryRow;

use super::codec::{damaged, micros, signed, to_json};
use super::keys::{ProjectId, UNMAPPED};
use super::list::{Conditions, List};
use super::words::Numbers;
use super::{log, projects};

/// Keeps an input; answers its number.
pub(super) fn record(
    connection: &Connection,
    numbers: &Numbers,
    input: &InputRecord<'_>,
) -> Result<i64, StoreError> {
    // An input may name a project that does not exist; what came of it is in the log.
    let project = numbers.project(connection, input.project)?.unwrap_or(UNMAPPED);
    let principal = to_json(&input.env.principal, "principal")?;
    connection
        .prepare_cached(
            "INSERT INTO input (project, name, principal, now, seed, payload, rules)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            project.0,
            numbers.word(connection, input.name)?,
            numbers.word(connection, &principal)?,
            micros(input.env.now),
            input.env.seed,
            &input.payload,
            RULES_VERSION,
        ))?;
    Ok(connection.last_insert_rowid())
}

/// Makes an event visible to those who ask for open ones.
pub(super) fn open(
    connection: &Connection,
    numbers: &Numbers,
    event: &OpenEvent,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &event.scope.project)?;
    connection
        .prepare_cached(
            "INSERT INTO open_event (event, id, project, kind, stage, service)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            project.key(event.n)?,
            event.id.as_bytes(),
            project.0,
            numbers.word(connection, event.kind.as_str())?,
            numbers.word(connection, event.scope.stage.as_str())?,
            numbers.word(connection, event.scope.service.as_str())?,
        ))?;
    Ok(())
}

/// Hides it again.
pub(super) fn close(
    connection: &Connection,
    numbers: &Numbers,
    project: &ProjectName,
    id: EventId,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, project)?;
    connection
        .prepare_cached("DELETE FROM open_event WHERE id = ?1 AND project = ?2")?
        .execute((id.as_bytes(), project.0))?;
    Ok(())
}

/// Open events, newest first.
pub(super) fn open_events(
    connection: &Connection,
    filter: &OpenEventFilter,
    page: (u64, u64),
) -> Result<Page<Event>, StoreError> {
    let project = match &filter.project {
        Some(name) => match projects::id(connection, name)? {
            Some(id) => Some(id),
            None => return Ok(Page::empty()),
        },
        None => None,
    };
    let read = |row: &Row<'_>| log::read(row).map(|entry| entry.event);
    open_list(filter, project).page(connection, None, page, read)
}

pub(super) fn open_list(filter: &OpenEventFilter, project: Option<ProjectId>) -> List<'static> {
    let mut conditions = Conditions::default();
    if let Some(id) = filter.id {
        conditions.bind("open.id = ?", id.as_bytes().to_vec());
    }
    if let Some(kind) = &filter.kind {
        conditions.word("open.kind", kind.as_str());
    }
    if let Some(project) = project {
        conditions.bind("open.project = ?", project.0);
    }
    if let Some(stage) = &filter.stage {
        conditions.word("open.stage", stage.as_str());
    }
    if let Some(service) = &filter.service {
        conditions.word("open.service", service.as_str());
    }
    let source = match (filter.id, &filter.kind) {
        (Some(_), _) => "open_event AS open INDEXED BY open_event_id",
        (None, Some(_)) => "open_event AS open INDEXED BY open_event_kind",
        (None, None) => "open_event AS open NOT INDEXED",
    };
    // CROSS JOIN keeps SQLite from starting with the log.
    let join = "CROSS JOIN event ON event.key = open.event";
    List { columns: log::COLUMNS, source, join, conditions, order: "open.seq DESC" }
}

/// One input makes fewer deliveries than two to the power of this.
const DELIVERIES_BITS: u32 = 12;

/// Hands an event to a part of Tidegate. `input` caused it, and it is the `index`-th of that
/// input: both make an id that is never used again, without a counter of its own.
pub(super) fn deliver(
    connection: &Connection,
    numbers: &Numbers,
    delivery: &Delivery,
    (input, index): (i64, usize),
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &delivery.project)?;
    let index = match i64::try_from(index) {
        Ok(index) if index < 1 << DELIVERIES_BITS => index,
        _ => return Err(damaged("effects", &format!("delivery {index} of one input"))),
    };
    connection
        .prepare_cached(
            "INSERT INTO delivery (id, event, cancelled, recipient) VALUES (?1, ?2, 0, ?3)",
        )?
        .execute((
            (input << DELIVERIES_BITS) | index,
            project.key(delivery.n)?,
            delivery.to.code(),
        ))?;
    Ok(())
}

/// Marks the delivery of a task as cancelled, where it is not done yet.
pub(super) fn cancel(connection: &Connection, event: EventId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE delivery SET cancelled = 1 WHERE event = (SELECT key FROM event WHERE id = ?1)",
        )?
        .execute([event.as_bytes()])?;
    Ok(())
}

/// A delivery needs no more work.
pub(super) fn delivered(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Deliveries to one part of Tidegate that are not done, in order.
pub(super) fn deliveries(
    connection: &Connection,
    to: BuiltIn,
    after: i64,
    limit: u64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut statement = connection.prepare_cached(&deliveries_sql())?;
    let mut rows = statement.query((to.code(), after, signed(limit)))?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        let project = projects::name(connection, ProjectId::of(row.get(0)?))?;
        let event = log::read(row)?.event;
        deliveries.push(DeliveryRow { id: row.get(5)?, project, event, cancelled: row.get(6)? });
    }
    Ok(deliveries)
}

pub(super) fn deliveries_sql() -> String {
    format!(
        "SELECT {}, delivery.id, delivery.cancelled FROM delivery
         CROSS JOIN event ON event.key = delivery.event
         WHERE delivery.recipient = ?1 AND delivery.id > ?2 ORDER BY delivery.id LIMIT ?3",
        log::COLUMNS
    )
}
