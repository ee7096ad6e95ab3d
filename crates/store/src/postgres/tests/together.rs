//! Several servers on one store.

use std::thread;
use std::time::Duration;

use tidegate_core::sequence::View as _;

use crate::postgres::connect::{Purpose, Target};
use crate::postgres::{Patience, PostgresHome, commit};
use crate::testing::{SHIPYARD, Steps as _, apply, commit_id, entries, entry, event, project};
use crate::{Home as _, Reader as _, Write};

use super::Postgres;
use super::server::Server;

const SERVERS: u64 = 4;
const TRANSACTIONS: u64 = 25;
const ENTRIES: u64 = 3;

#[test]
fn transactions_of_several_servers_never_interleave() {
    let store = Postgres::with_shop();
    thread::scope(|scope| {
        for server in 1..=SERVERS {
            let connection = &store.connection;
            scope.spawn(move || {
                let (mut home, reader) = PostgresHome::open(connection).unwrap();
                for transaction in 0..TRANSACTIONS {
                    home.begin().unwrap();
                    let last = home.project(&project("shop")).unwrap().unwrap().last;
                    let first = (server * TRANSACTIONS + transaction) * ENTRIES;
                    for i in 0..ENTRIES {
                        let entry = entry(last + 1 + i, event(first + i));
                        apply(&mut home, &entries([entry])).unwrap();
                    }
                    home.commit().unwrap();
                    assert!(reader.event(event(first).id).unwrap().is_some());
                }
            });
        }
    });
    let trace = store.reader.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
    let numbers: Vec<u64> = trace.iter().map(|row| row.n).collect();
    assert_eq!(numbers, (1..=SERVERS * TRANSACTIONS * ENTRIES).collect::<Vec<_>>());
    for rows in trace.chunks(usize::try_from(ENTRIES).unwrap()) {
        let first = rows[0].event.id.uuid().as_u128();
        let ids: Vec<u128> = rows.iter().map(|row| row.event.id.uuid().as_u128()).collect();
        assert_eq!(ids, [first, first + 1, first + 2]);
    }
}

#[test]
fn what_one_server_acknowledged_is_seen_by_the_others_at_once() {
    let mut store = Postgres::with_shop();
    let (mut other, reader) = PostgresHome::open(&store.connection).unwrap();
    for n in (1..=20).step_by(2) {
        store.applied(&entries([entry(n, event(n))]));
        assert!(reader.event(event(n).id).unwrap().is_some());
        assert_eq!(other.project(&project("shop")).unwrap().unwrap().last, n);
        other.begin().unwrap();
        apply(&mut other, &entries([entry(n + 1, event(n + 1))])).unwrap();
        other.commit().unwrap();
        assert!(store.reader.event(event(n + 1).id).unwrap().is_some());
    }
    // A shipyard that was parsed before must not hide what another server has written since.
    let text = SHIPYARD.replace("name: qa", "name: prod");
    assert!(other.project(&project("shop")).unwrap().unwrap().shipyard.is_some());
    store.written(&Write::Snapshot { project: project("shop"), commit: commit_id(1), text });
    let (_, shipyard) = other.project(&project("shop")).unwrap().unwrap().shipyard.unwrap();
    assert_eq!(shipyard.stages[0].name, "prod");
}

#[test]
fn servers_that_start_together_make_one_store() {
    let connection = Server::shared().schema();
    let opened = thread::scope(|scope| {
        let open = || PostgresHome::open(&connection).map(drop);
        let openings: Vec<_> = (0..SERVERS).map(|_| scope.spawn(open)).collect();
        openings.into_iter().map(|opening| opening.join().unwrap()).collect::<Vec<_>>()
    });
    for opened in opened {
        opened.unwrap();
    }
}

#[test]
fn a_server_that_stands_still_stops_nobody_for_long() {
    let mut store = Postgres::with_shop();
    let patience = Patience { idle: Duration::from_millis(50), ..Patience::default() };
    let target = Target::parse(&store.connection, patience).unwrap();
    let still = target.connect(Purpose::Write).unwrap();
    commit::begin(&still).unwrap();
    store.applied(&entries([entry(1, event(1))]));
    assert!(still.batch("SELECT 1").is_err(), "its transaction was undone");
}
