//! How SQLite finds rows: what runs on every step or page never walks a whole table.

use rusqlite::{Connection, params_from_iter};
use tidegate_core::event::EventType;
use tidegate_core::sequence::ContextState;

use crate::search::Driver;
use crate::sqlite::keys::ProjectId;
use crate::sqlite::list::List;
use crate::sqlite::{
    approvals, audit, contexts, executions, integrations, lanes, latest, log, outbox, overview,
    prune, tasks, timers,
};
use crate::testing::{Fixture as _, context_id, event_id, project};
use crate::{
    ApprovalFilter, ApprovalState, EventFilter, ExecutionFilter, OpenEventFilter, SequenceFilter,
};

use super::Sqlite;

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
    steps.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("\n")
}

/// Every table is searched by a key, and nothing is sorted.
fn direct(connection: &Connection, sql: &str) {
    let plan = plan(connection, sql);
    let walks = plan.contains("SCAN") && !plan.contains("SCAN json_each");
    assert!(!walks && !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
}

#[test]
fn what_a_step_reads_is_found_by_key() {
    let store = Sqlite::fresh();
    for sql in [
        log::LAST,
        audit::CHAIN,
        audit::LAST,
        log::HAS_LISTED,
        executions::BY_ID,
        executions::OPEN,
        tasks::BY_ID,
        approvals::OF_PROJECT,
        contexts::BY_ID,
        lanes::HEAD,
        lanes::FRONT,
        "SELECT id FROM project WHERE name = ?1",
        "SELECT id FROM word WHERE text = ?1",
        "SELECT request, answer, expires FROM idempotency WHERE key = ?1 AND expires > ?2",
    ] {
        direct(&store.home.connection, sql);
    }
}

#[test]
fn what_a_page_reads_is_found_by_key_and_comes_in_order() {
    let store = Sqlite::fresh();
    for sql in [
        &log::trace_sql(),
        &log::behind_sql(),
        &outbox::deliveries_sql(),
        tasks::DRAINING,
        prune::ENDED,
        prune::LAST_TASK,
        latest::OF,
        audit::PAGE,
        audit::CHECKPOINTED,
        audit::CHECKPOINTS,
        lanes::DEPLOYED,
        integrations::STOOD_DOWN,
        overview::NEXT_NAME,
        overview::NEWEST,
        overview::RUN,
        overview::APPROVAL,
        overview::OPEN,
        overview::RECENT,
        overview::STAGES,
        overview::HELD,
        "SELECT principal, expires FROM session WHERE digest = ?1 AND expires > ?2",
    ] {
        direct(&store.home.connection, sql);
    }
    // In the order of the index from its start: only as many rows as asked for.
    for (sql, index) in
        [(timers::NEXT, "timer_due"), (executions::UNRESOLVED, "execution_resolving")]
    {
        let plan = plan(&store.home.connection, sql);
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

fn lists() -> Vec<(&'static str, List<'static>)> {
    let shop = Some(ProjectId(1));
    let of_shop = || EventFilter { project: Some(project("shop")), ..EventFilter::default() };
    let kind = Some(EventType::new("a"));
    let (context, id) = (Some(context_id(1)), Some(event_id(1)));
    let stage = Some("qa".to_owned());
    let approval = |state| ApprovalFilter { state, ..ApprovalFilter::default() };
    let open = Some(ApprovalState::Open);
    let sequences = SequenceFilter::default;
    let sequence = |filter| contexts::list(ProjectId(1), &filter).unwrap();
    let in_state = SequenceFilter { state: Some(ContextState::Started), ..sequences() };
    let opened = OpenEventFilter { kind: kind.clone(), ..OpenEventFilter::default() };
    vec![
        ("PRIMARY KEY", log::list(&of_shop(), shop)),
        ("event_context", log::list(&EventFilter { context, ..of_shop() }, shop)),
        ("event_context", log::list(&EventFilter { context, ..EventFilter::default() }, None)),
        ("event_id", log::list(&EventFilter { id, ..of_shop() }, shop)),
        ("event_first", log::list(&EventFilter { root: true, ..of_shop() }, shop)),
        ("event_kind", log::list(&EventFilter { kind: kind.clone(), stage, ..of_shop() }, shop)),
        ("approval_state", approvals::list(&approval(open), None)),
        ("approval_project", approvals::list(&approval(open), shop)),
        ("approval_project", approvals::list(&approval(Some(ApprovalState::Decided)), shop)),
        ("context_time", sequence(sequences())),
        ("context_state", sequence(in_state)),
        ("open_event_kind", outbox::open_list(&opened, shop)),
        ("PRIMARY KEY", executions::list(ProjectId(1), &ExecutionFilter::default())),
    ]
}

#[test]
fn lists_follow_their_index_without_sorting() {
    let store = Sqlite::fresh();
    for (index, list) in lists() {
        direct(&store.home.connection, &list.items_sql());
        direct(&store.home.connection, &list.count_sql());
        let plan = plan(&store.home.connection, &list.items_sql());
        assert!(plan.contains(index), "{index}\n{plan}");
    }
}

#[test]
fn what_was_said_of_a_task_is_found_by_the_task() {
    let store = Sqlite::fresh();
    let sql = log::newest_said();
    direct(&store.home.connection, &sql);
    let plan = plan(&store.home.connection, &sql);
    let index = "USING INDEX event_said (<expr>=? AND kind=? AND key>? AND key<?)";
    assert!(plan.contains(index), "{plan}");
}

#[test]
fn totals_that_are_counted_read_the_index_alone() {
    let store = Sqlite::fresh();
    for (index, list) in lists() {
        if ["event_kind", "open_event_kind", "context_state", "event_first"].contains(&index) {
            let plan = plan(&store.home.connection, &list.count_sql());
            assert!(plan.contains(&format!("COVERING INDEX {index} ")), "{index}\n{plan}");
        }
    }
}

#[test]
fn a_search_walks_one_index_in_either_direction_without_sorting() {
    let store = Sqlite::fresh();
    let service = tidegate_core::names::ServiceName::new("carts").unwrap();
    for (driver, index) in [
        (Driver::Time, "context_time (project=? AND time>? AND time<?)"),
        (Driver::State(ContextState::Started), "context_state (project=? AND state=? AND time>?"),
        (Driver::Service(service), "context_service (project=? AND service=? AND time>?"),
    ] {
        for upwards in [false, true] {
            let sql = contexts::walk_sql(&driver, upwards);
            direct(&store.home.connection, &sql);
            let plan = plan(&store.home.connection, &sql);
            assert!(plan.contains(index), "{plan}");
        }
    }
    direct(&store.home.connection, lanes::LANE);
    let line = plan(&store.home.connection, lanes::BEFORE);
    assert!(line.contains("(lane=? AND queue=? AND position<?)"), "{line}");
}

#[test]
fn lanes_of_some_services_are_found_in_the_index_of_their_project() {
    let store = Sqlite::fresh();
    let plan = plan(&store.home.connection, overview::LANES);
    assert!(
        plan.contains("SEARCH lane USING COVERING INDEX") && !plan.contains("SCAN lane"),
        "{plan}"
    );
    assert!(!plan.contains("SCAN word") && !plan.contains("SCAN deployed"), "{plan}");
}

#[test]
fn contexts_by_id_are_looked_up_one_by_one() {
    let store = Sqlite::fresh();
    let filter = SequenceFilter { contexts: vec![context_id(1)], ..SequenceFilter::default() };
    let list = contexts::list(ProjectId(1), &filter).unwrap();
    let plan = plan(&store.home.connection, &list.items_sql());
    assert!(plan.contains("context_id (id=? AND project=?)"), "{plan}");
}
