//! What is counted for those who watch.

use tidegate_core::approval::{Approval, ApprovalState as Stands};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::sequence::{
    Change, Context, ContextState, Delivery, Effects, FollowOn, Queue, Timer,
};

use crate::testing::{
    Fixture, Steps, approval, approved, at, changes, context, context_id, entry, event, event_id,
    execution_id, person, project, scope,
};
use crate::{Census, Home as _, Reader as _, WAITING_AGES, Waiting, Write};

/// On a full minute.
const NOON: i64 = 1_820;

fn census(store: &impl Fixture) -> Census {
    store.reader().census(at(NOON)).unwrap()
}

/// An approval that was asked so many seconds before noon.
fn asked(n: u64, place: &str, before: u64) -> Approval {
    Approval { asked_at: at(NOON - before.cast_signed()), ..approval(n, place) }
}

fn put(approval: &Approval) -> Change {
    Change::Approval(Box::new(approval.clone()))
}

fn closed(approval: Approval) -> Approval {
    let state = Stands::Closed { reason: "aborted".to_owned(), at: at(NOON) };
    Approval { state, ..approval }
}

fn place(waiting: &Waiting) -> (&ProjectName, &StageName, u64) {
    (&waiting.project, &waiting.stage, waiting.count)
}

pub(crate) fn open_approvals_are_counted_by_stage_and_age<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    assert_eq!(census(&store), Census::default());
    let [quarter, hour, four, ..] = WAITING_AGES.map(|age| age.as_secs());
    for row in [
        asked(1, "shop/prod/carts", four + 30),
        asked(2, "shop/prod/orders", quarter),
        asked(3, "shop/prod/carts", quarter - 60),
        asked(4, "shop/qa/carts", hour),
        asked(5, "other/qa/carts", 0),
    ] {
        store.change(put(&row));
        // One that is written again is the same one.
        store.change(put(&row));
    }
    let waiting = census(&store).waiting;
    let (shop, other) = (project("shop"), project("other"));
    let (prod, qa) = (scope("shop/prod/carts").stage, scope("shop/qa/carts").stage);
    let places: Vec<_> = waiting.iter().map(place).collect();
    assert_eq!(places, [(&other, &qa, 1), (&shop, &prod, 3), (&shop, &qa, 1)]);
    assert_eq!(waiting[1].longer, [2, 1, 1, 0, 0]);
    assert_eq!(waiting[1].oldest, at(NOON - four.cast_signed() - 60), "to the minute");
    assert_eq!(waiting[2].longer, [1, 1, 0, 0, 0]);
    store.change(put(&closed(asked(1, "shop/prod/carts", four + 30))));
    store.change(put(&approved(asked(2, "shop/prod/orders", quarter), NOON)));
    // Once more: what waits no longer is not counted off twice.
    store.change(put(&approved(asked(2, "shop/prod/orders", quarter), NOON)));
    store.change(put(&approved(asked(5, "other/qa/carts", 0), NOON)));
    let waiting = census(&store).waiting;
    assert_eq!(waiting.iter().map(place).collect::<Vec<_>>(), [(&shop, &prod, 1), (&shop, &qa, 1)]);
    assert_eq!(waiting[0].longer, [0; 5]);
}

pub(crate) fn contexts_under_way_are_counted_by_state<F: Fixture>() {
    let mut store = F::with_shop();
    let with = |n, state| Change::Context(Box::new(Context { state, ..context(n) }));
    use ContextState::{Aborted, Finished, Paused, Started, TimedOut, Triggered, Waiting};
    let rows =
        [(1, Triggered), (2, Started), (3, Waiting), (4, Paused), (5, Started), (6, Finished)];
    store.applied(&changes(rows.map(|(n, state)| with(n, state))));
    let shop = project("shop");
    let of = |state, count| (shop.clone(), state, count);
    assert_eq!(
        census(&store).under_way,
        [of(Paused, 1), of(Started, 2), of(Triggered, 1), of(Waiting, 1)]
    );
    let moved = [(1, Started), (2, Aborted), (3, TimedOut), (4, Started), (6, Triggered)];
    store.applied(&changes(moved.map(|(n, state)| with(n, state))));
    assert_eq!(census(&store).under_way, [of(Started, 3), of(Triggered, 1)]);
}

pub(crate) fn what_waits_for_a_time_or_for_somebody_is_counted<F: Fixture>() {
    let mut store = F::with_shop();
    let deliver = |id, n| {
        Change::Deliver(Delivery {
            project: project("shop"),
            event: event_id(id),
            n,
            to: BuiltIn::Jobs,
        })
    };
    let timer = |timer, seconds| Change::Timer(project("shop"), timer, at(seconds));
    let join = |place, queue, n| Change::Join(scope(place), queue, n, execution_id(n));
    store.applied(&Effects {
        log: vec![entry(1, event(7)), entry(2, event(9))],
        ..changes([
            deliver(7, 1),
            deliver(9, 2),
            timer(Timer::Delay(execution_id(1)), NOON),
            timer(Timer::Unstarted(event_id(1)), NOON - 1),
            timer(Timer::Unstarted(event_id(2)), NOON + 1),
            join("shop/qa/carts", Queue::Waiting, 1),
            join("shop/qa/carts", Queue::Waiting, 2),
            join("shop/prod/carts", Queue::Ready, 3),
        ])
    });
    store.home().begin().unwrap();
    let lane = scope("shop/qa/carts");
    store.home().defer(&FollowOn::Admit { lane }, &person("ada")).unwrap();
    store.home().commit().unwrap();
    let found = census(&store);
    assert_eq!((found.deliveries, found.oldest_delivery), (2, Some(event(7).time)));
    assert_eq!((found.timers_due, found.lanes_waiting, found.deferred), (2, 2, 1));
    assert_eq!((found.sagas, found.quarantined), (0, 0));
    let first = store.reader().deliveries(BuiltIn::Jobs, -1, 1).unwrap().remove(0);
    assert_eq!(first.event.context, context_id(1));
    store.written(&Write::DeliveryDone(first.id));
    assert_eq!(census(&store).oldest_delivery, Some(event(9).time));
}
