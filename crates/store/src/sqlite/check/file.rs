//! The files themselves: what SQLite knows to check, and whether the schema is the one of this
//! version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::contract::StoreError;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::tail::{self, Tail};

use super::report::Report;

/// Problems of one kind that SQLite lists before it gives up.
const PROBLEMS_MAX: u32 = 1000;

/// Looks for commits that SQLite would leave out.
pub(super) fn log(file: &Path, report: &mut Report<'_>) -> Result<(), StoreError> {
    let log = tail::log_of(file).display().to_string();
    let tail = tail::of_live(file).map_err(|source| {
        let what = format!("read {log}");
        StoreError::Io { what, source }
    })?;
    match tail {
        Tail::Clean => {}
        Tail::Torn { frame } => report.note(
            format!("{log}, frame {frame}"),
            "the last transaction was not written to the end and is left out, as after a crash; \
             where there was none, the newest transaction is damaged",
        ),
        Tail::Lost { frame, commits } => report.damage(
            format!("{log}, frame {frame}"),
            format!("{commits} commits from here on are left out; some of them were acknowledged"),
        ),
    }
    Ok(())
}

pub(super) fn check(connection: &Connection, file: &Path, report: &mut Report<'_>) {
    let name = file.display().to_string();
    let mut ask = |sql: &str, tell: &mut dyn FnMut(&mut Report<'_>, &rusqlite::Row<'_>)| {
        let asked = (|| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                tell(report, row);
            }
            Ok::<_, rusqlite::Error>(())
        })();
        if let Err(error) = asked {
            report.damage(&name, error);
        }
    };
    ask(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"), &mut |report, row| {
        let said: String = row.get(0).unwrap_or_else(|error| error.to_string());
        // Newer versions of SQLite begin with the schema's name and a line of stars.
        if said != "ok" {
            report.damage(&name, said.replace('\n', "; "));
        }
    });
    ask("PRAGMA foreign_key_check", &mut |report, row| {
        let text = |column| row.get::<_, String>(column).unwrap_or_default();
        let place = match row.get::<_, Option<i64>>(1) {
            Ok(Some(id)) => format!("table {}, row {id}", text(0)),
            _ => format!("table {}, one row", text(0)),
        };
        report.damage(place, format!("what it refers to in table {} is not there", text(2)));
    });
    schema(connection, &name, report);
}

/// Every table and index is defined as this version defines it. An index that lost its condition is
/// sound to SQLite, and finds other rows than before.
fn schema(connection: &Connection, file: &str, report: &mut Report<'_>) {
    let compared = (|| {
        let mut found = definitions(connection)?;
        for (name, sql) in fresh()? {
            match found.remove(name) {
                Some(same) if same == *sql => {}
                Some(_) => report.damage(format!("{file}, {name}"), "it is defined otherwise"),
                None => report.damage(format!("{file}, {name}"), "it is not there"),
            }
        }
        for name in found.keys() {
            report.damage(format!("{file}, {name}"), "it is none of this version's");
        }
        Ok::<_, rusqlite::Error>(())
    })();
    if let Err(error) = compared {
        report.damage(file, error);
    }
}

/// What a new store looks like.
fn fresh() -> Result<&'static Definitions, rusqlite::Error> {
    static FRESH: OnceLock<Definitions> = OnceLock::new();
    if let Some(known) = FRESH.get() {
        return Ok(known);
    }
    let connection = Connection::open_in_memory()?;
    for sql in MIGRATIONS {
        connection.execute_batch(sql)?;
    }
    let made = definitions(&connection)?;
    Ok(FRESH.get_or_init(|| made))
}

/// `table event` and how it was made.
type Definitions = BTreeMap<String, Option<String>>;

/// SQLite's own statistics are its own business.
fn definitions(connection: &Connection) -> Result<Definitions, rusqlite::Error> {
    let sql = "SELECT type || ' ' || name || ' of ' || tbl_name, sql FROM sqlite_schema
               WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
