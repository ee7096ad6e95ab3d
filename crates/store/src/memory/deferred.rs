//! Work that waits for a later commit, and inputs that could not be stepped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::FollowOn;

use crate::contract::StoreError;
use crate::rows::{Deferred, QuarantineRow};

use super::table::{Key, Rows, Table, number_of, parse};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Row {
    follow_on: FollowOn,
    by: Principal,
}

/// Keeps a follow-on, behind those that are kept already.
pub(super) fn push(
    rows: &mut Transaction,
    follow_on: &FollowOn,
    by: &Principal,
) -> Result<(), StoreError> {
    let id = rows.next("deferred")?;
    let row = Row { follow_on: follow_on.clone(), by: by.clone() };
    rows.put(Table::Deferred, &Key::new().number(id), &row)
}

/// Takes the oldest one out.
pub(super) fn pop(rows: &mut Transaction) -> Result<Option<Deferred>, StoreError> {
    let oldest = rows.scan(Table::Deferred, &Key::new()).next().map(|(key, text)| {
        Ok::<_, StoreError>((number_of(key), parse(Table::Deferred, key, text)?))
    });
    let Some((id, Row { follow_on, by })) = oldest.transpose()? else { return Ok(None) };
    rows.remove(Table::Deferred, &Key::new().number(id));
    Ok(Some(Deferred { id: id.cast_signed(), follow_on, by }))
}

/// Whether there are any.
pub(super) fn any(rows: &Rows) -> bool {
    rows.scan(Table::Deferred, &Key::new()).next().is_some()
}

#[derive(Serialize, Deserialize)]
struct Quarantined {
    at: Timestamp,
    project: ProjectName,
    name: String,
    by: Principal,
    reference: String,
    cause: String,
    payload: String,
}

/// Puts an input aside.
pub(super) fn quarantine(rows: &mut Transaction, row: &QuarantineRow) -> Result<(), StoreError> {
    let QuarantineRow { at, project, name, by, reference, cause, payload } = row.clone();
    let n = rows.next("quarantine")?;
    let row = Quarantined { at, project, name, by, reference, cause, payload };
    rows.put(Table::Quarantine, &Key::new().number(n), &row)
}

/// Inputs that were put aside, newest first.
pub(super) fn quarantined(rows: &Rows) -> Result<Vec<QuarantineRow>, StoreError> {
    let mut found: Vec<Quarantined> = rows.all(Table::Quarantine, &Key::new())?;
    found.reverse();
    let row = |Quarantined { at, project, name, by, reference, cause, payload }| QuarantineRow {
        at,
        project,
        name,
        by,
        reference,
        cause,
        payload,
    };
    Ok(found.into_iter().map(row).collect())
}
