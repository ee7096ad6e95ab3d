//! Contexts: the index of their executions, and Keptn's sequence state.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tidegate_core::names::ContextId;
use tidegate_core::sequence::{Context, ContextState};

use crate::codes;
use crate::contract::StoreError;
use crate::query::{Page, SequenceFilter};
use crate::search::{Driver, Found, Position, SequenceSearch, Sieve, Start, merge};

use super::codec::{body, damaged, from_json, micros, to_json};
use super::keys::ProjectId;
use super::list::{Conditions, List};
use super::tally::{self, Tally};
use super::words::Numbers;

/// Writes a context; answers the bytes of its JSON. Its name,
/// service and time are those of its first trigger and never change.
pub(super) fn put(
    connection: &Connection,
    numbers: &Numbers,
    context: &Context,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let project = numbers.own_project(connection, &context.project)?;
    let (id, state) = (context.id.as_bytes(), codes::context_state(context.state));
    let body = to_json(context, "context")?;
    // Most changes leave the state alone; naming it would rewrite its index.
    let same = connection
        .prepare_cached(
            "UPDATE context SET body = ?4 WHERE id = ?1 AND project = ?2 AND state = ?3",
        )?
        .execute((id, project.0, state, &body))?;
    if same == 1 {
        return Ok(body.len());
    }
    let ended = context.state.is_final().then(|| micros(now));
    let before: Option<i16> = connection
        .prepare_cached("SELECT state FROM context WHERE id = ?1 AND project = ?2")?
        .query_row((id, project.0), |row| row.get(0))
        .optional()?;
    let before = before.and_then(codes::read_context_state);
    count(connection, project, before, context.state)?;
    if before.is_some() {
        connection
            .prepare_cached(
                "UPDATE context SET body = ?4, state = ?3, ended = ?5
                 WHERE id = ?1 AND project = ?2",
            )?
            .execute((id, project.0, state, &body, ended))?;
        return Ok(body.len());
    }
    let name = numbers.word(connection, context.name.as_str())?;
    let service = numbers.word(connection, context.service.as_str())?;
    connection
        .prepare_cached(
            "INSERT INTO context (id, project, name, service, state, time, body, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((id, project.0, name, service, state, micros(context.time), &body, ended))?;
    tally::add(connection, project, Tally::Contexts, 1)?;
    Ok(body.len())
}

/// Counts a context that has got another state.
fn count(
    connection: &Connection,
    project: ProjectId,
    before: Option<ContextState>,
    now: ContextState,
) -> Result<(), StoreError> {
    if let Some(left) = before.and_then(Tally::under_way) {
        tally::add(connection, project, left, -1)?;
    }
    if let Some(reached) = Tally::under_way(now) {
        tally::add(connection, project, reached, 1)?;
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> Result<Context, StoreError> {
    let seq: i64 = row.get(0)?;
    body(row, 1, || format!("table context, seq {seq}"))
}

/// One context of a project.
pub(super) fn by_id(
    connection: &Connection,
    project: ProjectId,
    id: ContextId,
) -> Result<Option<Context>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query((id.as_bytes(), project.0))?;
    rows.next()?.map(read).transpose()
}

pub(super) const BY_ID: &str = "SELECT seq, body FROM context WHERE id = ?1 AND project = ?2";

/// The contexts of a project, newest first.
pub(super) fn page(
    connection: &Connection,
    project: ProjectId,
    filter: &SequenceFilter,
    page: (u64, u64),
) -> Result<Page<Context>, StoreError> {
    let SequenceFilter { name, state, from, before, contexts } = filter;
    let narrowed = name.is_some() || state.is_some() || from.is_some() || before.is_some();
    let total = if narrowed || !contexts.is_empty() {
        None
    } else {
        Some(tally::total(connection, Some(project), Tally::Contexts)?)
    };
    list(project, filter)?.page(connection, total, page, read)
}

pub(super) fn list(
    project: ProjectId,
    filter: &SequenceFilter,
) -> Result<List<'static>, StoreError> {
    let mut conditions = Conditions::default();
    if !filter.contexts.is_empty() {
        let ids: Vec<String> =
            filter.contexts.iter().map(|id| id.uuid().simple().to_string()).collect();
        let ids = serde_json::to_string(&ids).map_err(|error| damaged("filter", &error))?;
        conditions.bind("id IN (SELECT unhex(value) FROM json_each(?))", ids);
    }
    conditions.bind("project = ?", project.0);
    if let Some(state) = filter.state {
        conditions.bind("state = ?", codes::context_state(state));
    }
    if let Some(name) = &filter.name {
        conditions.word("name", name.as_str());
    }
    if let Some(from) = filter.from {
        conditions.bind("time > ?", micros(from));
    }
    if let Some(before) = filter.before {
        conditions.bind("time < ?", micros(before));
    }
    let source = if !filter.contexts.is_empty() {
        "context INDEXED BY context_id"
    } else if filter.state.is_some() {
        "context INDEXED BY context_state"
    } else {
        "context INDEXED BY context_time"
    };
    let order = "time DESC, seq DESC";
    Ok(List { columns: "seq, body", source, join: "", conditions, order })
}

/// One page of the contexts of a project that are searched for.
pub(super) fn search(
    connection: &Connection,
    project: ProjectId,
    search: &SequenceSearch,
    keep: &dyn Fn(&Context) -> bool,
    (start, limit): (Start, u64),
) -> Result<Found, StoreError> {
    let drivers = search.drivers();
    let mut sieves = Vec::with_capacity(drivers.len());
    for driver in &drivers {
        let mut sieve = Sieve::new(search, keep, limit, drivers.len());
        walk(connection, project, driver, search.bounds(start), start, &mut sieve)?;
        sieves.push(sieve);
    }
    Ok(merge(sieves, start, limit))
}

fn walk(
    connection: &Connection,
    project: ProjectId,
    driver: &Driver,
    (low, high): (Position, Position),
    start: Start,
    sieve: &mut Sieve<'_>,
) -> Result<(), StoreError> {
    let which: Value = match driver {
        Driver::Time => Value::Null,
        Driver::State(state) => i64::from(codes::context_state(*state)).into(),
        Driver::Service(service) => service.as_str().to_owned().into(),
    };
    let mut statement = connection.prepare_cached(&walk_sql(driver, start.is_upwards()))?;
    let between = (low.time_us, low.seq, high.time_us, high.seq);
    let mut rows =
        statement.query((project.0, between.0, between.1, between.2, between.3, which))?;
    while let Some(row) = rows.next()? {
        let position = Position { seq: row.get(0)?, time_us: row.get(2)? };
        let what = || format!("table context, seq {}", position.seq);
        let text = row.get_ref(1)?.as_str().map_err(|error| damaged(what(), &error))?;
        if !sieve.offer(position, text, || from_json(text, what))? {
            break;
        }
    }
    Ok(())
}

/// Walks one index between two places, as far as it is asked to.
pub(super) fn walk_sql(driver: &Driver, upwards: bool) -> String {
    let (index, which) = match driver {
        // Named, so that every statement has as many values.
        Driver::Time => ("context_time", "?6 IS NULL"),
        Driver::State(_) => ("context_state", "state = ?6"),
        Driver::Service(_) => {
            ("context_service", "service = (SELECT id FROM word WHERE text = ?6)")
        }
    };
    let order = if upwards { "time, seq" } else { "time DESC, seq DESC" };
    format!(
        "SELECT seq, body, time FROM context INDEXED BY {index}
         WHERE project = ?1 AND {which} AND (time, seq) > (?2, ?3) AND (time, seq) < (?4, ?5)
         ORDER BY {order}"
    )
}
