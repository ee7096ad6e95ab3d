//! What opening does.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use crate::sqlite::migrate::MIGRATIONS;
use crate::sqlite::{SqliteHome, open};
use crate::testing::{Fixture as _, Steps as _, entries, entry, event};
use crate::{Reader as _, StoreError};

use super::Sqlite;

fn pragma(connection: &Connection, name: &str) -> i64 {
    connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

#[test]
fn only_the_owner_can_read_the_files() {
    let mut store = Sqlite::with_shop();
    store.applied(&entries([entry(1, event(1))]));
    let mut files = 0;
    for file in std::fs::read_dir(store.dir.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and its index");
}

#[test]
fn the_writer_is_set_up_to_lose_nothing() {
    let store = Sqlite::fresh();
    for (name, want) in [
        ("synchronous", 2),
        ("page_size", 4096),
        ("auto_vacuum", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("wal_autocheckpoint", 0),
        ("temp_store", 2),
        ("busy_timeout", 5000),
    ] {
        assert_eq!(pragma(&store.home.connection, name), want, "{name}");
    }
}

#[test]
fn readers_cannot_write() {
    let store = Sqlite::fresh();
    let error = store.reader.read(|connection| {
        connection.execute("DELETE FROM project", [])?;
        Ok(())
    });
    assert!(matches!(error, Err(StoreError::Database(_))));
}

#[test]
fn what_was_committed_is_there_when_opened_again() {
    let mut store = Sqlite::with_shop();
    store.applied(&entries([entry(1, event(1))]));
    let Sqlite { home, reader, dir } = store;
    drop((home, reader));
    let (_home, reader) = SqliteHome::open(dir.path()).unwrap();
    assert_eq!(reader.event(event(1).id).unwrap().unwrap().1.event, event(1));
}

#[test]
fn a_newer_schema_is_refused_and_both_versions_are_named() {
    let Sqlite { home, reader, dir } = Sqlite::fresh();
    drop((home, reader));
    let file = dir.path().join(open::FILE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 77).unwrap();
    let error = SqliteHome::open(dir.path()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Version(_)) && error.is_fatal());
    let text = error.to_string();
    assert!(
        text.contains("version 77") && text.contains(&format!("up to {}", MIGRATIONS.len())),
        "{text}"
    );
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = SqliteHome::open(&missing).map(drop).unwrap_err();
    assert!(error.to_string().contains("missing/tidegate.db"), "{error}");
}
