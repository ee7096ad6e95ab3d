//! Integrations, and what is left to them.

use postgres::Row;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::{ContextId, EventId, ProjectName, TaskName};
use tidegate_core::sequence::Env;
use tidegate_core::uniform::{
    Command, Decision, IntegrationId, Record, RecordChange, StoodDown, decide,
};
use uuid::Uuid;

use crate::codec::{damaged, signed, unsigned};
use crate::contract::{StoreError, Written};
use crate::integration;

use super::list;
use super::session::{Session, get};

/// Those that are registered, by id.
pub(super) fn all(session: &Session) -> Result<Vec<Record>, StoreError> {
    list::all(session, "SELECT id, body FROM integration ORDER BY id", &[], |row| {
        integration::read(get(row, 0)?, get(row, 1)?)
    })
}

/// One of them.
pub(super) fn one(session: &Session, id: &IntegrationId) -> Result<Option<Record>, StoreError> {
    let row = session.first("SELECT body FROM integration WHERE id = $1", &[&id.as_str()])?;
    row.map(|row| integration::read(id.as_str(), get(&row, 0)?)).transpose()
}

/// Does what a command comes to.
pub(super) fn change(
    session: &Session,
    command: &Command,
    tasks: Option<&[TaskName]>,
    env: &Env,
) -> Result<Written, StoreError> {
    let Decision { changes, outcome } = decide(&all(session)?, command, tasks, env);
    for change in &changes {
        match change {
            RecordChange::Put(record) => session.execute(
                "INSERT INTO integration (id, body) VALUES ($1, $2)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                &[&record.id.as_str(), &integration::text(record)?],
            )?,
            RecordChange::Remove(id) => {
                session.execute("DELETE FROM integration WHERE id = $1", &[&id.as_str()])?
            }
        };
    }
    Ok(Written::Integration(outcome))
}

/// Keeps what is left to an integration.
pub(super) fn stand_down(session: &Session, row: &StoodDown) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO stood_down (project, n, part, integration) VALUES ($1, $2, $3, $4)",
        &[&row.project.as_str(), &signed(row.n), &row.part.code(), &row.integration],
    )?;
    Ok(())
}

/// What of a context is left to integrations.
pub(super) fn stood_down(
    session: &Session,
    project: &ProjectName,
    context: ContextId,
) -> Result<Vec<StoodDown>, StoreError> {
    let sql = "SELECT n, event.id, part, integration FROM event JOIN stood_down USING (project, n)
               WHERE project = $1 AND event.context = $2 ORDER BY n, part";
    let read = |row: &Row| {
        let (n, part): (i64, i16) = (get(row, 0)?, get(row, 2)?);
        let unknown = || damaged(format!("table stood_down, entry {n}"), "it names no part");
        Ok(StoodDown {
            project: project.clone(),
            event: EventId::from(get::<Uuid>(row, 1)?),
            n: unsigned(n),
            part: BuiltIn::of_code(part.into()).ok_or_else(unknown)?,
            integration: get(row, 3)?,
        })
    };
    list::all(session, sql, &[&project.as_str(), &context.uuid()], read)
}
