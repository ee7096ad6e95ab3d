//! The newest event of each type for a service in a stage.

use tidegate_core::event::{EventType, Scope};
use tidegate_core::names::{ContextId, EventId};
use tidegate_core::sequence::LatestEvent;
use uuid::Uuid;

use crate::codec::{micros, time};
use crate::contract::StoreError;

use super::session::{Session, get};
use super::{list, nul};

/// Takes the place of the one before.
pub(super) fn put(session: &Session, latest: &LatestEvent) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO latest_event (project, stage, service, kind, event, context, time)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (project, stage, service, kind) DO UPDATE
         SET event = excluded.event, context = excluded.context, time = excluded.time",
        &[
            &latest.scope.project.as_str(),
            &latest.scope.stage.as_str(),
            &latest.scope.service.as_str(),
            &nul::kept(latest.kind.as_str()),
            &latest.event.uuid(),
            &latest.context.uuid(),
            &micros(latest.time),
        ],
    )?;
    Ok(())
}

/// Those of one service in one stage, by type.
pub(super) fn of(session: &Session, scope: &Scope) -> Result<Vec<LatestEvent>, StoreError> {
    let sql = "SELECT kind, event, context, time FROM latest_event
               WHERE project = $1 AND stage = $2 AND service = $3";
    let key = (scope.project.as_str(), scope.stage.as_str(), scope.service.as_str());
    let mut latest = list::all(session, sql, &[&key.0, &key.1, &key.2], |row| {
        let what = || format!("table latest_event, service {}", scope.service);
        let kind = nul::original(get(row, 0)?, what)?;
        Ok(LatestEvent {
            scope: scope.clone(),
            kind: EventType::new(&kind),
            event: EventId::from(get::<Uuid>(row, 1)?),
            context: ContextId::from(get::<Uuid>(row, 2)?),
            time: time(get(row, 3)?, &what())?,
        })
    })?;
    latest.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(latest)
}
