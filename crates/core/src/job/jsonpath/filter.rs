//! The conditions of `[?(…)]`.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::select::{Visits, find};
use super::{JsonPathError, Step};

/// What must hold of an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// One of them.
    Any(Vec<Self>),
    /// All of them.
    All(Vec<Self>),
    /// The opposite.
    Not(Box<Self>),
    /// The value is there and is not `false` or `null`.
    Holds(Operand),
    /// A comparison. Where an operand finds nothing, it does not hold.
    Compare(Operand, Operator, Operand),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// `@…`
    Item(Vec<Step>),
    /// `$…`
    Root(Vec<Step>),
    /// A literal.
    Constant(Value),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    AtMost,
    AtLeast,
    Less,
    More,
}

impl Operator {
    /// Their spelling, longer ones before those they begin with.
    pub(super) const TOKENS: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::More),
    ];

    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = compare(left, right);
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
            Self::Less => order == Some(Ordering::Less),
            Self::More => order == Some(Ordering::Greater),
        }
    }
}

/// Numbers by value, texts by letter; anything else is equal or has no order.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => l.as_f64()?.partial_cmp(&r.as_f64()?),
        (Value::String(l), Value::String(r)) => Some(l.cmp(r)),
        _ => (left == right).then_some(Ordering::Equal),
    }
}

impl Condition {
    /// Whether it holds of an item.
    pub(super) fn holds(
        &self,
        item: &Value,
        root: &Value,
        visits: &mut Visits,
    ) -> Result<bool, JsonPathError> {
        match self {
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(item, root, visits)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(item, root, visits)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(inner) => Ok(!inner.holds(item, root, visits)?),
            Self::Holds(operand) => {
                let value = operand.value(item, root, visits)?;
                Ok(value.is_some_and(|v| !matches!(*v, Value::Null | Value::Bool(false))))
            }
            Self::Compare(left, operator, right) => {
                let left = left.value(item, root, visits)?;
                let right = right.value(item, root, visits)?;
                Ok(left.zip(right).is_some_and(|(l, r)| operator.holds(&l, &r)))
            }
        }
    }
}

impl Operand {
    /// The value, or none where the path finds nothing.
    fn value<'v>(
        &'v self,
        item: &'v Value,
        root: &'v Value,
        visits: &mut Visits,
    ) -> Result<Option<Cow<'v, Value>>, JsonPathError> {
        let found = match self {
            Self::Item(steps) => find(steps, item, root, visits),
            Self::Root(steps) => find(steps, root, root, visits),
            Self::Constant(value) => Ok(Cow::Borrowed(value)),
        };
        match found {
            Ok(value) => Ok(Some(value)),
            Err(JsonPathError::TooMuch) => Err(JsonPathError::TooMuch),
            Err(_) => Ok(None),
        }
    }
}
