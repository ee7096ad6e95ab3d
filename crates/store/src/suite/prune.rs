//! Retention.

use tidegate_core::event::{Event, Outcome};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::{
    Change, Context, ContextState, Disposition, Effects, Execution, ExecutionState, LogEntry,
    PreviousTask, Task, TaskState, View as _,
};

use crate::testing::{
    Fixture, Steps, apply_at, approval, approved, at, commit_id, context, context_id, entry, event,
    event_id, execution, project, task,
};
use crate::{
    ApprovalFilter, EventFilter, Home as _, Intent, Reader as _, SequenceFilter, Write, Written,
};

/// One delivery of `shop` with a task, an approval and a refused vote, that ended at `seconds`, or is
/// still open. The numbers of its rows begin with ten times `n`.
fn delivery(store: &mut impl Fixture, n: u64, ended: Option<i64>) {
    let of = |m: u64| Event { context: context_id(n), ..event(m) };
    let from = n * 10;
    let first = store.home().project(&project("shop")).unwrap().unwrap().last + 1;
    let refused = LogEntry {
        disposition: Disposition::Refused,
        reason: Some("no".into()),
        ..entry(first + 2, of(from + 2))
    };
    let log = vec![entry(first, of(from)), entry(first + 1, of(from + 1)), refused];
    let (state, closed) = match ended {
        Some(seconds) => {
            let state = ExecutionState::Finished { outcome: Outcome::PASS, at: at(seconds) };
            (state, ContextState::Finished)
        }
        None => (ExecutionState::Running { task: event_id(from + 1) }, ContextState::Started),
    };
    let mut run = execution(from);
    run.previous.push(PreviousTask {
        name: task(from + 1, run.id).name,
        triggered_id: event_id(from + 1),
        outcome: Outcome::PASS,
        overridden: true,
    });
    let run = Execution { context: context_id(n), position: first, state, ..run };
    let over = Task { state: TaskState::Over, ..task(from + 1, run.id) };
    let mut vote = approved(approval(from + 3, "shop/qa/carts"), 1);
    vote.context = context_id(n);
    let changes = vec![
        Change::Context(Box::new(Context { state: closed, ..context(n) })),
        Change::Execution(Box::new(run)),
        Change::Task(project("shop"), Box::new(over)),
        Change::Approval(Box::new(vote)),
    ];
    let effects = Effects { log, changes, ..Effects::default() };
    store.home().begin().unwrap();
    apply_at(store.home(), &effects, at(ended.unwrap_or_default())).unwrap();
    store.home().commit().unwrap();
}

