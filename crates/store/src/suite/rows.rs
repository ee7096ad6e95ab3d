//! Executions, their tasks, and the head of a project.

use tidegate_core::event::{Event, Outcome};
use tidegate_core::names::ProjectName;
use tidegate_core::sequence::{
    Before, Change, Commits, Execution, ExecutionState, LogEntry, Resolve, Task, TaskState,
    View as _,
};

use crate::testing::{
    Fixture, SHIPYARD, Steps, approval, at, changes, commit_id, context, context_id, entries,
    entry, event, event_id, execution, execution_id, person, project, scope, task, tasks,
};
use crate::{Reader as _, Write, Written};

fn put(execution: &Execution) -> Change {
    Change::Execution(Box::new(execution.clone()))
}

fn put_task(task: &Task) -> Change {
    Change::Task(project("shop"), Box::new(task.clone()))
}

pub(crate) fn an_execution_reads_back_equal_in_every_state<F: Fixture>() {
    let mut store = F::with_shop();
    let (shop, mut row) = (project("shop"), execution(7));
    row.requested_commit = Some(commit_id(3));
    store.change(put(&row));
    let waiting = Resolve {
        execution: row.id,
        scope: row.scope.clone(),
        requested_commit: row.requested_commit.clone(),
    };
    assert_eq!(store.reader().unresolved(9).unwrap(), [waiting]);
    row.commits = Some(Commits {
        shipyard: commit_id(1),
        stage: Some(commit_id(2)),
        stale: Some("gone".to_owned()),
    });
    row.tasks = tasks(&["deployment", "test"]);
    for state in [
        ExecutionState::Throttled { due: at(8) },
        ExecutionState::Waiting,
        ExecutionState::Running { task: event_id(8) },
        ExecutionState::Delayed { due: at(9) },
        ExecutionState::WaitingForApproval { approval: event_id(9) },
        ExecutionState::Ready { position: 12, delay_over: false },
        ExecutionState::Ready { position: 12, delay_over: true },
        ExecutionState::Paused { before: Before::Start },
        ExecutionState::Paused { before: Before::Task { position: 3, delay_over: true } },
        ExecutionState::TimedOut { at: at(10) },
        ExecutionState::Finished { outcome: Outcome::PASS, at: at(10) },
        ExecutionState::Aborted { by: person("ada"), at: at(11) },
    ] {
        row.state = state;
        store.change(put(&row));
        assert_eq!(store.home().execution(&shop, row.id).unwrap().as_ref(), Some(&row));
        assert_eq!(store.reader().execution(&shop, row.id).unwrap().as_ref(), Some(&row));
        assert_eq!(store.reader().unresolved(9).unwrap(), []);
        let open = store.home().open_executions(&shop, row.context, 0, 9).unwrap();
        assert_eq!(open.len(), usize::from(!row.state.is_final()), "{:?}", row.state);
    }
    assert_eq!(store.home().execution(&shop, execution_id(8)).unwrap(), None);
}

pub(crate) fn open_executions_come_in_order<F: Fixture>() {
    let mut store = F::with_shop();
    let mut done = execution(2);
    done.state = ExecutionState::Finished { outcome: Outcome::FAIL, at: at(1) };
    let elsewhere = Execution { context: context_id(2), ..execution(4) };
    let rows = [execution(3), execution(1), done, elsewhere, execution(5)];
    store.applied(&changes(rows.iter().map(put)));
    let ids = |found: Vec<Execution>| found.iter().map(|row| row.position).collect::<Vec<_>>();
    let shop = project("shop");
    assert_eq!(ids(store.home().open_executions(&shop, context_id(1), 0, 9).unwrap()), [1, 3, 5]);
    assert_eq!(ids(store.home().open_executions(&shop, context_id(1), 0, 2).unwrap()), [1, 3]);
    assert_eq!(ids(store.home().open_executions(&shop, context_id(1), 1, 9).unwrap()), [3, 5]);
    let all = store.reader().executions(&shop, context_id(1)).unwrap();
    assert_eq!(ids(all.into_iter().map(|row| row.execution).collect()), [1, 2, 3, 5]);
}

