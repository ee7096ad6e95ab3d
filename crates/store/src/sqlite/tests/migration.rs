//! The schema changes as a whole or not at all, whenever the process dies.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tidegate_core::sequence::Change;

use crate::sqlite::checkpoint::Thresholds;
use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{SqliteHome, open};
use crate::testing::{Steps as _, context, entries, entry, event, project};
use crate::{Reader as _, SequenceSearch, Start, StoreError};

use super::Sqlite;
use super::child::{self, Child};

/// Enough that the change below takes a while.
const EVENTS: u64 = 3_000;
const ROUNDS: u64 = 25;

/// A change as a later version may bring one: a large table gets a column and is written anew.
const REWRITE: &str = "
    CREATE TABLE event_new (
      key INTEGER PRIMARY KEY, id BLOB NOT NULL, context BLOB NOT NULL, kind INTEGER NOT NULL,
      stage INTEGER, service INTEGER, source INTEGER NOT NULL, time INTEGER NOT NULL,
      disposition INTEGER NOT NULL, first INTEGER NOT NULL, checksum INTEGER NOT NULL, reason TEXT,
      body TEXT NOT NULL, size INTEGER NOT NULL
    ) STRICT;
    INSERT INTO event_new SELECT *, length(body) FROM event;
    DROP TABLE event;
    ALTER TABLE event_new RENAME TO event;
    CREATE UNIQUE INDEX event_id ON event (id);
    CREATE INDEX event_context ON event (context);
    CREATE INDEX event_kind ON event (kind, key, stage, service, disposition)
      WHERE disposition < 2;
    CREATE INDEX event_first ON event (first) WHERE first = 1;";

fn with_one_more() -> Vec<&'static str> {
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push(REWRITE);
    migrations
}

/// The child: opens the store as a version with one more change would, and says when it has.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn opens_with_one_more_change() {
    let Some((dir, _)) = child::told() else { return };
    child::say("opening");
    let opened = SqliteHome::open_with(&dir, Thresholds::default(), &with_one_more());
    child::say("opened");
    drop(opened.unwrap());
}

fn filled() -> Sqlite {
    let mut store = Sqlite::with_shop();
    store.applied(&entries((1..=EVENTS).map(|n| entry(n, event(n)))));
    store
}

/// Copies the store as it was before its change into a fresh directory.
fn copy(from: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(from.join(open::FILE), dir.path().join(open::FILE)).unwrap();
    dir
}

/// How many changes were made, and what can be seen of them.
fn state(dir: &Path) -> (usize, bool, u64) {
    let file = dir.join(open::FILE);
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let sound: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let left = one("SELECT count(*) FROM sqlite_schema WHERE name = 'event_new'");
    assert_eq!(left, 0, "nothing is left over");
    let changed = one("SELECT count(*) FROM pragma_table_info('event') WHERE name = 'size'") == 1;
    let version = usize::try_from(one("PRAGMA user_version")).unwrap();
    (version, changed, one("SELECT count(*) FROM event").unsigned_abs())
}

#[test]
fn a_change_that_is_killed_leaves_the_old_schema_or_the_new_one() {
    let Sqlite { home, reader, dir: original } = filled();
    drop((home, reader));
    let (old, new) = (MIGRATIONS.len(), MIGRATIONS.len() + 1);
    let opened = |line: String| (line == "opened").then_some(());
    // How long it takes where nobody kills it.
    let whole = copy(original.path());
    let mut child = Child::start("migration::opens_with_one_more_change", whole.path(), 0);
    child.next(|line| (line == "opening").then_some(())).unwrap();
    let begun = Instant::now();
    child.next(opened).unwrap();
    let takes = begun.elapsed();
    drop(child);
    assert_eq!(state(whole.path()), (new, true, EVENTS));

    let mut unfinished = 0;
    for round in 0..ROUNDS {
        let dir = copy(original.path());
        let mut child = Child::start("migration::opens_with_one_more_change", dir.path(), round);
        child.next(|line| (line == "opening").then_some(())).unwrap();
        // The moment of the kill is the point of the test: this pause waits for nothing.
        std::thread::sleep(takes.mul_f64(round as f64 / ROUNDS as f64));
        drop(child.kill());
        let (version, changed, events) = state(dir.path());
        assert_eq!(changed, version == new, "round {round}: version {version}");
        assert!(version == old || version == new, "round {round}: version {version}");
        assert_eq!(events, EVENTS, "round {round}");
        unfinished += u64::from(version == old);
        let opened =
            SqliteHome::open_with(dir.path(), Thresholds::default(), &with_one_more()).unwrap();
        let trace = opened.1.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
        assert_eq!(trace.len() as u64, EVENTS, "round {round}");
        assert!(trace.iter().all(|row| row.event == event(row.n)), "round {round}");
        drop(opened);
        assert_eq!(state(dir.path()), (new, true, EVENTS), "round {round}: completed");
    }
    assert!(unfinished > 0, "some kill came before the end of {takes:?}");
    assert!(takes < Duration::from_secs(60));
}

#[test]
fn a_change_that_fails_names_the_file_and_changes_nothing() {
    let Sqlite { home, reader, dir } = filled();
    drop((home, reader));
    let mut migrations = with_one_more();
    migrations.push("DELETE FROM event; CREATE TABLE event (key INTEGER PRIMARY KEY) STRICT;");
    let error = SqliteHome::open_with(dir.path(), Thresholds::default(), &migrations);
    let error = error.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let text = error.to_string();
    let number = format!("change {}", MIGRATIONS.len() + 2);
    assert!(text.contains("tidegate.db") && text.contains(&number), "{text}");
    // The change before it is whole and stays.
    assert_eq!(state(dir.path()), (MIGRATIONS.len() + 1, true, EVENTS));
}

#[test]
fn contexts_of_before_are_found_by_their_service() {
    let mut store = Sqlite::with_shop();
    store.change(Change::Context(Box::new(context(1))));
    let Sqlite { home, reader, dir } = store;
    drop((home, reader));
    // As it was before change 4, and then that change.
    let before = "DROP INDEX context_service; ALTER TABLE context DROP COLUMN service;";
    let connection = Connection::open(dir.path().join(open::FILE)).unwrap();
    connection.execute_batch(before).unwrap();
    connection.execute_batch(MIGRATIONS[3]).unwrap();
    drop(connection);
    let (_home, reader) = SqliteHome::open(dir.path()).unwrap();
    let search = SequenceSearch { services: vec![context(1).service], ..Default::default() };
    let found = reader.search(&project("shop"), &search, &|_| true, Start::Newest, 9).unwrap();
    assert_eq!(found.items.len(), 1);
}

/// What the sixth change counts is what is there.
#[test]
fn what_waits_in_a_store_of_an_earlier_version_is_counted() {
    let Sqlite { home, reader, dir } = super::story::Story::told();
    let counted = reader.census(crate::testing::at(0)).unwrap();
    assert!(!counted.waiting.is_empty() && !counted.under_way.is_empty());
    drop((home, reader));
    let connection = Connection::open(dir.path().join(open::FILE)).unwrap();
    let back = "DROP TABLE integration; DROP TABLE stood_down;
        DROP TABLE waiting; DELETE FROM tally WHERE what >= 6; DROP INDEX event_said;
        ALTER TABLE delivery DROP COLUMN recipient; ALTER TABLE project DROP COLUMN sli_provider;
        PRAGMA user_version = 5;";
    connection.execute_batch(back).unwrap();
    drop(connection);
    let (_home, reader) = SqliteHome::open(dir.path()).unwrap();
    assert_eq!(reader.census(crate::testing::at(0)).unwrap(), counted);
}
