//! Timers, follow-ons that wait, and inputs that were put aside.

use tidegate_core::names::SequenceName;
use tidegate_core::sequence::{Change, Command, Control, FollowOn, Timer};

use crate::testing::{
    Fixture, Steps, at, changes, context_id, event, event_id, execution_id, person, project, scope,
};
use crate::{Home as _, QuarantineRow, Reader as _, TimerRow, Write};

fn delay(n: u64) -> Timer {
    Timer::Delay(execution_id(n))
}

fn unstarted(n: u64) -> Timer {
    Timer::Unstarted(event_id(n))
}

fn set(timer: Timer, seconds: i64) -> Change {
    Change::Timer(project("shop"), timer, at(seconds))
}

fn due(store: &impl Fixture, expiries: bool, limit: u64) -> Vec<Timer> {
    let rows = store.reader().timers(expiries, limit).unwrap();
    rows.into_iter().map(|row| row.timer).collect()
}

pub(crate) fn timers_come_earliest_first_and_are_replaced<F: Fixture>() {
    let mut store = F::with_shop();
    store.applied(&changes([set(delay(1), 30), set(delay(2), 20), set(delay(3), 10)]));
    store.change(set(delay(2), 40));
    store.change(Change::TimerGone(project("shop"), delay(3)));
    assert_eq!(due(&store, true, 9), [delay(1), delay(2)]);
    assert_eq!(due(&store, true, 1), [delay(1)]);
    let first = TimerRow { due: at(30), project: project("shop"), timer: delay(1) };
    assert_eq!(store.reader().timers(true, 1).unwrap(), [first]);
    // Nobody is woken before the time: what cannot be kept exactly is rounded up.
    let odd = "2026-11-24T10:00:00.000000001Z".parse().unwrap();
    store.change(Change::Timer(project("shop"), delay(4), odd));
    let rows = store.reader().timers(true, 9).unwrap();
    let found = rows.iter().find(|row| row.timer == delay(4)).unwrap();
    assert!(found.due >= odd && found.due.duration_since(odd).as_nanos() < 1_000);
}

pub(crate) fn expiries_are_left_out_where_they_are_not_asked_for<F: Fixture>() {
    let mut store = F::with_shop();
    let unmeasured = Timer::Unmeasured(event_id(1));
    store.applied(&changes([set(unstarted(1), 10), set(delay(1), 20), set(unmeasured, 25)]));
    store.change(set(unstarted(2), 30));
    assert_eq!(due(&store, true, 9), [unstarted(1), delay(1), unmeasured, unstarted(2)]);
    assert_eq!(due(&store, true, 2), [unstarted(1), delay(1)]);
    assert_eq!(due(&store, false, 9), [delay(1)]);
    store.written(&Write::DropTimer(unstarted(1)));
    assert_eq!(due(&store, true, 1), [delay(1)]);
}

fn follow_ons() -> Vec<FollowOn> {
    let command = Command {
        control: Control::Pause,
        project: project("shop"),
        context: context_id(1),
        stage: Some(scope("shop/qa/carts").stage),
        after: 7,
    };
    vec![
        FollowOn::Triggered { event: event(1), scope: scope("shop/qa/carts"), by: person("ada") },
        FollowOn::Admit { lane: scope("shop/qa/carts") },
        FollowOn::Control(command),
    ]
}

pub(crate) fn what_is_deferred_comes_back_once_and_in_order<F: Fixture>() {
    let mut store = F::with_shop();
    let home = store.home();
    home.begin().unwrap();
    for follow_on in follow_ons() {
        home.defer(&follow_on, &person("grace")).unwrap();
    }
    home.commit().unwrap();
    assert!(store.reader().has_deferred().unwrap());
    for want in follow_ons() {
        let home = store.home();
        home.begin().unwrap();
        let taken = home.take_deferred().unwrap().unwrap();
        assert_eq!((taken.follow_on, taken.by), (want.clone(), person("grace")));
        home.rollback();
        home.begin().unwrap();
        assert_eq!(
            home.take_deferred().unwrap().unwrap().follow_on,
            want,
            "undone, so still there"
        );
        home.commit().unwrap();
    }
    assert!(!store.reader().has_deferred().unwrap());
    store.home().begin().unwrap();
    assert_eq!(store.home().take_deferred().unwrap(), None);
    store.home().rollback();
}

pub(crate) fn what_is_put_aside_comes_newest_first<F: Fixture>() {
    let mut store = F::with_shop();
    let row = |n: i64| QuarantineRow {
        at: at(n),
        project: project("shop"),
        name: SequenceName::new("finished").unwrap().to_string(),
        by: person("ada"),
        reference: format!("{n:012}"),
        cause: "a panic \u{0} with odd text".to_owned(),
        payload: "{}".to_owned(),
    };
    for n in [1, 2] {
        store.written(&Write::Quarantine(row(n)));
    }
    let page = store.reader().quarantined(0, 9).unwrap();
    assert_eq!((page.items, page.total), (vec![row(2), row(1)], 2));
    assert_eq!(store.reader().quarantined(1, 9).unwrap().items, [row(1)]);
}
