//! Approvals.

use tidegate_core::approval::{Approval, ApprovalState as Stands};
use tidegate_core::sequence::{Change, View as _};

use crate::testing::{
    Fixture, Steps, approval, approved, at, changes, context_id, event_id, project, scope,
};
use crate::{ApprovalFilter, ApprovalState, Reader as _};

fn put(approval: &Approval) -> Change {
    Change::Approval(Box::new(approval.clone()))
}

fn closed(approval: Approval, seconds: i64) -> Approval {
    let state = Stands::Closed { reason: "aborted".to_owned(), at: at(seconds) };
    Approval { state, ..approval }
}

fn asked(store: &impl Fixture, filter: &ApprovalFilter) -> Vec<u64> {
    let page = store.reader().approvals(filter, 0, 100).unwrap();
    assert_eq!(page.items.len() as u64, page.total, "{filter:?}");
    page.items.iter().map(|approval| approval.n).collect()
}

pub(crate) fn an_approval_reads_back_equal_in_every_state<F: Fixture>() {
    let mut store = F::with_shop();
    let open = approval(1, "shop/qa/carts");
    for row in [open.clone(), approved(open.clone(), 2), closed(open, 3)] {
        store.change(put(&row));
        assert_eq!(store.home().approval(&project("shop"), row.id).unwrap().as_ref(), Some(&row));
        assert_eq!(store.reader().approval(row.id).unwrap().as_ref(), Some(&row));
        assert_eq!(asked(&store, &ApprovalFilter::default()), [1]);
    }
    assert_eq!(store.reader().approval(event_id(2)).unwrap(), None);
}

pub(crate) fn open_ones_come_in_the_order_asked<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    // The clock may be set back between two questions.
    let late = Approval { asked_at: at(500), ..approval(1, "shop/qa/carts") };
    for row in [late, approval(2, "other/qa/carts"), approval(3, "shop/qa/carts")] {
        store.change(put(&row));
    }
    store.change(put(&approved(approval(2, "other/qa/carts"), 9)));
    let open = ApprovalFilter { state: Some(ApprovalState::Open), ..ApprovalFilter::default() };
    assert_eq!(asked(&store, &open), [1, 3]);
    assert_eq!(asked(&store, &ApprovalFilter::default()), [1, 2, 3]);
    let first = store.reader().approvals(&open, 0, 1).unwrap();
    assert_eq!((first.items.len(), first.total, first.next), (1, 2, Some(1)));
}

pub(crate) fn decided_ones_come_newest_decision_first<F: Fixture>() {
    let mut store = F::with_shop();
    for n in 1..=3 {
        store.change(put(&approval(n, "shop/qa/carts")));
    }
    for (n, seconds) in [(2, 10), (1, 20), (3, 30)] {
        store.change(put(&approved(approval(n, "shop/qa/carts"), seconds)));
    }
    let decided =
        ApprovalFilter { state: Some(ApprovalState::Decided), ..ApprovalFilter::default() };
    assert_eq!(asked(&store, &decided), [3, 1, 2]);
    let of_shop = ApprovalFilter { project: Some(project("shop")), ..decided };
    assert_eq!(asked(&store, &of_shop), [3, 1, 2]);
}

pub(crate) fn the_newest_of_a_place_come_newest_first<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let places = ["shop/qa/carts", "shop/prod/carts", "shop/qa/orders", "other/qa/carts"];
    for n in 1..=12 {
        store.change(put(&approval(n, places[n as usize % 4])));
    }
    for (n, seconds) in [(8, 10), (4, 20)] {
        store.change(put(&approved(approval(n, places[0]), seconds)));
    }
    let newest = |place: &str, state, limit| {
        let found = store.reader().newest_approvals(&scope(place), state, limit).unwrap();
        found.iter().map(|approval| approval.n).collect::<Vec<_>>()
    };
    assert_eq!(newest(places[1], ApprovalState::Open, 10), [9, 5, 1]);
    assert_eq!(newest(places[1], ApprovalState::Open, 2), [9, 5]);
    assert_eq!(newest(places[0], ApprovalState::Open, 10), [12]);
    assert_eq!(newest(places[0], ApprovalState::Decided, 10), [4, 8], "the last decision first");
    assert_eq!(newest("shop/qa/nothing", ApprovalState::Open, 10), [] as [u64; 0]);
    assert_eq!(newest("nowhere/qa/carts", ApprovalState::Open, 10), [] as [u64; 0]);
}

pub(crate) fn each_approval_filter_narrows_and_totals_agree<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let places = ["shop/qa/carts", "shop/prod/carts", "shop/qa/orders", "other/qa/carts"];
    store.applied(&changes((1..=4).zip(places).map(|(n, place)| put(&approval(n, place)))));
    store.change(put(&closed(approval(3, places[2]), 5)));
    let shop = || ApprovalFilter { project: Some(project("shop")), ..ApprovalFilter::default() };
    let (prod, orders) = (scope(places[1]).stage, scope(places[2]).service);
    let table = [
        (shop(), vec![1, 2, 3]),
        (ApprovalFilter { stage: Some(prod), ..shop() }, vec![2]),
        (ApprovalFilter { service: Some(orders), ..shop() }, vec![3]),
        (ApprovalFilter { context: Some(context_id(4)), ..ApprovalFilter::default() }, vec![4]),
        (ApprovalFilter { project: Some(project("nowhere")), ..shop() }, vec![]),
    ];
    let every = [ApprovalState::Open, ApprovalState::Closed, ApprovalState::Decided];
    for (filter, want) in table {
        assert_eq!(asked(&store, &filter), want, "{filter:?}");
        for state in every {
            let kept = |n: &u64| match state {
                ApprovalState::Open => *n != 3,
                ApprovalState::Closed => *n == 3,
                ApprovalState::Decided => false,
            };
            let want: Vec<u64> = want.iter().copied().filter(kept).collect();
            let filter = ApprovalFilter { state: Some(state), ..filter.clone() };
            assert_eq!(asked(&store, &filter), want, "{filter:?}");
        }
    }
}
