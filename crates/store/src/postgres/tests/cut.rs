//! Connections that break, in the middle of commits above all.

use std::time::Duration;

use tidegate_core::sequence::View as _;

use crate::postgres::{Patience, PostgresHome};
use crate::testing::{Steps as _, apply, entries, entry, event, project};
use crate::{Home as _, Reader as _, StoreError};

use super::Postgres;
use super::proxy::{Cut, Proxy};
use super::server::Server;

/// A store, a home that reaches it through a proxy, and that proxy.
fn through_a_proxy(patience: Patience) -> (Postgres, PostgresHome, Proxy) {
    let store = Postgres::with_shop();
    let proxy = Proxy::start(Server::shared().socket());
    let through = proxy.through(&store.connection);
    let (home, _) = PostgresHome::open_with(&through, patience).unwrap();
    (store, home, proxy)
}

/// Appends event `id` as the next entry, with these cuts on the way of its commit.
fn append(home: &mut PostgresHome, id: u64, proxy: &Proxy, cuts: &[Cut]) -> Result<(), StoreError> {
    home.begin()?;
    let n = home.project(&project("shop")).unwrap().unwrap().last + 1;
    apply(home, &entries([entry(n, event(id))]))?;
    proxy.plan(cuts.iter().copied());
    home.commit()
}

fn is_there(store: &Postgres, id: u64) -> bool {
    store.reader.event(event(id).id).unwrap().is_some()
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up() {
    let (store, mut home, proxy) = through_a_proxy(Patience::default());
    // The answer has 18 bytes: 12 say that it was done, 6 that the server is ready.
    let cuts = [
        Cut::Before,
        Cut::Behind,
        Cut::Answer(0),
        Cut::Answer(1),
        Cut::Answer(7),
        Cut::Answer(12),
        Cut::Answer(17),
    ];
    let (mut written, mut not_written) = (0, 0);
    for (id, cut) in (1..).zip(cuts.into_iter().cycle().take(10 * cuts.len())) {
        let before = proxy.cuts();
        let committed = append(&mut home, id, &proxy, &[cut]);
        assert_eq!(proxy.cuts(), before + 1, "{cut:?}");
        match &committed {
            Ok(()) => written += 1,
            Err(StoreError::Unavailable { .. }) => not_written += 1,
            Err(error) => panic!("{cut:?}: {error}"),
        }
        assert_eq!(committed.is_ok(), is_there(&store, id), "{cut:?}: {committed:?}");
        match cut {
            Cut::Before => assert!(committed.is_err()),
            Cut::Answer(_) => assert!(committed.is_ok()),
            Cut::Behind | Cut::Statement => {}
        }
    }
    assert!(written >= 50 && not_written >= 10, "{written} and {not_written}");
    let trace = store.reader.trace(&project("shop"), event(1).context, u64::MAX).unwrap();
    let numbers: Vec<u64> = trace.iter().map(|row| row.n).collect();
    assert_eq!(numbers, (1..=written).collect::<Vec<_>>(), "none twice, and no gaps");
}

#[test]
fn looking_up_goes_on_when_the_connection_breaks_again() {
    let (store, mut home, proxy) = through_a_proxy(Patience::default());
    let again = [Cut::Answer(0), Cut::Before, Cut::Answer(3), Cut::Behind];
    append(&mut home, 1, &proxy, &again).unwrap();
    assert!(is_there(&store, 1));
    let lost = append(&mut home, 2, &proxy, &[Cut::Before, Cut::Before, Cut::Answer(9)]);
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{lost:?}");
    assert!(!is_there(&store, 2));
    assert_eq!(proxy.cuts(), 7);
    append(&mut home, 3, &proxy, &[]).unwrap();
}

#[test]
fn a_connection_that_breaks_before_the_commit_leaves_nothing() {
    let (store, mut home, proxy) = through_a_proxy(Patience::default());
    home.begin().unwrap();
    apply(&mut home, &entries([entry(1, event(1))])).unwrap();
    proxy.plan([Cut::Statement]);
    let lost = apply(&mut home, &entries([entry(2, event(2))]));
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{lost:?}");
    let committed = home.commit();
    assert!(matches!(committed, Err(StoreError::Unavailable { .. })), "{committed:?}");
    assert!(!is_there(&store, 1) && !is_there(&store, 2));
    append(&mut home, 3, &proxy, &[]).unwrap();
    // This one breaks in the statement that stands before the commit.
    let lost = append(&mut home, 4, &proxy, &[Cut::Statement]);
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{lost:?}");
    append(&mut home, 5, &proxy, &[]).unwrap();
    assert_eq!([3, 4, 5].map(|id| is_there(&store, id)), [true, false, true]);
}

#[test]
fn a_step_that_could_not_read_is_not_taken_for_the_culprit() {
    let (_store, mut home, proxy) = through_a_proxy(Patience::default());
    home.begin().unwrap();
    proxy.plan([Cut::Statement]);
    home.project(&project("shop")).unwrap_err();
    home.rollback();
    // Whoever would do the rest again, without that step, is told first.
    let told = home.begin();
    assert!(matches!(told, Err(StoreError::Unavailable { .. })), "{told:?}");
    append(&mut home, 1, &proxy, &[]).unwrap();
    // Whoever commits is told by that.
    home.begin().unwrap();
    proxy.plan([Cut::Statement]);
    home.project(&project("shop")).unwrap_err();
    assert!(matches!(home.commit(), Err(StoreError::Unavailable { .. })));
    append(&mut home, 2, &proxy, &[]).unwrap();
}

#[test]
fn a_connection_that_broke_while_it_was_idle_is_made_again() {
    let (store, mut home, proxy) = through_a_proxy(Patience::default());
    for id in 1..=3 {
        proxy.plan([Cut::Statement]);
        append(&mut home, id, &proxy, &[]).unwrap();
        assert!(is_there(&store, id));
    }
    assert_eq!(proxy.cuts(), 3);
}

#[test]
fn an_outcome_that_cannot_be_learnt_in_time_is_fatal() {
    let settle = Duration::from_millis(200);
    let patience = Patience { begin: settle, settle, ..Patience::default() };
    let (_store, mut home, proxy) = through_a_proxy(patience);
    home.begin().unwrap();
    proxy.plan([Cut::Answer(0)]);
    proxy.turn_away(true);
    let error = home.commit().unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown(_)) && error.is_fatal(), "{error:?}");
}

#[test]
fn a_server_that_is_away_is_an_error_that_passes() {
    let patience = Patience { begin: Duration::from_millis(100), ..Patience::default() };
    let (store, mut home, proxy) = through_a_proxy(patience);
    proxy.turn_away(true);
    proxy.plan([Cut::Statement]);
    for _ in 0..2 {
        let error = home.begin().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && !error.is_fatal(), "{error:?}");
    }
    proxy.turn_away(false);
    append(&mut home, 1, &proxy, &[]).unwrap();
    assert!(is_there(&store, 1));
}

#[test]
fn readers_come_back_after_their_connection_broke() {
    let (store, mut home, proxy) = through_a_proxy(Patience::default());
    append(&mut home, 1, &proxy, &[]).unwrap();
    let through = proxy.through(&store.connection);
    let (_home, reader) = PostgresHome::open(&through).unwrap();
    for _ in 0..8 {
        assert!(reader.event(event(1).id).unwrap().is_some());
        proxy.plan([Cut::Statement]);
    }
}
