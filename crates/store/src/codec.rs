//! How values stand in columns, on every home.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::StoreError;

/// A time, to the microsecond below.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time, to the microsecond above: whoever is woken at it is never too early.
pub(crate) fn micros_up(time: Timestamp) -> i64 {
    let micros = time.as_microsecond();
    match Timestamp::from_microsecond(micros) {
        Ok(below) if below < time => micros + 1,
        _ => micros,
    }
}

/// Reads a time back.
pub(crate) fn time(micros: i64, what: &str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| damaged(what, &error))
}

/// A row as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T, what: &str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| damaged(what, &error))
}

/// Reads a row back; `what` names table and key where it cannot be.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &str,
    what: impl FnOnce() -> String,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(what(), &error))
}

/// A row is not what was written.
pub(crate) fn damaged(what: impl Into<String>, why: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Damaged { what: what.into(), why: why.to_string() }
}

/// Numbers of this store are far below 2⁶³; a larger offset or limit means the same as that.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Counts are never negative.
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
