//! Searching contexts: what narrows, how pages follow each other, and where a search gives up.

use tidegate_core::names::{SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Change, Context, ContextState, EventRef, Override, StageState};

use crate::testing::{
    Fixture, Steps, at, changes, context, context_id, event_id, person, project, scope,
};
use crate::{Found, LineRow, Position, Reader as _, SEARCHED_MAX, SequenceSearch, Start};

fn put(context: &Context) -> Change {
    Change::Context(Box::new(context.clone()))
}

fn stage(name: &str, image: &str) -> StageState {
    StageState {
        name: StageName::new(name).unwrap(),
        image: Some(image.to_owned()),
        latest_evaluation: None,
        latest_event: None,
        latest_failed_event: None,
        state: String::new(),
        overridden: None,
    }
}

fn page(store: &impl Fixture, search: &SequenceSearch, start: Start, limit: u64) -> Found {
    let all = |_: &Context| true;
    let found = store.reader().search(&project("shop"), search, &all, start, limit).unwrap();
    for pair in found.items.windows(2) {
        assert!(pair[0].0 > pair[1].0, "newest first: {pair:?}");
    }
    found
}

/// The numbers of the contexts that were found.
fn numbers(found: &Found) -> Vec<u64> {
    let number = |id: &[u8; 16]| u64::from_be_bytes(id[8..].try_into().unwrap());
    found.items.iter().map(|(_, context)| number(context.id.as_bytes())).collect()
}

pub(crate) fn each_part_of_a_search_narrows<F: Fixture>() {
    let mut store = F::with_shop();
    let (orders, nightly) =
        (ServiceName::new("orders").unwrap(), SequenceName::new("nightly").unwrap());
    let broken = EventRef { kind: "x".to_owned(), id: event_id(1), time: at(1) };
    let broken = StageState { latest_failed_event: Some(broken), ..stage("qa", "acme/x:1") };
    let over = Override { approval: event_id(2), failed: Some(event_id(1)) };
    let over = StageState { overridden: Some(over), ..stage("qa", "acme/orders:1") };
    let rows = [
        Context { stages: vec![broken], ..context(1) },
        Context { service: orders.clone(), stages: vec![over], ..context(2) },
        Context {
            name: nightly.clone(),
            state: ContextState::Finished,
            triggered_by: person("grace"),
            stages: vec![stage("qa", "acme/carts:1"), stage("prod", "acme/carts:1")],
            ..context(3)
        },
        Context {
            labels: [("build".to_owned(), "8".to_owned()), ("q".to_owned(), "\"\\é".to_owned())]
                .into(),
            problem_title: Some("Disk Full".to_owned()),
            ..context(4)
        },
    ];
    store.applied(&changes(rows.iter().map(put)));
    let all = SequenceSearch::default;
    let label = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let text = |text: &str| Some(text.to_owned());
    for (search, want) in [
        (all(), vec![4, 3, 2, 1]),
        (SequenceSearch { services: vec![orders.clone()], ..all() }, vec![2]),
        (SequenceSearch { services: vec![orders, context(1).service], ..all() }, vec![4, 3, 2, 1]),
        (SequenceSearch { stages: vec![StageName::new("prod").unwrap()], ..all() }, vec![3]),
        (SequenceSearch { names: vec![nightly], ..all() }, vec![3]),
        (SequenceSearch { states: vec![ContextState::Finished], ..all() }, vec![3]),
        (
            SequenceSearch { states: vec![ContextState::Started, ContextState::Finished], ..all() },
            vec![4, 3, 2, 1],
        ),
        (SequenceSearch { faulty: true, ..all() }, vec![1]),
        (SequenceSearch { overridden: true, ..all() }, vec![2]),
        (SequenceSearch { labels: label("build", "8"), ..all() }, vec![4]),
        (SequenceSearch { labels: label("q", "\"\\é"), ..all() }, vec![4]),
        (SequenceSearch { labels: label("build", ""), ..all() }, vec![]),
        (SequenceSearch { by: text("GRACE"), ..all() }, vec![3]),
        (SequenceSearch { from: Some(at(2)), before: Some(at(4)), ..all() }, vec![3, 2]),
        (SequenceSearch { text: text("acme/CARTS"), ..all() }, vec![3]),
        (SequenceSearch { text: text("disk f"), ..all() }, vec![4]),
        (SequenceSearch { text: text(&context_id(2).to_string()), ..all() }, vec![2]),
        (SequenceSearch { services: vec![ServiceName::new("none").unwrap()], ..all() }, vec![]),
    ] {
        let found = page(&store, &search, Start::Newest, 50);
        assert_eq!(numbers(&found), want, "{search:?}");
        assert_eq!((found.more, found.is_cut), (None, false), "{search:?}");
    }
    let keep = |context: &Context| context.state == ContextState::Finished;
    let kept = store.reader().search(&project("shop"), &all(), &keep, Start::Newest, 50).unwrap();
    assert_eq!(numbers(&kept), [3]);
}

