//! What a server must be like, and what opening does.

use postgres::{Client, NoTls};
use tidegate_core::sequence::Change;

use crate::postgres::PostgresHome;
use crate::postgres::migrate::MIGRATIONS;
use crate::testing::{Fixture as _, Steps as _, context, entries, entry, event, project};
use crate::{Home as _, Reader as _, SequenceSearch, Start, StoreError};

use super::server::Server;
use super::{Postgres, process};

fn refusal(connection: &str) -> StoreError {
    PostgresHome::open(connection).map(drop).unwrap_err()
}

#[test]
fn a_server_that_can_lose_what_it_acknowledged_is_refused() {
    let server = Server::start();
    let connection = server.schema();
    let (mut home, _reader) = PostgresHome::open(&connection).unwrap();
    let mut operator = Client::connect(&connection, NoTls).unwrap();
    for setting in ["fsync", "full_page_writes"] {
        operator.batch_execute(&format!("ALTER SYSTEM SET {setting} = off")).unwrap();
        server.crash();
        operator = Client::connect(&connection, NoTls).unwrap();
        let error = refusal(&connection);
        let text = error.to_string();
        assert!(matches!(error, StoreError::Unfit { .. }) && error.is_fatal(), "{error:?}");
        assert!(text.contains(&format!("{setting} = off")), "{text}");
        assert!(text.contains(&format!("ALTER SYSTEM SET {setting} = on")), "{text}");
        // Who was there before does not go on with it either.
        let error = home.begin().unwrap_err();
        assert!(matches!(error, StoreError::Unfit { .. }), "{error:?}");
        operator.batch_execute(&format!("ALTER SYSTEM RESET {setting}")).unwrap();
        operator.batch_execute("SELECT pg_reload_conf()").unwrap();
    }
    server.crash();
    PostgresHome::open(&connection).unwrap();
}

#[test]
fn what_was_committed_is_there_when_opened_again() {
    let mut store = Postgres::with_shop();
    store.applied(&entries([entry(1, event(1))]));
    let (_home, reader) = PostgresHome::open(&store.connection).unwrap();
    assert_eq!(reader.event(event(1).id).unwrap().unwrap().1.event, event(1));
}

#[test]
fn a_newer_schema_is_refused_and_both_versions_are_named() {
    let store = Postgres::fresh();
    store.client().batch_execute("UPDATE schema_version SET version = 77").unwrap();
    let error = refusal(&store.connection);
    assert!(matches!(error, StoreError::Version(_)) && error.is_fatal());
    let text = error.to_string();
    let known = format!("up to {}", MIGRATIONS.len());
    assert!(text.contains("version 77") && text.contains(&known), "{text}");
}

#[test]
fn another_store_in_the_same_place_is_not_gone_on_with() {
    let mut store = Postgres::with_shop();
    let end = format!("SELECT pg_terminate_backend({})", process(&store.home));
    store.client().batch_execute("UPDATE writer SET store = gen_random_uuid()").unwrap();
    store.client().batch_execute(&end).unwrap();
    let error = store.home.begin().unwrap_err();
    assert!(matches!(error, StoreError::Unfit { .. }) && error.is_fatal(), "{error:?}");
}

#[test]
fn readers_cannot_write() {
    let store = Postgres::with_shop();
    let error = store.reader.read(|session| session.execute("DELETE FROM service", &[]));
    assert!(error.is_err());
    assert!(store.reader.projects(0, 1).unwrap().total == 1, "the reader goes on");
}

#[test]
fn what_cannot_be_reached_or_read_is_named() {
    let store = Postgres::fresh();
    let nowhere = store.connection.replace("dbname=postgres", "dbname=nowhere");
    let error = refusal(&nowhere).to_string();
    assert!(error.contains("nowhere at /") && error.contains("does not exist"), "{error}");
    let none = store.connection.replace("search_path=", "search_path=no_");
    let error = refusal(&none).to_string();
    assert!(error.contains("CREATE SCHEMA"), "{error}");
    let error = refusal("host=/tmp port=high password=hunter2").to_string();
    assert!(error.contains("port") && !error.contains("hunter2"), "{error}");
}

#[test]
fn contexts_of_before_are_found_by_their_service() {
    let mut store = Postgres::with_shop();
    store.change(Change::Context(Box::new(context(1))));
    let Postgres { home, reader, connection } = store;
    drop((home, reader));
    // As it was before change 2, and then that change.
    let before = "DROP INDEX context_service; ALTER TABLE context DROP COLUMN service;";
    let mut client = Client::connect(&connection, NoTls).unwrap();
    client.batch_execute(before).unwrap();
    client.batch_execute(MIGRATIONS[1]).unwrap();
    let (_home, reader) = PostgresHome::open(&connection).unwrap();
    let search = SequenceSearch { services: vec![context(1).service], ..Default::default() };
    let found = reader.search(&project("shop"), &search, &|_| true, Start::Newest, 9).unwrap();
    assert_eq!(found.items.len(), 1);
}
