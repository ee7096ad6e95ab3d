//! JSONPath in the dialect of Keptn's job executor (older than, and not, RFC 9535).
//!
//! `$` is the whole; `.key`, `['key']` and `[0]` go down, counting from the end where the number is
//! negative; `[1:3]`, `['a','b']`, `*`, `..` and `[?(@.key == 'text')]` choose several and always give
//! a list. A path that chooses one and finds nothing is an error, in a list it is passed over.

mod filter;
mod parse;
mod select;

use std::borrow::Cow;

use serde_json::Value;

use filter::Condition;

/// Longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 1024;
/// Most values that one look-up may visit.
pub const VISITS_MAX: usize = 100_000;

/// A path, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

/// One step down.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// The value under a key, or at a place where the value is a list.
    Key(String),
    /// The values under several keys.
    Keys(Vec<String>),
    /// Every value.
    All,
    /// The value itself and everything below it.
    Descend,
    /// A part of a list.
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    /// The values that a condition holds for.
    Filter(Condition),
}

/// Why a path gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    /// Not a path: what is wrong, and where in it.
    #[error("{problem} at column {column} of the path; write it like $.data.project")]
    Malformed {
        /// Counted from 1, in bytes.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// The event has no such key.
    #[error("unknown key {0}")]
    UnknownKey(String),
    /// The list is shorter.
    #[error("index {index} out of bounds, the list has {length}")]
    OutOfBounds {
        /// The place asked for.
        index: i64,
        /// How many there are.
        length: usize,
    },
    /// A key of something that has none.
    #[error("key {0} is asked of a value that is neither a mapping nor a list")]
    NoChildren(String),
    /// Too much work.
    #[error("the path visits more than {VISITS_MAX} values; name the keys on the way")]
    TooMuch,
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`JsonPathError::Malformed`], with the column.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        parse::path(text)
    }

    /// What the path finds: the value itself, or a list where it can choose several.
    ///
    /// # Errors
    /// Nothing is there, or looking takes too long.
    pub fn find<'v>(&self, root: &'v Value) -> Result<Cow<'v, Value>, JsonPathError> {
        select::find(&self.steps, root, root, &mut select::Visits::default())
    }
}

#[cfg(test)]
mod tests;
