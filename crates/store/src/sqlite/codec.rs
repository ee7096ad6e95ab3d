//! How values stand in columns of this home.

use rusqlite::Row;
use serde::de::DeserializeOwned;

use crate::contract::StoreError;

pub(super) use crate::codec::{
    damaged, from_json, micros, micros_up, signed, time, to_json, unsigned,
};

/// Reads a row back from a column that holds it as JSON.
pub(super) fn body<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    what: impl Fn() -> String,
) -> Result<T, StoreError> {
    let text = row.get_ref(column)?;
    from_json(text.as_str().map_err(|error| damaged(what(), &error))?, what)
}