pub(crate) fn a_task_is_shown_while_it_is_open_and_kept_when_it_is_over<F: Fixture>() {
    let mut store = F::with_shop();
    let (shop, mut row) = (project("shop"), execution(1));
    let mut open = task(2, row.id);
    row.state = ExecutionState::Running { task: open.id };
    store.applied(&changes([put(&row), put_task(&open)]));
    assert_eq!(store.home().task(&shop, open.id).unwrap().as_ref(), Some(&open));
    open.started = 2;
    store.change(put_task(&open));
    assert_eq!(store.home().task(&shop, open.id).unwrap().as_ref(), Some(&open));
    let summary = store.reader().executions(&shop, context_id(1)).unwrap();
    assert_eq!((&summary[0].execution, &summary[0].open), (&row, &Some(open.clone())));
    row.state = ExecutionState::Ready { position: 3, delay_over: false };
    open.state = TaskState::Over;
    store.applied(&changes([put(&row), put_task(&open)]));
    assert_eq!(store.home().task(&shop, open.id).unwrap(), Some(open));
    assert_eq!(store.reader().executions(&shop, context_id(1)).unwrap()[0].open, None);
}

pub(crate) fn a_draining_task_is_shown_with_its_execution<F: Fixture>() {
    let mut store = F::with_shop();
    let mut row = execution(1);
    row.state = ExecutionState::Aborted { by: person("ada"), at: at(1) };
    let draining = Task { state: TaskState::Draining, ..task(2, row.id) };
    store.applied(&changes([put(&row), put_task(&draining)]));
    let summary = store.reader().executions(&project("shop"), context_id(1)).unwrap();
    assert_eq!(summary[0].open, Some(draining));
}

pub(crate) fn rows_of_one_project_are_not_seen_in_another<F: Fixture>() {
    let mut store = F::with_shop();
    store.make_project("other");
    let row = execution(1);
    store.applied(&changes([
        put(&row),
        put_task(&task(2, row.id)),
        Change::Approval(Box::new(approval(3, "shop/qa/carts"))),
        Change::Context(Box::new(context(1))),
        Change::Holder(scope("shop/qa/carts"), Some(row.id)),
    ]));
    let shop = project("shop");
    assert!(store.home().task(&shop, event_id(2)).unwrap().is_some());
    for name in [project("other"), project("nowhere"), ProjectName::unmapped()] {
        let home = store.home();
        assert!(home.execution(&name, row.id).unwrap().is_none());
        assert!(home.open_executions(&name, row.context, 0, 9).unwrap().is_empty());
        assert!(home.task(&name, event_id(2)).unwrap().is_none());
        assert!(home.approval(&name, event_id(3)).unwrap().is_none());
        assert!(home.context(&name, context_id(1)).unwrap().is_none());
        let mut lane = scope("shop/qa/carts");
        lane.project = name.clone();
        assert!(home.lane(&lane).unwrap().holder.is_none());
        assert!(store.reader().execution(&name, row.id).unwrap().is_none());
        assert!(store.reader().executions(&name, row.context).unwrap().is_empty());
    }
}

pub(crate) fn the_head_holds_number_and_shipyard<F: Fixture>() {
    let mut store = F::with_shop();
    let shop = project("shop");
    let head = store.home().project(&shop).unwrap().unwrap();
    assert_eq!(head.last, 0);
    let (commit, shipyard) = head.shipyard.unwrap();
    assert_eq!((commit, shipyard.stages.len()), (commit_id(1), 1));
    // What was parsed before must not hide what is written now, whatever its commit.
    let text = SHIPYARD.replace("name: qa", "name: prod");
    store.written(&Write::Snapshot { project: shop.clone(), commit: commit_id(1), text });
    let (_, shipyard) = store.home().project(&shop).unwrap().unwrap().shipyard.unwrap();
    assert_eq!(shipyard.stages[0].name, "prod");
    store.applied(&entries([entry(1, event(1)), entry(2, event(2))]));
    assert_eq!(store.home().project(&shop).unwrap().unwrap().last, 2);
    let unmapped = Event { context: context_id(5), ..event(3) };
    let unmapped = LogEntry { project: ProjectName::unmapped(), ..entry(1, unmapped) };
    store.applied(&entries([unmapped]));
    let head = store.home().project(&ProjectName::unmapped()).unwrap().unwrap();
    assert!(head.last == 1 && head.shipyard.is_none());
    assert_eq!(store.home().project(&shop).unwrap().unwrap().last, 2);
    assert!(store.home().project(&project("nowhere")).unwrap().is_none());
    let broken = Write::Snapshot { project: shop.clone(), commit: commit_id(2), text: "{".into() };
    assert_eq!(store.written(&broken), Written::Done);
    let error = store.home().project(&shop).unwrap_err();
    assert!(error.what.contains("shop") && error.what.contains(commit_id(2).as_str()), "{error}");
}
