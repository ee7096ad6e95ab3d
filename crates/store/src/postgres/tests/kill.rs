//! A server that is killed loses nothing that it has acknowledged.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tidegate_core::sequence::View as _;

use crate::postgres::PostgresHome;
use crate::testing::{Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, Reader as _, StoreError};

use super::server::Server;
use super::{Postgres, process};

const SEED: u64 = 0x7469_6465;
const ROUNDS: u64 = 12;
/// A transaction has four moments; the blow is aimed at one of the first of a round.
const MOMENTS_MAX: u64 = 60;

/// Numbers without a pattern from a seed (`SplitMix64`).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One transaction that appends `id`; `now` tells at which moment it is.
fn append(home: &mut PostgresHome, id: u64, now: impl Fn()) -> Result<(), StoreError> {
    let done = (|| {
        now();
        home.begin()?;
        now();
        let head = home
            .project(&project("shop"))
            .map_err(|error| StoreError::Unavailable { what: error.what, why: error.why })?;
        apply(home, &entries([entry(head.unwrap().last + 1, event(id))]))?;
        now();
        Ok(())
    })();
    let committed = done.and_then(|()| home.commit());
    home.rollback();
    now();
    committed
}

#[test]
fn what_a_killed_server_acknowledged_is_there_once() {
    let server = Server::start();
    let mut store = Postgres::on(&server);
    store.make_project("shop");
    let Postgres { mut home, reader, .. } = store;
    let (mut seed, mut id) = (SEED, 0);
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let kill = format!("kill -KILL {}", process(&home));
        let mut wrong = Vec::new();
        let moment = AtomicU64::new(0);
        let struck = AtomicBool::new(false);
        let aim = random(&mut seed) % MOMENTS_MAX + 1;
        let spin = random(&mut seed) % 2_000;
        thread::scope(|scope| {
            scope.spawn(|| {
                while moment.load(Ordering::SeqCst) < aim {
                    std::hint::spin_loop();
                }
                // The blow shall fall at any point of what follows, not only at its beginning.
                for _ in 0..spin {
                    std::hint::spin_loop();
                }
                if round % 2 == 0 {
                    server.crash();
                } else {
                    server.run(&kill);
                }
                struck.store(true, Ordering::SeqCst);
            });
            // Goes on until something is written again behind the blow.
            let mut again = false;
            while !again && wrong.is_empty() {
                id += 1;
                let after = struck.load(Ordering::SeqCst);
                let now = || {
                    moment.fetch_add(1, Ordering::SeqCst);
                };
                match append(&mut home, id, now) {
                    Ok(()) => {
                        acknowledged.push(event(id));
                        again = after;
                    }
                    Err(StoreError::Unavailable { .. }) => refused.push(event(id)),
                    Err(error) => wrong.push(error),
                }
            }
            // Nobody waits for a moment that does not come.
            moment.store(MOMENTS_MAX, Ordering::SeqCst);
        });
        assert!(wrong.is_empty(), "seed {SEED:x}, round {round}: {wrong:?}");
        let trace = reader.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
        let there: Vec<_> = trace.into_iter().map(|row| row.event).collect();
        assert!(there == acknowledged, "seed {SEED:x}, round {round}");
        assert!(refused.iter().all(|event| !there.contains(event)));
    }
    let (written, not_written) = (acknowledged.len() as u64, refused.len() as u64);
    assert!(written > ROUNDS && not_written > 0, "{written} and {not_written}");
}
