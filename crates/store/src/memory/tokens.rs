//! Tokens of people and programs that were made while a server ran.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::TaskName;
use tidegate_core::principal::{Principal, PrincipalName};

use crate::contract::{StoreError, Written};
use crate::rows::TokenRow;

use super::table::{Key, Rows, Table, parse};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Token {
    name: PrincipalName,
    digest: [u8; 32],
    holder: Principal,
    tasks: Option<Vec<TaskName>>,
    created: Timestamp,
    by: Principal,
}

impl From<Token> for TokenRow {
    fn from(token: Token) -> Self {
        let Token { name, digest, holder, tasks, created, by } = token;
        Self { name, digest, holder, tasks, created, by }
    }
}

fn key(name: &PrincipalName) -> Key {
    Key::new().text(name.as_str())
}

pub(super) fn put(rows: &mut Transaction, row: &TokenRow) -> Result<Written, StoreError> {
    if rows.get::<Token>(Table::Token, &key(&row.name))?.is_some() {
        return Ok(Written::TokenExists);
    }
    let TokenRow { name, digest, holder, tasks, created, by } = row.clone();
    let token = Token { name, digest, holder, tasks, created, by };
    rows.put(Table::Token, &key(&row.name), &token)?;
    Ok(Written::Done)
}

pub(super) fn drop(rows: &mut Transaction, name: &PrincipalName) -> Result<Written, StoreError> {
    let Some(token) = rows.get::<Token>(Table::Token, &key(name))? else {
        return Ok(Written::NoToken);
    };
    rows.remove(Table::Token, &key(name));
    Ok(Written::TokenRevoked(Box::new(token.into())))
}

pub(super) fn all(rows: &Rows) -> Result<Vec<TokenRow>, StoreError> {
    let tokens = rows.scan(Table::Token, &Key::new());
    tokens.map(|(key, text)| Ok(parse::<Token>(Table::Token, key, text)?.into())).collect()
}
