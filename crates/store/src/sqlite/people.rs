//! Sessions, sign-in links, and answers kept for idempotency keys. Each is gone when it expires,
//! whether it was removed already or not.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::principal::{Principal, PrincipalName};

use crate::contract::StoreError;
use crate::rows::{IdempotencyRow, SessionRow, SignInRow};

use super::codec::{damaged, from_json, micros, time, to_json};

/// Most rows of one table that one commit forgets; the rest goes with the next ones.
const FORGOTTEN_MAX: usize = 50_000;

pub(super) fn put_session(connection: &Connection, row: &SessionRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO session (digest, principal, expires) VALUES (?1, ?2, ?3)
             ON CONFLICT (digest) DO UPDATE
             SET principal = excluded.principal, expires = excluded.expires",
        )?
        .execute((row.digest, to_json(&row.principal, "principal")?, micros(row.expires)))?;
    Ok(())
}

pub(super) fn drop_session(connection: &Connection, digest: &[u8; 32]) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM session WHERE digest = ?1")?.execute([digest])?;
    Ok(())
}

pub(super) fn session(
    connection: &Connection,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT principal, expires FROM session WHERE digest = ?1 AND expires > ?2",
    )?;
    let mut rows = statement.query((digest, micros(now)))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let principal: String = row.get(0)?;
    Ok(Some(SessionRow {
        digest: *digest,
        principal: from_json(&principal, || "table session, one row".to_owned())?,
        expires: time(row.get(1)?, "table session, one row")?,
    }))
}

pub(super) fn put_sign_in(connection: &Connection, row: &SignInRow) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO sign_in (digest, name, expires) VALUES (?1, ?2, ?3)")?
        .execute((row.digest, row.name.as_str(), micros(row.expires)))?;
    Ok(())
}

fn person(name: &str) -> Result<PrincipalName, StoreError> {
    PrincipalName::new(name).map_err(|error| damaged("table sign_in, one row", &error))
}

pub(super) fn sign_in(
    connection: &Connection,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SignInRow>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT name, expires FROM sign_in WHERE digest = ?1 AND expires > ?2")?;
    let mut rows = statement.query((digest, micros(now)))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let name = person(&row.get::<_, String>(0)?)?;
    let expires = time(row.get(1)?, "table sign_in, one row")?;
    Ok(Some(SignInRow { digest: *digest, name, expires }))
}

/// Uses a sign-in link, once.
pub(super) fn use_sign_in(
    connection: &Connection,
    code: &[u8; 32],
    session: &SessionRow,
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let name: Option<String> = connection
        .prepare_cached("DELETE FROM sign_in WHERE digest = ?1 AND expires > ?2 RETURNING name")?
        .query_row((code, micros(now)), |row| row.get(0))
        .optional()?;
    let Some(name) = name else { return Ok(None) };
    let session = SessionRow { principal: Principal::Person(person(&name)?), ..session.clone() };
    put_session(connection, &session)?;
    Ok(Some(session))
}

pub(super) fn keep_answer(connection: &Connection, row: &IdempotencyRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO idempotency (key, request, answer, expires) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET request = excluded.request,
                 answer = excluded.answer, expires = excluded.expires",
        )?
        .execute((row.key, row.request, &row.answer, micros(row.expires)))?;
    Ok(())
}

pub(super) fn kept_answer(
    connection: &Connection,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<Option<IdempotencyRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT request, answer, expires FROM idempotency WHERE key = ?1 AND expires > ?2",
    )?;
    let mut rows = statement.query((key, micros(now)))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (request, answer) = (row.get(0)?, row.get(1)?);
    let expires = time(row.get(2)?, "table idempotency, one row")?;
    Ok(Some(IdempotencyRow { key: *key, request, answer, expires }))
}

/// Removes what has expired.
pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    for (table, key) in [("session", "digest"), ("sign_in", "digest"), ("idempotency", "key")] {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (
               SELECT {key} FROM {table} INDEXED BY {table}_expires WHERE expires <= ?1
               ORDER BY expires LIMIT {FORGOTTEN_MAX})"
        );
        connection.prepare_cached(&sql)?.execute([micros(now)])?;
    }
    Ok(())
}
