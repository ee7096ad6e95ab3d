//! Open events and deliveries.

use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType};
use tidegate_core::sequence::{Change, Delivery, Effects, LogEntry, OpenEvent};

use crate::testing::{Fixture, Steps, changes, entries, entry, event, event_id, project, scope};
use crate::{DeliveryRow, OpenEventFilter, Reader as _, Write};

fn open(n: u64, place: &str, event: &Event) -> Change {
    let scope = scope(place);
    let (id, context, kind) = (event.id, event.context, event.kind.clone());
    Change::Open(OpenEvent { id, scope, context, kind, n })
}

fn ids(store: &impl Fixture, filter: &OpenEventFilter) -> Vec<Event> {
    let page = store.reader().open_events(filter, 0, 100).unwrap();
    assert_eq!(page.items.len() as u64, page.total, "{filter:?}");
    page.items
}

pub(crate) fn open_events_come_newest_first_until_closed<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let kind = EventType::new("sh.keptn.event.test.triggered");
    let (first, third) = (event(1), event(3));
    let second = Event { kind: kind.clone(), ..event(2) };
    store.applied(&Effects {
        log: vec![
            entry(1, first.clone()),
            entry(2, second.clone()),
            LogEntry { project: project("other"), ..entry(1, third.clone()) },
        ],
        changes: vec![
            open(1, "shop/qa/carts", &first),
            open(2, "shop/prod/orders", &second),
            open(1, "other/qa/carts", &third),
        ],
        ..Effects::default()
    });
    let all = OpenEventFilter::default;
    let of_first = Some(first.kind.clone());
    let other = scope("shop/prod/orders");
    for (filter, want) in [
        (all(), vec![&third, &second, &first]),
        (OpenEventFilter { kind: Some(kind), ..all() }, vec![&second]),
        (OpenEventFilter { kind: of_first.clone(), ..all() }, vec![&third, &first]),
        (
            OpenEventFilter { project: Some(project("shop")), kind: of_first.clone(), ..all() },
            vec![&first],
        ),
        (OpenEventFilter { stage: Some(other.stage), ..all() }, vec![&second]),
        (OpenEventFilter { service: Some(other.service), ..all() }, vec![&second]),
        (OpenEventFilter { id: Some(third.id), ..all() }, vec![&third]),
        (OpenEventFilter { kind: Some(EventType::new("never.seen")), ..all() }, vec![]),
        (OpenEventFilter { project: Some(project("nowhere")), ..all() }, vec![]),
    ] {
        assert_eq!(ids(&store, &filter).iter().collect::<Vec<_>>(), want, "{filter:?}");
    }
    let one = store.reader().open_events(&all(), 1, 1).unwrap();
    assert_eq!((one.items, one.total, one.next), (vec![second.clone()], 3, Some(2)));
    store.change(Change::Closed(project("shop"), third.id));
    assert_eq!(ids(&store, &all()).len(), 3, "only its own project closes an event");
    store.change(Change::Closed(project("other"), third.id));
    assert_eq!(ids(&store, &all()), [second, first]);
}

fn deliver(n: u64) -> Change {
    deliver_to(BuiltIn::Jobs, n)
}

fn deliver_to(to: BuiltIn, n: u64) -> Change {
    Change::Deliver(Delivery { project: project("shop"), event: event_id(n), n, to })
}

fn waiting(store: &impl Fixture, after: i64) -> Vec<DeliveryRow> {
    store.reader().deliveries(BuiltIn::Jobs, after, 100).unwrap()
}

pub(crate) fn a_delivery_id_is_never_used_again<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries((1..=4).map(|n| entry(n, event(n)))));
    store.applied(&changes([deliver(1), deliver(2)]));
    let both = waiting(&store, 0);
    assert_eq!(both.iter().map(|row| &row.event).collect::<Vec<_>>(), [&event(1), &event(2)]);
    assert!(both[0].id < both[1].id && both.iter().all(|row| row.project == "shop"));
    assert_eq!(waiting(&store, both[0].id), both[1..]);
    assert_eq!(store.reader().deliveries(BuiltIn::Jobs, 0, 1).unwrap(), both[..1]);
    for row in &both {
        store.written(&Write::DeliveryDone(row.id));
    }
    assert_eq!(waiting(&store, 0), []);
    store.change(deliver(3));
    assert!(waiting(&store, 0)[0].id > both[1].id);
}

pub(crate) fn each_part_is_handed_its_own_deliveries<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries((1..=3).map(|n| entry(n, event(n)))));
    store.applied(&changes([
        deliver_to(BuiltIn::Jobs, 1),
        deliver_to(BuiltIn::Gate, 1),
        deliver_to(BuiltIn::Gate, 2),
        deliver_to(BuiltIn::Sli, 3),
    ]));
    let events = |to| {
        let rows = store.reader().deliveries(to, -1, 100).unwrap();
        rows.into_iter().map(|row| row.event.id).collect::<Vec<_>>()
    };
    assert_eq!(events(BuiltIn::Jobs), [event_id(1)]);
    assert_eq!(events(BuiltIn::Gate), [event_id(1), event_id(2)]);
    assert_eq!(events(BuiltIn::Sli), [event_id(3)]);
    assert_eq!(events(BuiltIn::Remediation), []);
    store.change(Change::CancelJobs(project("shop"), event_id(1)));
    for to in [BuiltIn::Jobs, BuiltIn::Gate] {
        assert!(store.reader().deliveries(to, -1, 1).unwrap()[0].cancelled, "each is told");
    }
}

pub(crate) fn a_cancelled_delivery_says_so<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&entries((1..=2).map(|n| entry(n, event(n)))));
    store.applied(&changes([deliver(1), deliver(2)]));
    store.change(Change::CancelJobs(project("shop"), event_id(2)));
    // A task that was never delivered has nothing to cancel.
    store.change(Change::CancelJobs(project("shop"), event_id(7)));
    let cancelled: Vec<bool> = waiting(&store, 0).iter().map(|row| row.cancelled).collect();
    assert_eq!(cancelled, [false, true]);
}
