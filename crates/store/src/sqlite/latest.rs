//! The newest event of each type for a service in a stage.

use rusqlite::Connection;
use tidegate_core::event::{EventType, Scope};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::sequence::LatestEvent;

use crate::contract::StoreError;

use super::codec::{micros, time};
use super::projects;
use super::words::Numbers;

/// Takes the place of the one before.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    latest: &LatestEvent,
) -> Result<(), StoreError> {
    let project = numbers.own_project(connection, &latest.scope.project)?;
    connection
        .prepare_cached(
            // Without an index of its own a row is overwritten, and not looked for first.
            "REPLACE INTO latest_event (project, stage, service, kind, event, context, time)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            project.0,
            numbers.word(connection, latest.scope.stage.as_str())?,
            numbers.word(connection, latest.scope.service.as_str())?,
            numbers.word(connection, latest.kind.as_str())?,
            latest.event.as_bytes(),
            latest.context.as_bytes(),
            micros(latest.time),
        ))?;
    Ok(())
}

/// Those of one service in one stage, by type.
pub(super) fn of(connection: &Connection, scope: &Scope) -> Result<Vec<LatestEvent>, StoreError> {
    let Some(project) = projects::id(connection, &scope.project)? else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(OF)?;
    let mut rows = statement.query((project.0, scope.stage.as_str(), scope.service.as_str()))?;
    let mut latest = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        latest.push(LatestEvent {
            scope: scope.clone(),
            event: EventId::from_bytes(row.get(1)?),
            context: ContextId::from_bytes(row.get(2)?),
            time: time(row.get(3)?, &format!("table latest_event, {kind} of {}", scope.service))?,
            kind: EventType::new(&kind),
        });
    }
    latest.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(latest)
}

pub(super) const OF: &str = "SELECT word.text, event, context, time FROM latest_event
     CROSS JOIN word ON word.id = latest_event.kind
     WHERE project = ?1
       AND stage = (SELECT id FROM word WHERE text = ?2)
       AND service = (SELECT id FROM word WHERE text = ?3)";
