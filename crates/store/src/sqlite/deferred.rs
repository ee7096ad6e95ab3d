//! Work that waits for a later commit, and inputs that could not be stepped.

use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::FollowOn;

use crate::contract::StoreError;
use crate::query::Page;
use crate::rows::{Deferred, QuarantineRow};

use super::codec::{damaged, from_json, micros, time, to_json};
use super::list::{Conditions, List};

/// Keeps a follow-on, behind those that are kept already.
pub(super) fn push(
    connection: &Connection,
    follow_on: &FollowOn,
    by: &Principal,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO deferred (follow_on, principal) VALUES (?1, ?2)")?
        .execute((to_json(follow_on, "follow-on")?, to_json(by, "principal")?))?;
    Ok(())
}

/// Takes the oldest one out.
pub(super) fn pop(connection: &Connection) -> Result<Option<Deferred>, StoreError> {
    let oldest: Option<(i64, String, String)> = connection
        .prepare_cached(
            "DELETE FROM deferred WHERE id = (SELECT id FROM deferred ORDER BY id LIMIT 1)
             RETURNING id, follow_on, principal",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, follow_on, by)) = oldest else { return Ok(None) };
    let what = || format!("table deferred, id {id}");
    Ok(Some(Deferred { id, follow_on: from_json(&follow_on, what)?, by: from_json(&by, what)? }))
}

/// Whether there are any.
pub(super) fn any(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM deferred LIMIT 1")?.exists([])?)
}

/// Puts an input aside.
pub(super) fn quarantine(connection: &Connection, row: &QuarantineRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO quarantine (at, project, name, principal, reference, cause, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            micros(row.at),
            row.project.as_str(),
            &row.name,
            to_json(&row.by, "principal")?,
            &row.reference,
            &row.cause,
            &row.payload,
        ))?;
    Ok(())
}

/// Inputs that were put aside, newest first.
pub(super) fn quarantined(
    connection: &Connection,
    page: (u64, u64),
) -> Result<Page<QuarantineRow>, StoreError> {
    let columns = "n, at, project, name, principal, reference, cause, payload";
    let (source, conditions) = ("quarantine", Conditions::default());
    List { columns, source, join: "", conditions, order: "n DESC" }
        .page(connection, None, page, read)
}

pub(super) fn read(row: &Row<'_>) -> Result<QuarantineRow, StoreError> {
    let n: i64 = row.get(0)?;
    let what = || format!("table quarantine, n {n}");
    let by: String = row.get(4)?;
    Ok(QuarantineRow {
        at: time(row.get(1)?, &what())?,
        project: ProjectName::new(row.get::<_, String>(2)?)
            .map_err(|error| damaged(what(), &error))?,
        name: row.get(3)?,
        by: from_json(&by, what)?,
        reference: row.get(5)?,
        cause: row.get(6)?,
        payload: row.get(7)?,
    })
}
