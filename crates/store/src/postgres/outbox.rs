//! What waits for somebody outside of the machine: open events, deliveries; and the inputs that were
//! taken.

use postgres::Row;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType};
use tidegate_core::names::{EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Delivery, OpenEvent, RULES_VERSION};
use uuid::Uuid;

use crate::codec::{micros, signed, to_json};
use crate::contract::{InputRecord, StoreError};
use crate::query::{OpenEventFilter, Page};
use crate::rows::DeliveryRow;

use super::list::{self, Conditions, List};
use super::session::{Session, get};
use super::{log, nul, projects};

/// Keeps an input. It may name a project that does not exist; what came of it is in the log.
pub(super) fn record(session: &Session, input: &InputRecord<'_>) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO input (project, name, principal, now, seed, rules, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &input.project.as_str(),
            &input.name,
            &to_json(&input.env.principal, "principal")?,
            &micros(input.env.now),
            &Uuid::from_bytes(input.env.seed),
            &i64::from(RULES_VERSION),
            &input.payload,
        ],
    )?;
    Ok(())
}

/// Makes an event visible to those who ask for open ones.
pub(super) fn open(session: &Session, event: &OpenEvent) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO open_event (project, n, id, kind, stage, service)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &event.scope.project.as_str(),
            &signed(event.n),
            &event.id.uuid(),
            &nul::kept(event.kind.as_str()),
            &event.scope.stage.as_str(),
            &event.scope.service.as_str(),
        ],
    )?;
    Ok(())
}

/// Hides it again.
pub(super) fn close(
    session: &Session,
    project: &ProjectName,
    id: EventId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM open_event WHERE id = $1 AND project = $2";
    session.execute(sql, &[&id.uuid(), &project.as_str()])?;
    Ok(())
}

/// Open events, newest first.
pub(super) fn open_events(
    session: &Session,
    filter: &OpenEventFilter,
    page: (u64, u64),
) -> Result<Page<Event>, StoreError> {
    let mut conditions = Conditions::default();
    let mut text = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            conditions.bind(condition, nul::kept(value).into_owned());
        }
    };
    text("open.kind = ?", filter.kind.as_ref().map(EventType::as_str));
    text("open.project = ?", filter.project.as_ref().map(ProjectName::as_str));
    text("open.stage = ?", filter.stage.as_ref().map(StageName::as_str));
    text("open.service = ?", filter.service.as_ref().map(ServiceName::as_str));
    if let Some(id) = filter.id {
        conditions.bind("open.id = ?", id.uuid());
    }
    let source = "open_event AS open";
    let join = "JOIN event ON event.project = open.project AND event.n = open.n";
    List { columns: log::COLUMNS, source, join, conditions, order: "open.seq DESC" }.page(
        session,
        page,
        |row| log::read(row).map(|entry| entry.event),
    )
}

/// Hands an event to a part of Tidegate.
pub(super) fn deliver(session: &Session, delivery: &Delivery) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO delivery (project, n, event, cancelled, recipient)
         VALUES ($1, $2, $3, FALSE, $4)",
        &[
            &delivery.project.as_str(),
            &signed(delivery.n),
            &delivery.event.uuid(),
            &delivery.to.code(),
        ],
    )?;
    Ok(())
}

/// Marks the delivery of a task as cancelled, where it is not done yet.
pub(super) fn cancel(session: &Session, event: EventId) -> Result<(), StoreError> {
    session.execute("UPDATE delivery SET cancelled = TRUE WHERE event = $1", &[&event.uuid()])?;
    Ok(())
}

/// A delivery needs no more work.
pub(super) fn delivered(session: &Session, id: i64) -> Result<(), StoreError> {
    session.execute("DELETE FROM delivery WHERE id = $1", &[&id])?;
    Ok(())
}

/// Deliveries to one part of Tidegate that are not done, in order.
pub(super) fn deliveries(
    session: &Session,
    to: BuiltIn,
    after: i64,
    limit: u64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let sql = format!(
        "SELECT {}, delivery.id, delivery.cancelled FROM delivery
         JOIN event ON event.project = delivery.project AND event.n = delivery.n
         WHERE delivery.recipient = $1 AND delivery.id > $2 ORDER BY delivery.id LIMIT $3",
        log::COLUMNS
    );
    let read = |row: &Row| {
        let (project, event) = (projects::name(row, 0)?, log::read(row)?.event);
        Ok(DeliveryRow { id: get(row, 6)?, project, event, cancelled: get(row, 7)? })
    };
    list::all(session, &sql, &[&to.code(), &after, &signed(limit)], read)
}
