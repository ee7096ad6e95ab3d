//! Work that waits for a later commit, and inputs that could not be stepped.

use postgres::Row;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::FollowOn;

use crate::codec::{from_json, micros, time, to_json};
use crate::contract::StoreError;
use crate::query::Page;
use crate::rows::{Deferred, QuarantineRow};

use super::list::{self, Conditions, List};
use super::session::{Session, get};
use super::{nul, projects};

/// Keeps a follow-on, behind those that are kept already.
pub(super) fn push(
    session: &Session,
    follow_on: &FollowOn,
    by: &Principal,
) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO deferred (follow_on, principal) VALUES ($1, $2)",
        &[&to_json(follow_on, "follow-on")?, &to_json(by, "principal")?],
    )?;
    Ok(())
}

/// Takes the oldest one out.
pub(super) fn pop(session: &Session) -> Result<Option<Deferred>, StoreError> {
    let sql = "DELETE FROM deferred WHERE id = (SELECT id FROM deferred ORDER BY id LIMIT 1)
               RETURNING id, follow_on, principal";
    list::one(session, sql, &[], |row| {
        let id: i64 = get(row, 0)?;
        let what = || format!("table deferred, id {id}");
        let (follow_on, by) = (from_json(get(row, 1)?, what)?, from_json(get(row, 2)?, what)?);
        Ok(Deferred { id, follow_on, by })
    })
}

/// Whether there are any.
pub(super) fn any(session: &Session) -> Result<bool, StoreError> {
    Ok(session.first("SELECT FROM deferred LIMIT 1", &[])?.is_some())
}

/// Puts an input aside.
pub(super) fn quarantine(session: &Session, row: &QuarantineRow) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO quarantine (at, project, name, principal, reference, cause, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &micros(row.at),
            &row.project.as_str(),
            &nul::kept(&row.name),
            &to_json(&row.by, "principal")?,
            &nul::kept(&row.reference),
            &nul::kept(&row.cause),
            &nul::kept(&row.payload),
        ],
    )?;
    Ok(())
}

/// Inputs that were put aside, newest first.
pub(super) fn quarantined(
    session: &Session,
    page: (u64, u64),
) -> Result<Page<QuarantineRow>, StoreError> {
    let columns = "n, at, project, name, principal, reference, cause, payload";
    let (source, conditions) = ("quarantine", Conditions::default());
    List { columns, source, join: "", conditions, order: "n DESC" }.page(session, page, read)
}

fn read(row: &Row) -> Result<QuarantineRow, StoreError> {
    let n: i64 = get(row, 0)?;
    let what = || format!("table quarantine, n {n}");
    let text = |column| nul::original(get(row, column)?, what);
    Ok(QuarantineRow {
        at: time(get(row, 1)?, &what())?,
        project: projects::name(row, 2)?,
        name: text(3)?,
        by: from_json(get(row, 4)?, what)?,
        reference: text(5)?,
        cause: text(6)?,
        payload: text(7)?,
    })
}
