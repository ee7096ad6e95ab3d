//! Contexts: the index of their executions, and Keptn's sequence state.

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::names::{ContextId, ProjectName};
use tidegate_core::sequence::Context;
use uuid::Uuid;

use crate::codec::{from_json, micros, signed, to_json, unsigned};
use crate::codes;
use crate::contract::StoreError;
use crate::query::{Page, SequenceFilter};
use crate::search::{Driver, Found, Position, SequenceSearch, Sieve, Start, merge};

use super::list::{self, Conditions, List};
use super::session::{Session, get};

/// Writes a context. Its name, service and time are those of its first trigger and never change.
pub(super) fn put(session: &Session, context: &Context, now: Timestamp) -> Result<(), StoreError> {
    let ended = context.state.is_final().then(|| micros(now));
    session.execute(
        "INSERT INTO context (id, project, name, service, state, time, ended, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (project, id) DO UPDATE SET state = excluded.state, body = excluded.body,
             ended = CASE WHEN context.state = excluded.state THEN context.ended
                          ELSE excluded.ended END",
        &[
            &context.id.uuid(),
            &context.project.as_str(),
            &context.name.as_str(),
            &context.service.as_str(),
            &codes::context_state(context.state),
            &micros(context.time),
            &ended,
            &to_json(context, "context")?,
        ],
    )?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<Context, StoreError> {
    let seq: i64 = get(row, 0)?;
    from_json(get(row, 1)?, || format!("table context, seq {seq}"))
}

/// One context of a project.
pub(super) fn by_id(
    session: &Session,
    project: &ProjectName,
    id: ContextId,
) -> Result<Option<Context>, StoreError> {
    let sql = "SELECT seq, body FROM context WHERE id = $1 AND project = $2";
    list::one(session, sql, &[&id.uuid(), &project.as_str()], read)
}

/// The contexts of a project, newest first.
pub(super) fn page(
    session: &Session,
    project: &ProjectName,
    filter: &SequenceFilter,
    page: (u64, u64),
) -> Result<Page<Context>, StoreError> {
    let SequenceFilter { name, state, from, before, contexts } = filter;
    let mut conditions = Conditions::default();
    conditions.bind("project = ?", project.as_str().to_owned());
    if !contexts.is_empty() {
        let ids: Vec<Uuid> = contexts.iter().map(|id| id.uuid()).collect();
        conditions.bind("id = ANY(?)", ids);
    }
    if let Some(state) = state {
        conditions.bind("state = ?", codes::context_state(*state));
    }
    if let Some(name) = name {
        conditions.bind("name = ?", name.as_str().to_owned());
    }
    if let Some(from) = from {
        conditions.bind("time > ?", micros(*from));
    }
    if let Some(before) = before {
        conditions.bind("time < ?", micros(*before));
    }
    let order = "time DESC, seq DESC";
    List { columns: "seq, body", source: "context", join: "", conditions, order }
        .page(session, page, read)
}

/// Rows that a search fetches at once: a page of the bridge, and one more.
const FETCHED: i64 = 51;
/// Rows that it fetches at once when a page's worth did not do.
const FETCHED_MORE: i64 = 1000;

/// One page of the contexts of a project that are searched for.
pub(super) fn search(
    session: &Session,
    project: &ProjectName,
    search: &SequenceSearch,
    keep: &dyn Fn(&Context) -> bool,
    (start, limit): (Start, u64),
) -> Result<Found, StoreError> {
    let drivers = search.drivers();
    let mut sieves = Vec::with_capacity(drivers.len());
    for driver in &drivers {
        let mut sieve = Sieve::new(search, keep, limit, drivers.len());
        walk(session, project, driver, search.bounds(start), start, &mut sieve)?;
        sieves.push(sieve);
    }
    Ok(merge(sieves, start, limit))
}

fn walk(
    session: &Session,
    project: &ProjectName,
    driver: &Driver,
    (mut low, mut high): (Position, Position),
    start: Start,
    sieve: &mut Sieve<'_>,
) -> Result<(), StoreError> {
    let upwards = start.is_upwards();
    let which = match driver {
        Driver::Time => "TRUE".to_owned(),
        Driver::State(state) => format!("state = {}", codes::context_state(*state)),
        Driver::Service(_) => "service = $7".to_owned(),
    };
    let order = if upwards { "time, seq" } else { "time DESC, seq DESC" };
    let sql = format!(
        "SELECT seq, body, time FROM context
         WHERE project = $1 AND {which} AND (time, seq) > ($2, $3) AND (time, seq) < ($4, $5)
         ORDER BY {order} LIMIT $6"
    );
    let mut fetch = FETCHED;
    loop {
        let project = project.as_str();
        let mut values: Vec<&(dyn postgres::types::ToSql + Sync)> =
            vec![&project, &low.time_us, &low.seq, &high.time_us, &high.seq, &fetch];
        let service = match driver {
            Driver::Service(service) => service.as_str(),
            Driver::Time | Driver::State(_) => "",
        };
        if !service.is_empty() {
            values.push(&service);
        }
        let rows = session.query(&sql, &values)?;
        for row in &rows {
            let position = Position { seq: get(row, 0)?, time_us: get(row, 2)? };
            let body: &str = get(row, 1)?;
            let what = || format!("table context, seq {}", position.seq);
            if !sieve.offer(position, body, || from_json(body, what))? {
                return Ok(());
            }
            if upwards {
                low = position;
            } else {
                high = position;
            }
        }
        if signed(rows.len() as u64) < fetch {
            return Ok(());
        }
        fetch = FETCHED_MORE;
    }
}

/// How many contexts a project has, counted no further than `max`.
pub(super) fn count(session: &Session, project: &ProjectName, max: u64) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM context WHERE project = $1 LIMIT $2) AS counted";
    let row = session.first(sql, &[&project.as_str(), &signed(max)])?;
    Ok(row.map(|row| get(&row, 0)).transpose()?.map_or(0, unsigned))
}
