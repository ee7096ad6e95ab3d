//! Lists of executions, and the newest events of a service.

use tidegate_core::event::{EventType, Outcome};
use tidegate_core::names::SequenceName;
use tidegate_core::sequence::{Change, Execution, ExecutionState, LatestEvent};

use crate::testing::{
    Fixture, Steps, at, changes, context_id, event_id, execution, project, scope, tasks,
};
use crate::{ExecutionFilter, Reader as _, Standing};

fn put(execution: &Execution) -> Change {
    Change::Execution(Box::new(execution.clone()))
}

fn positions(store: &impl Fixture, filter: &ExecutionFilter) -> Vec<u64> {
    let page = store.reader().all_executions(&project("shop"), filter, 0, 9).unwrap();
    assert_eq!(page.items.len() as u64, page.total, "{filter:?}");
    page.items.iter().map(|row| row.execution.position).collect()
}

pub(crate) fn each_execution_filter_narrows<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let waiting = ExecutionState::WaitingForApproval { approval: event_id(9) };
    let rows = [
        execution(1),
        Execution { state: waiting, scope: scope("shop/prod/carts"), ..execution(2) },
        Execution { state: ExecutionState::TimedOut { at: at(1) }, ..execution(3) },
        Execution { context: context_id(2), scope: scope("shop/qa/orders"), ..execution(4) },
        Execution { sequence: SequenceName::new("rollback").unwrap(), ..execution(5) },
        Execution { scope: scope("other/qa/carts"), ..execution(6) },
    ];
    store.applied(&changes(rows.iter().map(put)));
    let all = ExecutionFilter::default;
    let (qa, orders) = (scope("shop/qa/orders").stage, scope("shop/qa/orders").service);
    let rollback = Some(SequenceName::new("rollback").unwrap());
    for (filter, want) in [
        (all(), vec![5, 4, 3, 2, 1]),
        (ExecutionFilter { stage: Some(qa.clone()), ..all() }, vec![5, 4, 3, 1]),
        (ExecutionFilter { service: Some(orders.clone()), ..all() }, vec![4]),
        (ExecutionFilter { name: rollback.clone(), ..all() }, vec![5]),
        (
            ExecutionFilter { stage: Some(qa), service: Some(orders), name: rollback, ..all() },
            vec![],
        ),
        (ExecutionFilter { context: Some(context_id(2)), ..all() }, vec![4]),
        (ExecutionFilter { states: vec![Standing::WaitingForApproval], ..all() }, vec![2]),
        (
            ExecutionFilter { states: vec![Standing::TimedOut, Standing::Triggered], ..all() },
            vec![5, 4, 3, 1],
        ),
    ] {
        assert_eq!(positions(&store, &filter), want, "{filter:?}");
    }
}

pub(crate) fn an_execution_is_listed_where_it_stands<F: Fixture>() {
    let mut store = F::with_shop();
    let mut row = execution(1);
    for state in [
        ExecutionState::Resolving,
        ExecutionState::Waiting,
        ExecutionState::Running { task: event_id(2) },
        ExecutionState::WaitingForApproval { approval: event_id(3) },
        ExecutionState::Ready { position: 4, delay_over: false },
        ExecutionState::Finished { outcome: Outcome::PASS, at: at(5) },
    ] {
        row.tasks =
            if state == ExecutionState::Resolving { tasks(&[]) } else { tasks(&["a", "b"]) };
        row.state = state;
        store.change(put(&row));
        for standing in Standing::ALL {
            let filter = ExecutionFilter { states: vec![standing], ..ExecutionFilter::default() };
            let is_there = standing == Standing::of(&row.state);
            assert_eq!(positions(&store, &filter).len(), usize::from(is_there), "{standing:?}");
        }
        let page = store.reader().all_executions(&project("shop"), &Default::default(), 0, 1);
        assert_eq!(page.unwrap().items[0].execution, row);
    }
}

pub(crate) fn the_newest_event_of_each_type_takes_the_place_of_the_one_before<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let latest = |n: u64, kind: &str, place: &str| LatestEvent {
        scope: scope(place),
        kind: EventType::new(kind),
        event: event_id(n),
        context: context_id(n),
        time: at(n.cast_signed()),
    };
    let rows = [
        latest(1, "a", "shop/qa/carts"),
        latest(2, "b", "shop/qa/carts"),
        latest(3, "a", "shop/prod/carts"),
        latest(4, "a", "other/qa/carts"),
        latest(5, "a", "shop/qa/carts"),
    ];
    store.applied(&changes(rows.iter().cloned().map(Change::Latest)));
    let place = scope("shop/qa/carts");
    let of = |project: &str| {
        let project = crate::testing::project(project);
        store.reader().latest_events(&project, &place.stage, &place.service).unwrap()
    };
    assert_eq!(of("shop"), [rows[4].clone(), rows[1].clone()]);
    assert_eq!(of("other"), [rows[3].clone()]);
    assert_eq!(of("nowhere"), []);
}
