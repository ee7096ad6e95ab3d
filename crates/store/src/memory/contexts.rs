//! Contexts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::sequence::Context;

use crate::codec::{micros, signed, to_json};
use crate::contract::StoreError;
use crate::query::SequenceFilter;
use crate::search::{Driver, Found, Position, SequenceSearch, Sieve, Start, merge};

use super::page::admits;
use super::table::{Key, Rows, Table};
use super::transaction::Transaction;

#[derive(Serialize, Deserialize)]
struct Row {
    n: u64,
    /// When it got its last state; none while something of it is under way.
    ended: Option<Timestamp>,
    context: Context,
}

fn key(project: &ProjectName, id: ContextId) -> Key {
    Key::new().text(project.as_str()).bytes(id.as_bytes())
}

/// Writes a context.
pub(super) fn put(
    rows: &mut Transaction,
    context: &Context,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = key(&context.project, context.id);
    let before: Option<Row> = rows.get(Table::Context, &key)?;
    let ended = match &before {
        Some(row) if row.context.state == context.state => row.ended,
        _ => context.state.is_final().then_some(now),
    };
    let n = match before {
        Some(row) => row.n,
        None => rows.next("context")?,
    };
    rows.put(Table::Context, &key, &Row { n, ended, context: context.clone() })
}

/// One context of a project.
pub(super) fn one(
    rows: &Rows,
    project: &ProjectName,
    id: ContextId,
) -> Result<Option<Context>, StoreError> {
    Ok(rows.get::<Row>(Table::Context, &key(project, id))?.map(|row| row.context))
}

/// All contexts.
pub(super) fn all(rows: &Rows) -> Result<Vec<Context>, StoreError> {
    let found: Vec<Row> = rows.all(Table::Context, &Key::new())?;
    Ok(found.into_iter().map(|row| row.context).collect())
}

/// The contexts of a project that match, newest first.
pub(super) fn list(
    rows: &Rows,
    project: &ProjectName,
    filter: &SequenceFilter,
) -> Result<Vec<Context>, StoreError> {
    let SequenceFilter { name, state, from, before, contexts } = filter;
    let mut found: Vec<Row> = rows.all(Table::Context, &Key::new().text(project.as_str()))?;
    found.retain(|Row { context, .. }| {
        admits(name.as_ref(), &context.name)
            && admits(state.as_ref(), &context.state)
            && from.is_none_or(|from| context.time > from)
            && before.is_none_or(|before| context.time < before)
            && (contexts.is_empty() || contexts.contains(&context.id))
    });
    found.sort_by_key(|row| std::cmp::Reverse((row.context.time, row.n)));
    Ok(found.into_iter().map(|row| row.context).collect())
}

/// One page of the contexts of a project that are searched for.
pub(super) fn search(
    rows: &Rows,
    project: &ProjectName,
    search: &SequenceSearch,
    keep: &dyn Fn(&Context) -> bool,
    (start, limit): (Start, u64),
) -> Result<Found, StoreError> {
    let (low, high) = search.bounds(start);
    let position = |row: &Row| Position { time_us: micros(row.context.time), seq: signed(row.n) };
    let mut found: Vec<Row> = rows.all(Table::Context, &Key::new().text(project.as_str()))?;
    found.retain(|row| (low < position(row)) && (position(row) < high));
    found.sort_by_key(position);
    if !start.is_upwards() {
        found.reverse();
    }
    let drivers = search.drivers();
    let mut sieves = Vec::new();
    for driver in &drivers {
        let leads = |row: &&Row| match driver {
            Driver::Time => true,
            Driver::State(state) => row.context.state == *state,
            Driver::Service(service) => row.context.service == *service,
        };
        let mut sieve = Sieve::new(search, keep, limit, drivers.len());
        for row in found.iter().filter(leads) {
            let body = to_json(&row.context, "context")?;
            if !sieve.offer(position(row), &body, || Ok(row.context.clone()))? {
                break;
            }
        }
        sieves.push(sieve);
    }
    Ok(merge(sieves, start, limit))
}

/// Contexts that ended before some time, those that ended first to begin with, at most `limit`.
pub(super) fn ended(
    rows: &Rows,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Context>, StoreError> {
    let mut found: Vec<Row> = rows.all(Table::Context, &Key::new())?;
    found.retain(|row| row.ended.is_some_and(|ended| ended < before));
    found.sort_by_key(|row| (row.ended, row.n));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|row| row.context).collect())
}

/// Forgets a context.
pub(super) fn forget(rows: &mut Transaction, context: &Context) {
    rows.remove(Table::Context, &key(&context.project, context.id));
}
