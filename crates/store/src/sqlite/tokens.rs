//! Tokens of people and programs that were made while a server ran.

use rusqlite::{Connection, Row};

use crate::contract::{StoreError, Written};
use crate::rows::TokenRow;
use crate::token;

use super::codec::micros;

const COLUMNS: &str = "name, digest, holder, tasks, created, creator";

pub(super) fn put(connection: &Connection, row: &TokenRow) -> Result<Written, StoreError> {
    let token::Texts { holder, tasks, creator } = token::texts(row)?;
    let sql = format!(
        "INSERT INTO token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING"
    );
    let values = (row.name.as_str(), row.digest, holder, tasks, micros(row.created), creator);
    let made = connection.prepare_cached(&sql)?.execute(values)?;
    Ok(if made == 1 { Written::Done } else { Written::TokenExists })
}

pub(super) fn drop(connection: &Connection, name: &str) -> Result<Written, StoreError> {
    let sql = format!("DELETE FROM token WHERE name = ?1 RETURNING {COLUMNS}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([name])?;
    let revoked = rows.next()?.map(read).transpose()?;
    // Until the last row was asked for, nothing is deleted.
    while rows.next()?.is_some() {}
    Ok(revoked.map_or(Written::NoToken, |row| Written::TokenRevoked(Box::new(row))))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<TokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM token ORDER BY name");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(())?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next()? {
        tokens.push(read(row)?);
    }
    Ok(tokens)
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<TokenRow, StoreError> {
    let (name, digest): (String, [u8; 32]) = (row.get(0)?, row.get(1)?);
    let texts = token::Texts { holder: row.get(2)?, tasks: row.get(3)?, creator: row.get(5)? };
    token::row(&name, digest, &texts, row.get(4)?)
}
