//! Tokens of people and programs that were made while a server ran.

use postgres::Row;

use crate::codec::{damaged, micros};
use crate::contract::{StoreError, Written};
use crate::rows::TokenRow;
use crate::token;

use super::session::{Session, get};

const COLUMNS: &str = "name, digest, holder, tasks, created, creator";

pub(super) fn put(session: &Session, row: &TokenRow) -> Result<Written, StoreError> {
    let token::Texts { holder, tasks, creator } = token::texts(row)?;
    let sql = format!(
        "INSERT INTO token ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING"
    );
    let (name, digest, created) = (row.name.as_str(), row.digest.as_slice(), micros(row.created));
    let made = session.execute(&sql, &[&name, &digest, &holder, &tasks, &created, &creator])?;
    Ok(if made == 1 { Written::Done } else { Written::TokenExists })
}

pub(super) fn drop(session: &Session, name: &str) -> Result<Written, StoreError> {
    let sql = format!("DELETE FROM token WHERE name = $1 RETURNING {COLUMNS}");
    let revoked = session.first(&sql, &[&name])?;
    let revoked = revoked.as_ref().map(read).transpose()?;
    Ok(revoked.map_or(Written::NoToken, |row| Written::TokenRevoked(Box::new(row))))
}

pub(super) fn all(session: &Session) -> Result<Vec<TokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY name");
    session.query(&sql, &[])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<TokenRow, StoreError> {
    let (name, digest): (&str, &[u8]) = (get(row, 0)?, get(row, 1)?);
    let digest = digest.try_into();
    let digest = digest.map_err(|error| damaged(format!("table token, name {name}"), &error))?;
    let texts = token::Texts { holder: get(row, 2)?, tasks: get(row, 3)?, creator: get(row, 5)? };
    token::row(name, digest, &texts, get(row, 4)?)
}
