//! Two evaluations, objective by objective.

use super::heatmap::{by_objective, called, objectives_of};
use super::judged::{Judged, value_of};
use super::limit::{status_of, wanted};
use super::objective::Value;
use crate::view::number::Change;
use crate::view::{Status, Text};

/// One objective of two evaluations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) name: Text,
    pub(crate) is_key: bool,
    pub(crate) before: Side,
    pub(crate) after: Side,
    /// How the value moved, where both have one.
    pub(crate) change: Option<Change>,
    /// Whether the result is another one.
    pub(crate) is_other: bool,
}

/// An objective of one of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// It has no such objective.
    Missing,
    /// It has.
    Judged {
        /// None where it could not be read.
        value: Option<Value>,
        status: Status,
    },
}

/// What two evaluations say; what came out otherwise first.
pub(crate) fn compare(before: &Judged, after: &Judged) -> Vec<Pair> {
    let sides = [by_objective(before), by_objective(after)];
    let mut pairs: Vec<Pair> = objectives_of(&sides)
        .into_iter()
        .map(|(objective, is_key)| {
            let [old, new] = [0, 1].map(|side: usize| sides[side].get(&objective).copied());
            let side = |indicator: Option<_>| {
                indicator.map_or(Side::Missing, |indicator| Side::Judged {
                    value: value_of(indicator).map(Value::new),
                    status: status_of(indicator),
                })
            };
            let values = old.and_then(value_of).zip(new.and_then(value_of));
            let (before, after) = (side(old), side(new));
            Pair {
                name: Text::line(called(&objective)),
                is_key,
                is_other: status(&before) != status(&after),
                before,
                after,
                change: values.map(|(old, value)| Change::of(value, old, new.and_then(wanted))),
            }
        })
        .collect();
    pairs.sort_by_key(|pair| !pair.is_other);
    pairs
}

fn status(side: &Side) -> Option<Status> {
    match side {
        Side::Missing => None,
        Side::Judged { status, .. } => Some(*status),
    }
}