pub(crate) fn pages_have_no_gap_and_no_repeat_while_new_ones_come<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    // Two at a time begin in the same moment.
    let row = |n: u64| Context { time: at((n / 2).cast_signed()), ..context(n) };
    store.applied(&changes((1..=11).map(|n| put(&row(n)))));
    store.change(put(&Context { project: project("other"), ..context(99) }));
    let all = SequenceSearch::default();
    let (mut seen, mut start, mut new) = (Vec::new(), Start::Newest, 100);
    let mut pages = Vec::<Vec<Position>>::new();
    loop {
        let found = page(&store, &all, start, 4);
        seen.extend(numbers(&found));
        pages.push(found.items.iter().map(|(position, _)| *position).collect());
        store.change(put(&context(new)));
        new += 1;
        match found.more {
            Some(more) => start = Start::Before(more),
            None => break,
        }
    }
    assert_eq!(seen, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    // And back again.
    let back = page(&store, &all, Start::After(pages[2][0]), 4);
    assert_eq!(back.items.iter().map(|(at, _)| *at).collect::<Vec<_>>(), pages[1]);
    let top = page(&store, &all, Start::After(pages[0][0]), 50);
    assert_eq!((numbers(&top), top.more), (vec![102, 101, 100], None));
    assert_eq!(store.reader().sequence_count(&project("shop"), 1000).unwrap(), 14);
    assert_eq!(store.reader().sequence_count(&project("shop"), 5).unwrap(), 5);
    assert_eq!(store.reader().sequence_count(&project("nowhere"), 5).unwrap(), 0);
}

pub(crate) fn a_search_that_finds_nothing_gives_up_and_says_where_it_goes_on<F: Fixture>() {
    let mut store = F::with_shop();
    let rare = SequenceName::new("rare").unwrap();
    let row = |n: u64| match n {
        1 => Context { name: rare.clone(), ..context(1) },
        n => context(n),
    };
    let many = SEARCHED_MAX + 10;
    store.applied(&changes((1..=many).map(|n| put(&row(n)))));
    let search = SequenceSearch { names: vec![rare], ..SequenceSearch::default() };
    let first = page(&store, &search, Start::Newest, 50);
    assert_eq!((numbers(&first), first.searched, first.is_cut), (vec![], SEARCHED_MAX, true));
    let rest = page(&store, &search, Start::Before(first.more.unwrap()), 50);
    assert_eq!((numbers(&rest), rest.searched, rest.is_cut), (vec![1], 10, false));
    assert_eq!(rest.more, None);
}

pub(crate) fn states_are_merged_and_nothing_is_shown_beyond_what_is_known<F: Fixture>() {
    let mut store = F::with_shop();
    // Many of one state are newer than any of the other.
    let state = |n: u64| match n {
        1..=30 => ContextState::Started,
        _ => ContextState::Paused,
    };
    let row = |n: u64| Context { state: state(n), ..context(n) };
    store.applied(&changes((1..=60).map(|n| put(&row(n)))));
    let states = vec![ContextState::Started, ContextState::Paused];
    let search = SequenceSearch { states, ..SequenceSearch::default() };
    let (mut seen, mut start) = (Vec::new(), Start::Newest);
    loop {
        let found = page(&store, &search, start, 7);
        seen.extend(numbers(&found));
        match found.more {
            Some(more) => start = Start::Before(more),
            None => break,
        }
    }
    assert_eq!(seen, (1..=60).rev().collect::<Vec<_>>());
}

pub(crate) fn whoever_waits_is_told_who_is_before<F: Fixture>() {
    use crate::testing::execution_id;
    use tidegate_core::sequence::Queue;
    let mut store = F::with_shop();
    let lane = scope("shop/qa/carts");
    let line = |store: &F, queue, position| store.reader().line(&lane, queue, position).unwrap();
    assert_eq!(line(&store, Queue::Waiting, 5), LineRow::default());
    let join = |queue, n| Change::Join(lane.clone(), queue, n, execution_id(n));
    store.applied(&changes([
        Change::Holder(lane.clone(), Some(execution_id(1))),
        join(Queue::Waiting, 5),
        join(Queue::Waiting, 7),
        join(Queue::Ready, 9),
    ]));
    let before = |queue, position| line(&store, queue, position).before;
    // Those that are ready go first.
    assert_eq!([before(Queue::Waiting, 5), before(Queue::Waiting, 7)], [1, 2]);
    assert_eq!(before(Queue::Ready, 9), 0);
    assert_eq!(line(&store, Queue::Ready, 9).holder, Some(execution_id(1)));
}
