//! Lanes.

use tidegate_core::sequence::{Change, Deployed, Queue, Queued, View as _};

use crate::Reader as _;
use crate::testing::{Fixture, Steps, at, changes, context_id, event_id, execution_id, scope};

pub(crate) fn the_least_position_is_the_front_of_ten_thousand<F: Fixture>() {
    let mut store = F::with_shop();
    let lane = scope("shop/qa/carts");
    let queued = |n: u64| Queued { position: n, execution: execution_id(n) };
    // 7,919 is prime, so every position comes once, and none in order.
    let positions = (0..10_000_u64).map(|n| n * 7_919 % 10_000 + 1);
    store.applied(&changes(
        positions.map(|n| Change::Join(lane.clone(), Queue::Waiting, n, execution_id(n))),
    ));
    store.change(Change::Join(lane.clone(), Queue::Ready, 20_000, execution_id(20_000)));
    for n in 1..=3 {
        let head = store.home().lane(&lane).unwrap();
        assert_eq!((head.waiting, head.ready), (Some(queued(n)), Some(queued(20_000))));
        store.change(Change::Leave(lane.clone(), Queue::Waiting, n));
    }
    store.change(Change::Leave(lane.clone(), Queue::Ready, 20_000));
    store.change(Change::Holder(lane.clone(), Some(execution_id(3))));
    let head = store.home().lane(&lane).unwrap();
    assert_eq!((head.holder, head.ready), (Some(execution_id(3)), None));
    assert_eq!(head.waiting, Some(queued(4)));
}

pub(crate) fn an_unknown_lane_is_empty<F: Fixture>() {
    let mut store = F::with_shop();
    store.change(Change::Holder(scope("shop/qa/carts"), Some(execution_id(1))));
    for other in ["shop/qa/orders", "shop/prod/carts", "shop/carts/qa", "nowhere/qa/carts"] {
        let head = store.home().lane(&scope(other)).unwrap();
        assert!(head.holder.is_none() && head.ready.is_none() && head.waiting.is_none());
        assert!(head.deployed.is_empty());
    }
}

pub(crate) fn what_runs_reads_back_equal<F: Fixture>() {
    let mut store = F::with_shop();
    let lane = scope("shop/qa/carts");
    let deployed = |n: i64| Deployed {
        image: format!("carts:{n}"),
        context: context_id(1),
        event: event_id(2),
        at: at(n),
        overridden: (n == 2).then(|| event_id(3)),
    };
    for rows in [vec![deployed(1)], vec![deployed(1), deployed(2)], vec![]] {
        store.change(Change::Deployed(lane.clone(), rows.clone()));
        assert_eq!(store.home().lane(&lane).unwrap().deployed, rows);
        let read = store.reader().deployed(&lane.project, &lane.stage, &lane.service).unwrap();
        assert_eq!(read, rows);
    }
    let other = scope("shop/prod/carts");
    assert_eq!(store.reader().deployed(&other.project, &other.stage, &other.service).unwrap(), []);
}
