//! The schema and its changes, forward only. The one row of `schema_version` counts those made.

use uuid::Uuid;

use crate::codec::damaged;
use crate::contract::StoreError;

use super::session::{Outcome, Session, get};

/// In order; one that was released is never edited.
pub(super) const MIGRATIONS: [&str; 6] = [
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
];
/// Of all homes, those whose last commit lies further back than this are forgotten. A home that waits
/// to learn of its commit has made it among the newest ones, whatever the clocks say.
const COMMITS_KEPT: i64 = 1_000_000;

/// Brings the schema up to date. Answers the schema's name, quoted, and which store it holds.
pub(super) fn migrate(session: &Session, place: &str) -> Result<(String, Uuid), StoreError> {
    let schema = schema(session, place)?;
    session.batch(&format!("SET search_path = {schema}"))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    loop {
        let done = locked(session, &schema, |found| {
            if found > known {
                return Err(newer(place, found));
            }
            let next = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found));
            let Some(sql) = next else { return Ok(true) };
            session.batch(sql)?;
            session.execute("UPDATE schema_version SET version = $1", &[&(found + 1)])?;
            Ok(false)
        })?;
        if done {
            break;
        }
    }
    session.execute(
        "DELETE FROM home WHERE last < (SELECT commits FROM writer) - $1",
        &[&COMMITS_KEPT],
    )?;
    let row = session.first("SELECT store FROM writer", &[])?;
    let row = row.ok_or_else(|| damaged("table writer", "its row is gone"))?;
    Ok((schema, get(&row, 0)?))
}

/// Where the store is, or shall be: a path of several schemas must not lead elsewhere tomorrow.
fn schema(session: &Session, place: &str) -> Result<String, StoreError> {
    let row = session.first(
        "SELECT quote_ident(coalesce(
           (SELECT nspname::text FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid
            WHERE pg_class.oid = to_regclass('schema_version')),
           current_schema()::text))",
        &[],
    )?;
    let name: Option<String> = row.map(|row| get(&row, 0)).transpose()?.flatten();
    name.ok_or_else(|| StoreError::Unfit {
        what: format!("the database {place}"),
        why: "its search_path names no schema that exists; run CREATE SCHEMA tidegate; and add \
              options='-c search_path=tidegate' to the connection string"
            .to_owned(),
    })
}

/// Runs `change` in a transaction that is the only one of its kind, with the version that is there.
fn locked(
    session: &Session,
    schema: &str,
    change: impl FnOnce(i64) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    session.begin("ISOLATION LEVEL READ COMMITTED READ WRITE")?;
    let changed = (|| {
        session.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('tidegate ' || $1, 0))",
            &[&schema],
        )?;
        let found = version(session)?;
        if found > 0 {
            // Nobody writes while tables change.
            session.execute("SELECT 1 FROM writer FOR UPDATE", &[])?;
        }
        change(found)
    })();
    match changed {
        Ok(done) => match session.commit() {
            Outcome::Written => Ok(done),
            Outcome::Undone(error) => Err(error),
            Outcome::Unknown(why) => {
                Err(StoreError::Unavailable { what: "change the schema".to_owned(), why })
            }
        },
        Err(error) => {
            session.rollback();
            Err(error)
        }
    }
}

fn version(session: &Session) -> Result<i64, StoreError> {
    // The catalogue itself is asked: what else knows of tables may not have heard of what another
    // server has made while this one waited for the lock.
    let there = session.first(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'schema_version'
                        AND relnamespace = current_schema()::regnamespace)",
        &[],
    )?;
    if !there.map(|row| get(&row, 0)).transpose()?.unwrap_or(false) {
        session.batch(
            "CREATE TABLE schema_version (version BIGINT NOT NULL);
             INSERT INTO schema_version (version) VALUES (0)",
        )?;
    }
    let row = session.first("SELECT version FROM schema_version", &[])?;
    let row = row.ok_or_else(|| damaged("table schema_version", "its row is gone"))?;
    get(&row, 0)
}

fn newer(place: &str, found: i64) -> StoreError {
    let known = MIGRATIONS.len();
    StoreError::Version(format!(
        "the database {place} has schema version {found}, and this Tidegate knows versions up to \
         {known}; start the newer Tidegate again, or restore a backup"
    ))
}
