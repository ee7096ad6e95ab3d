//! From steps to values.

use std::borrow::Cow;

use serde_json::Value;

use super::{JsonPathError, Step, VISITS_MAX};

/// How much work a look-up has done.
#[derive(Default)]
pub(super) struct Visits(usize);

impl Visits {
    fn add(&mut self, count: usize) -> Result<(), JsonPathError> {
        self.0 = self.0.saturating_add(count);
        if self.0 > VISITS_MAX { Err(JsonPathError::TooMuch) } else { Ok(()) }
    }
}

/// Follows the steps from `start`; `root` is what `$` means in a condition.
pub(super) fn find<'v>(
    steps: &[Step],
    start: &'v Value,
    root: &'v Value,
    visits: &mut Visits,
) -> Result<Cow<'v, Value>, JsonPathError> {
    let mut value = start;
    for (at, step) in steps.iter().enumerate() {
        visits.add(1)?;
        let Step::Key(key) = step else {
            return several(&steps[at..], value, root, visits);
        };
        value = child(value, key)?;
    }
    Ok(Cow::Borrowed(value))
}

fn several<'v>(
    steps: &[Step],
    start: &'v Value,
    root: &'v Value,
    visits: &mut Visits,
) -> Result<Cow<'v, Value>, JsonPathError> {
    let mut found = vec![start];
    for step in steps {
        let mut next = Vec::new();
        for value in found {
            visits.add(1)?;
            take(step, value, root, visits, &mut next)?;
        }
        found = next;
    }
    // What is handed back is copied, so it counts in full: `..` finds nested values many times.
    for value in &found {
        weigh(value, visits)?;
    }
    Ok(Cow::Owned(found.into_iter().cloned().collect()))
}

fn weigh(value: &Value, visits: &mut Visits) -> Result<(), JsonPathError> {
    visits.add(1)?;
    children(value).try_for_each(|child| weigh(child, visits))
}

/// Adds to `found` what one step finds in one value.
fn take<'v>(
    step: &Step,
    value: &'v Value,
    root: &'v Value,
    visits: &mut Visits,
    found: &mut Vec<&'v Value>,
) -> Result<(), JsonPathError> {
    match step {
        Step::Key(key) => found.extend(child(value, key).ok()),
        Step::Keys(keys) => found.extend(keys.iter().filter_map(|key| child(value, key).ok())),
        Step::All => {
            visits.add(children(value).count())?;
            found.extend(children(value));
        }
        Step::Descend => descend(value, visits, found)?,
        Step::Slice { start, end, step } => {
            if let Value::Array(items) = value {
                visits.add(items.len())?;
                found.extend(slice(items.len(), *start, *end, *step).map(|at| &items[at]));
            }
        }
        Step::Filter(condition) => {
            for item in children(value) {
                visits.add(1)?;
                if condition.holds(item, root, visits)? {
                    found.push(item);
                }
            }
        }
    }
    Ok(())
}

fn descend<'v>(
    value: &'v Value,
    visits: &mut Visits,
    found: &mut Vec<&'v Value>,
) -> Result<(), JsonPathError> {
    visits.add(1)?;
    found.push(value);
    children(value).try_for_each(|child| descend(child, visits, found))
}

/// The values of a mapping or the items of a list.
fn children(value: &Value) -> impl Iterator<Item = &Value> {
    let (items, fields) = match value {
        Value::Array(items) => (Some(items), None),
        Value::Object(fields) => (None, Some(fields)),
        _ => (None, None),
    };
    items.into_iter().flatten().chain(fields.into_iter().flat_map(|fields| fields.values()))
}

fn child<'v>(value: &'v Value, key: &str) -> Result<&'v Value, JsonPathError> {
    match value {
        Value::Object(fields) => {
            fields.get(key).ok_or_else(|| JsonPathError::UnknownKey(key.to_owned()))
        }
        Value::Array(items) => {
            let index: i64 = key.parse().map_err(|_| JsonPathError::UnknownKey(key.to_owned()))?;
            let length = items.len();
            place(index, length)
                .and_then(|at| items.get(at))
                .ok_or(JsonPathError::OutOfBounds { index, length })
        }
        _ => Err(JsonPathError::NoChildren(key.to_owned())),
    }
}

/// A place in a list of `length`; a negative one counts from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(at) => Some(at),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// The places that a slice chooses, in its direction.
fn slice(
    length: usize,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_start = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |index: Option<i64>, default| {
        index.map_or(default, |index| from_start(index).clamp(low, high))
    };
    let (mut at, end) = if step > 0 {
        (bound(start, 0), bound(end, length))
    } else {
        (bound(start, length - 1), bound(end, -1))
    };
    std::iter::from_fn(move || {
        let inside = if step > 0 { at < end } else { at > end };
        let this = at;
        at = at.saturating_add(step);
        if inside { usize::try_from(this).ok() } else { None }
    })
}