fn prune(store: &mut impl Fixture, before: i64, limit: u64) -> (u64, usize, bool) {
    let write = Write::Prune { before: at(before), unmapped_before: at(before), limit };
    match store.written(&write) {
        Written::Pruned { count, tasks, more } => (count, tasks.len(), more),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn what_ended_long_ago_is_forgotten_with_all_that_belongs_to_it<F: Fixture>() {
    let mut store = F::with_shop();
    for (n, ended) in [(1, Some(100)), (2, None), (3, Some(300)), (4, Some(50)), (5, Some(900))] {
        delivery(&mut store, n, ended);
    }
    assert_eq!(prune(&mut store, 200, 9), (2, 2, false));
    let shop = project("shop");
    for (n, there) in [(1, false), (2, true), (3, true), (4, false), (5, true)] {
        let context = context_id(n);
        let filter = EventFilter { context: Some(context), ..EventFilter::default() };
        let reader = store.reader();
        assert_eq!(reader.events(&filter, 0, 9).unwrap().total > 0, there, "events of {n}");
        assert_eq!(!reader.trace(&shop, context, 9).unwrap().is_empty(), there);
        assert_eq!(!reader.executions(&shop, context).unwrap().is_empty(), there);
        assert_eq!(reader.approval(event_id(n * 10 + 3)).unwrap().is_some(), there);
        assert_eq!(store.home().task(&shop, event_id(n * 10 + 1)).unwrap().is_some(), there);
        assert_eq!(store.home().context(&shop, context).unwrap().is_some(), there);
    }
    let (all, none) = (SequenceFilter::default(), ApprovalFilter::default());
    let reader = store.reader();
    assert_eq!(reader.sequences(&shop, &all, 0, None).unwrap().total, 3);
    assert_eq!(reader.approvals(&none, 0, 9).unwrap().total, 3);
}

pub(crate) fn the_newest_entry_stays_and_the_numbers_go_on<F: Fixture>() {
    let mut store = F::with_shop();
    delivery(&mut store, 1, Some(1));
    delivery(&mut store, 2, Some(1));
    assert_eq!(prune(&mut store, 200, 9).0, 1, "the second holds the newest entry");
    delivery(&mut store, 3, Some(1));
    assert_eq!(store.home().project(&project("shop")).unwrap().unwrap().last, 9);
    assert_eq!(prune(&mut store, 200, 9).0, 1);
    let filter = EventFilter { project: Some(project("shop")), ..EventFilter::default() };
    let page = store.reader().events(&filter, 0, 9).unwrap();
    assert_eq!((page.items.len(), page.total), (2, 2), "totals count what is there");
}

pub(crate) fn an_aborted_one_stays_until_its_job_has_ended<F: Fixture>() {
    let mut store = F::with_shop();
    delivery(&mut store, 1, Some(1));
    delivery(&mut store, 2, Some(1));
    let shop = project("shop");
    let mut run = store.reader().executions(&shop, context_id(1)).unwrap().remove(0).execution;
    run.state = ExecutionState::Aborted { by: crate::testing::person("ada"), at: at(1) };
    let job = |state| Task { state, ..task(11, run.id) };
    store.change(Change::Execution(Box::new(run.clone())));
    store.change(Change::Task(shop.clone(), Box::new(job(TaskState::Draining))));
    assert_eq!(prune(&mut store, 200, 9).0, 0, "its lane is not free yet");
    store.change(Change::Task(shop, Box::new(job(TaskState::Over))));
    assert_eq!(prune(&mut store, 200, 9).0, 1);
}

pub(crate) fn a_limit_leaves_the_rest_for_the_next_time<F: Fixture>() {
    let mut store = F::with_shop();
    for n in 1..=4 {
        delivery(&mut store, n, Some(1));
    }
    delivery(&mut store, 5, None);
    assert_eq!(prune(&mut store, 200, 3), (3, 3, true));
    assert_eq!(prune(&mut store, 200, 3), (1, 1, false));
}

pub(crate) fn events_without_a_project_are_forgotten_from_the_oldest_on<F: Fixture>() {
    let mut store = F::with_shop();
    let unmapped = |n: u64| LogEntry {
        project: ProjectName::unmapped(),
        ..entry(n, Event { context: context_id(90 + n), ..event(900 + n) })
    };
    let log = (1..=5_u64).map(|n| LogEntry {
        event: Event { time: at(n.cast_signed() * 100), ..unmapped(n).event },
        ..unmapped(n)
    });
    store.applied(&Effects { log: log.collect(), ..Effects::default() });
    assert_eq!(prune(&mut store, 250, 9), (2, 0, false));
    let left = |store: &mut F| {
        let there = |n: &u64| store.reader().event(event_id(900 + n)).unwrap().is_some();
        (1..=5).filter(there).collect::<Vec<_>>()
    };
    assert_eq!(left(&mut store), [3, 4, 5]);
    assert_eq!(prune(&mut store, 9_999, 9).0, 2);
    assert_eq!(left(&mut store), [5], "the newest stays");
}

pub(crate) fn a_project_is_deleted_with_all_that_belongs_to_it_once_nothing_is_under_way<
    F: Fixture,
>() {
    let mut store = F::with_shop();
    let (shop, other) = (project("shop"), project("other"));
    store.make_project("other");
    let forget = |store: &mut F, of: &ProjectName| {
        store.written(&Write::Forget { project: of.clone(), limit: 1 })
    };
    assert_eq!(forget(&mut store, &project("nowhere")), Written::NoProject);
    for n in 1..=3 {
        delivery(&mut store, n, Some(100));
    }
    delivery(&mut store, 4, None);
    let begin = Write::Begin(Intent::DeleteProject { project: shop.clone() }, vec![]);
    let Written::Begun(intent) = store.written(&begin) else { panic!("not begun") };
    assert_eq!(store.written(&begin), Written::ProjectExists, "one saga at a time");
    for left in [true, true, true, false] {
        let Written::Pruned { count, tasks, more } = forget(&mut store, &shop) else {
            panic!("no")
        };
        assert_eq!((count == 1, more), (left, left));
        assert_eq!(tasks.is_empty(), !left);
    }
    let complete =
        Write::Complete { intent, commit: commit_id(1), now: at(200), events: vec![event(99)] };
    assert_eq!(store.written(&complete), Written::UnderWay);
    assert_eq!(store.reader().intents().unwrap().len(), 1, "the saga is still open");
    assert!(store.reader().project(&shop).unwrap().is_some());
    let open = store.reader().executions(&shop, context_id(4)).unwrap();
    let state = ExecutionState::Finished { outcome: Outcome::PASS, at: at(150) };
    let over = Execution { state, ..open[0].execution.clone() };
    store.change(Change::Execution(Box::new(over)));
    assert_eq!(store.written(&complete), Written::Done);
    assert_eq!(store.reader().intents().unwrap(), []);
    assert_eq!(store.reader().project(&shop).unwrap(), None);
    assert!(store.reader().project(&other).unwrap().is_some());
    let unmapped = EventFilter { project: Some(ProjectName::unmapped()), ..EventFilter::default() };
    assert_eq!(store.reader().events(&unmapped, 0, 10).unwrap().total, 1, "the report");
    assert_eq!(store.written(&begin), Written::NoProject);

    // The name begins anew.
    store.make_project("shop");
    let filter = EventFilter { project: Some(shop.clone()), ..EventFilter::default() };
    assert_eq!(store.reader().events(&filter, 0, 10).unwrap().total, 0);
    assert_eq!(
        store.reader().sequences(&shop, &SequenceFilter::default(), 0, None).unwrap().total,
        0
    );
    let approvals = ApprovalFilter { project: Some(shop.clone()), ..ApprovalFilter::default() };
    assert_eq!(store.reader().approvals(&approvals, 0, 10).unwrap().total, 0);
    assert_eq!(store.reader().services(&shop).unwrap(), []);
    assert_eq!(store.home().project(&shop).unwrap().unwrap().last, 0);
    delivery(&mut store, 5, Some(300));
    assert_eq!(store.reader().trace(&shop, context_id(5), 10).unwrap().len(), 3);
}
