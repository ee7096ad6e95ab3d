//! An integration's row as both databases keep it.

use tidegate_core::uniform::Record;

use crate::codec::{damaged, from_json, to_json};
use crate::contract::StoreError;

/// The row as JSON.
pub(crate) fn text(record: &Record) -> Result<String, StoreError> {
    to_json(record, "integration")
}

/// The row that was kept so.
pub(crate) fn read(id: &str, body: &str) -> Result<Record, StoreError> {
    let what = || format!("table integration, id {id}");
    let record: Record = from_json(body, what)?;
    if record.id.as_str() != id {
        return Err(damaged(what(), "its column id is not what its body says"));
    }
    Ok(record)
}
