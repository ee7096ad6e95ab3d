//! Sessions, sign-in links, and answers kept for idempotency keys. Each is gone when it expires,
//! whether it was removed already or not.

use jiff::Timestamp;
use tidegate_core::principal::{Principal, PrincipalName};

use crate::codec::{damaged, from_json, micros, time, to_json};
use crate::contract::StoreError;
use crate::rows::{IdempotencyRow, SessionRow, SignInRow};

use super::nul;
use super::session::{Session, get};

/// Most rows of one table that one commit forgets; the rest goes with the next ones.
const FORGOTTEN_MAX: usize = 50_000;

pub(super) fn put_session(session: &Session, row: &SessionRow) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO session (digest, principal, expires) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO UPDATE
         SET principal = excluded.principal, expires = excluded.expires",
        &[&row.digest.as_slice(), &to_json(&row.principal, "principal")?, &micros(row.expires)],
    )?;
    Ok(())
}

pub(super) fn drop_session(session: &Session, digest: &[u8; 32]) -> Result<(), StoreError> {
    session.execute("DELETE FROM session WHERE digest = $1", &[&digest.as_slice()])?;
    Ok(())
}

pub(super) fn session(
    session: &Session,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let sql = "SELECT principal, expires FROM session WHERE digest = $1 AND expires > $2";
    let row = session.first(sql, &[&digest.as_slice(), &micros(now)])?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SessionRow {
        digest: *digest,
        principal: from_json(get(&row, 0)?, || "table session, one row".to_owned())?,
        expires: time(get(&row, 1)?, "table session, one row")?,
    }))
}

pub(super) fn put_sign_in(session: &Session, row: &SignInRow) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO sign_in (digest, name, expires) VALUES ($1, $2, $3)",
        &[&row.digest.as_slice(), &row.name.as_str(), &micros(row.expires)],
    )?;
    Ok(())
}

fn person(name: &str) -> Result<PrincipalName, StoreError> {
    PrincipalName::new(name).map_err(|error| damaged("table sign_in, one row", &error))
}

pub(super) fn sign_in(
    session: &Session,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SignInRow>, StoreError> {
    let sql = "SELECT name, expires FROM sign_in WHERE digest = $1 AND expires > $2";
    let row = session.first(sql, &[&digest.as_slice(), &micros(now)])?;
    let Some(row) = row else { return Ok(None) };
    let expires = time(get(&row, 1)?, "table sign_in, one row")?;
    Ok(Some(SignInRow { digest: *digest, name: person(get(&row, 0)?)?, expires }))
}

/// Uses a sign-in link, once.
pub(super) fn use_sign_in(
    session: &Session,
    code: &[u8; 32],
    made: &SessionRow,
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let sql = "DELETE FROM sign_in WHERE digest = $1 AND expires > $2 RETURNING name";
    let row = session.first(sql, &[&code.as_slice(), &micros(now)])?;
    let Some(row) = row else { return Ok(None) };
    let principal = Principal::Person(person(get(&row, 0)?)?);
    let made = SessionRow { principal, ..made.clone() };
    put_session(session, &made)?;
    Ok(Some(made))
}

pub(super) fn keep_answer(session: &Session, row: &IdempotencyRow) -> Result<(), StoreError> {
    session.execute(
        "INSERT INTO idempotency (key, request, answer, expires) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO UPDATE SET request = excluded.request,
             answer = excluded.answer, expires = excluded.expires",
        &[
            &row.key.as_slice(),
            &row.request.as_slice(),
            &nul::kept(&row.answer),
            &micros(row.expires),
        ],
    )?;
    Ok(())
}

pub(super) fn kept_answer(
    session: &Session,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<Option<IdempotencyRow>, StoreError> {
    let sql = "SELECT request, answer, expires FROM idempotency WHERE key = $1 AND expires > $2";
    let row = session.first(sql, &[&key.as_slice(), &micros(now)])?;
    let Some(row) = row else { return Ok(None) };
    let what = || "table idempotency, one row".to_owned();
    let request: &[u8] = get(&row, 0)?;
    Ok(Some(IdempotencyRow {
        key: *key,
        request: request.try_into().map_err(|error| damaged(what(), &error))?,
        answer: nul::original(get(&row, 1)?, what)?,
        expires: time(get(&row, 2)?, &what())?,
    }))
}

/// Removes what has expired.
pub(super) fn expire(session: &Session, now: Timestamp) -> Result<(), StoreError> {
    for (table, key) in [("session", "digest"), ("sign_in", "digest"), ("idempotency", "key")] {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (
               SELECT {key} FROM {table} WHERE expires <= $1
               ORDER BY expires LIMIT {FORGOTTEN_MAX})"
        );
        session.execute(&sql, &[&micros(now)])?;
    }
    Ok(())
}
