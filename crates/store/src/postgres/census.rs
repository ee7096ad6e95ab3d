//! The census, counted.

use jiff::Timestamp;
use postgres::Row;
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::sequence::ContextState;

use crate::census::{COUNTED_MAX, Census, Waiting, cutoffs, of_minute};
use crate::codec::{damaged, micros, signed, time, unsigned};
use crate::codes;
use crate::contract::StoreError;

use super::session::{Session, Values, get};
use super::{list, projects};

pub(super) fn take(session: &Session, now: Timestamp) -> Result<Census, StoreError> {
    let max = signed(COUNTED_MAX);
    let number = |sql: &str, values: Values<'_>| {
        let found: Option<i64> = list::one(session, sql, values, |row| get(row, 0))?;
        Ok::<_, StoreError>(found.map_or(0, unsigned))
    };
    let at_most = |table: &str| {
        let sql = format!("SELECT count(*) FROM (SELECT FROM {table} LIMIT $1) AS found");
        number(&sql, &[&max])
    };
    Ok(Census {
        waiting: waiting(session, now)?,
        under_way: under_way(session)?,
        lanes_waiting: number("SELECT count(DISTINCT lane) FROM lane_queue", &[])?,
        deliveries: at_most("delivery")?,
        oldest_delivery: oldest_delivery(session)?,
        timers_due: number(
            "SELECT count(*) FROM (SELECT FROM timer WHERE due <= $2 LIMIT $1) AS found",
            &[&max, &micros(now)],
        )?,
        deferred: at_most("deferred")?,
        sagas: number("SELECT count(*) FROM intent", &[])?,
        quarantined: at_most("quarantine")?,
    })
}

const UNDER_WAY: &str = "SELECT project, state, count(*) FROM context WHERE state IN (0, 1, 2, 6)
     GROUP BY project, state";

fn under_way(session: &Session) -> Result<Vec<(ProjectName, ContextState, u64)>, StoreError> {
    let mut found = list::all(session, UNDER_WAY, &[], state)?;
    found.sort_by(|a, b| (&a.0, a.1.as_str()).cmp(&(&b.0, b.1.as_str())));
    Ok(found)
}

fn state(row: &Row) -> Result<(ProjectName, ContextState, u64), StoreError> {
    let code: i16 = get(row, 1)?;
    let state = codes::read_context_state(code)
        .ok_or_else(|| damaged("table context", &format!("{code} is no state")))?;
    Ok((projects::name(row, 0)?, state, unsigned(get(row, 2)?)))
}

fn waiting(session: &Session, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let [a, b, c, d, e] = cutoffs(now);
    list::all(session, WAITING, &[&a, &b, &c, &d, &e], |row| {
        let what = "table approval, those that are open";
        let (stage, asked): (&str, i64) = (get(row, 1)?, get(row, 2)?);
        let mut longer = [0; crate::census::WAITING_AGES.len()];
        for (index, count) in longer.iter_mut().enumerate() {
            *count = unsigned(get(row, 4 + index)?);
        }
        Ok(Waiting {
            project: projects::name(row, 0)?,
            stage: StageName::new(stage).map_err(|error| damaged(what, &error))?,
            oldest: of_minute(asked).ok_or_else(|| damaged(what, "a minute is no time"))?,
            count: unsigned(get(row, 3)?),
            longer,
        })
    })
}

const WAITING: &str = "SELECT project, stage, min(asked), count(*),
       count(*) FILTER (WHERE asked <= $1), count(*) FILTER (WHERE asked <= $2),
       count(*) FILTER (WHERE asked <= $3), count(*) FILTER (WHERE asked <= $4),
       count(*) FILTER (WHERE asked <= $5)
     FROM (SELECT project, stage, floor(extract(epoch FROM
             (body::json ->> 'asked_at')::timestamptz) / 60)::bigint AS asked
           FROM approval WHERE state = 0) AS open
     GROUP BY project, stage ORDER BY project, stage";

fn oldest_delivery(session: &Session) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT event.time FROM delivery JOIN event
               ON event.project = delivery.project AND event.n = delivery.n
               ORDER BY delivery.id LIMIT 1";
    let found: Option<i64> = list::one(session, sql, &[], |row| get(row, 0))?;
    found.map(|micros| time(micros, "table event, the oldest that is delivered")).transpose()
}
