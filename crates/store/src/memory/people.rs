//! Sessions, sign-in links, and answers kept for idempotency keys. Each is gone when it expires,
//! whether it was removed already or not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::principal::{Principal, PrincipalName};

use crate::contract::StoreError;
use crate::rows::{IdempotencyRow, SessionRow, SignInRow};

use super::table::{Key, Rows, Table, parse};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Session {
    principal: Principal,
    expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SignIn {
    name: PrincipalName,
    expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    request: [u8; 32],
    answer: String,
    expires: Timestamp,
}

/// What every row of these tables has.
#[derive(Deserialize)]
struct Expiry {
    expires: Timestamp,
}

fn key(digest: &[u8; 32]) -> Key {
    Key::new().bytes(digest)
}

pub(super) fn put_session(rows: &mut Transaction, row: &SessionRow) -> Result<(), StoreError> {
    let session = Session { principal: row.principal.clone(), expires: row.expires };
    rows.put(Table::Session, &key(&row.digest), &session)
}

pub(super) fn drop_session(rows: &mut Transaction, digest: &[u8; 32]) {
    rows.remove(Table::Session, &key(digest));
}

pub(super) fn session(
    rows: &Rows,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let found = rows.get::<Session>(Table::Session, &key(digest))?;
    Ok(found
        .filter(|session| session.expires > now)
        .map(|Session { principal, expires }| SessionRow { digest: *digest, principal, expires }))
}

pub(super) fn put_sign_in(rows: &mut Transaction, row: &SignInRow) -> Result<(), StoreError> {
    let link = SignIn { name: row.name.clone(), expires: row.expires };
    rows.put(Table::SignIn, &key(&row.digest), &link)
}

pub(super) fn sign_in(
    rows: &Rows,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SignInRow>, StoreError> {
    let found = rows.get::<SignIn>(Table::SignIn, &key(digest))?;
    Ok(found.filter(|link| link.expires > now).map(|SignIn { name, expires }| SignInRow {
        digest: *digest,
        name,
        expires,
    }))
}

/// Uses a sign-in link, once.
pub(super) fn use_sign_in(
    rows: &mut Transaction,
    code: &[u8; 32],
    session: &SessionRow,
    now: Timestamp,
) -> Result<Option<SessionRow>, StoreError> {
    let Some(SignInRow { name, .. }) = sign_in(rows, code, now)? else { return Ok(None) };
    rows.remove(Table::SignIn, &key(code));
    let session = SessionRow { principal: Principal::Person(name), ..session.clone() };
    put_session(rows, &session)?;
    Ok(Some(session))
}

pub(super) fn keep_answer(rows: &mut Transaction, row: &IdempotencyRow) -> Result<(), StoreError> {
    let IdempotencyRow { key: digest, request, answer, expires } = row.clone();
    rows.put(Table::Idempotency, &key(&digest), &Answer { request, answer, expires })
}

pub(super) fn kept_answer(
    rows: &Rows,
    digest: &[u8; 32],
    now: Timestamp,
) -> Result<Option<IdempotencyRow>, StoreError> {
    let found = rows.get::<Answer>(Table::Idempotency, &key(digest))?;
    Ok(found.filter(|kept| kept.expires > now).map(|Answer { request, answer, expires }| {
        IdempotencyRow { key: *digest, request, answer, expires }
    }))
}

/// Removes what has expired.
pub(super) fn expire(rows: &mut Transaction, now: Timestamp) -> Result<(), StoreError> {
    for table in [Table::Session, Table::SignIn, Table::Idempotency] {
        let mut expired = Vec::new();
        for (key, text) in rows.scan(table, &Key::new()) {
            if parse::<Expiry>(table, key, text)?.expires <= now {
                expired.push(Key::from_bytes(key));
            }
        }
        for key in expired {
            rows.remove(table, &key);
        }
    }
    Ok(())
}
