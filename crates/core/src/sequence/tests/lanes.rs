use serde_json::json;

use super::TOUR;
use super::world::{World, ada, fail, pass};
use crate::approval::Decision;
use crate::sequence::{ContextState, ExecutionState};

#[test]
fn one_sequence_at_a_time_runs_in_a_lane_in_the_order_they_came() {
    let mut world = World::new(TOUR);
    let contexts: Vec<_> = (0..3).map(|_| world.trigger("qa", "delivery", json!({}))).collect();
    for (index, context) in contexts.iter().enumerate() {
        let open = world.open_task("deployment");
        assert_eq!(world.open[&open].context, *context);
        let states: Vec<_> = contexts.iter().map(|id| world.contexts[id].state).collect();
        assert_eq!(states[index], ContextState::Started);
        assert!(states[index + 1..].iter().all(|state| *state == ContextState::Waiting));
        world.execute("deployment", fail());
    }
    assert!(world.open.is_empty());
}

#[test]
fn another_service_or_stage_is_another_lane() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    world.trigger("qa", "delivery", json!({"service": "other"}));
    world.trigger("production", "rollback", json!({}));
    assert_eq!(world.open_tasks("deployment").len(), 2);
    assert_eq!(world.open_tasks("rollback").len(), 1);
}

#[test]
fn while_one_waits_for_approval_another_runs_and_the_decided_one_goes_on_after_it() {
    let mut world = World::new(TOUR);
    let first = world.trigger("production", "delivery", json!({}));
    let approval = world.open_task("approval");
    world.trigger("production", "rollback", json!({}));
    let rollback = world.open_task("rollback");
    world.start(rollback);
    world.vote(approval, Decision::Approve, None, &ada()).unwrap();
    assert!(world.open_tasks("deployment").is_empty(), "the other one holds the lane");
    let execution = world.executions.values().find(|e| e.context == first).unwrap();
    assert!(matches!(execution.state, ExecutionState::Ready { .. }));
    world.finish(rollback, pass());
    assert_eq!(world.open[&world.open_task("deployment")].context, first);
}

#[test]
fn those_that_were_decided_go_before_those_that_wait_to_start() {
    let mut world = World::new(TOUR);
    let first = world.trigger("production", "delivery", json!({}));
    let approval = world.open_task("approval");
    world.trigger("production", "rollback", json!({}));
    let third = world.trigger("production", "rollback", json!({}));
    world.vote(approval, Decision::Approve, None, &ada()).unwrap();
    world.execute("rollback", pass());
    assert_eq!(world.open[&world.open_task("deployment")].context, first);
    world.execute("deployment", pass());
    assert_eq!(world.open[&world.open_task("rollback")].context, third);
}

#[test]
fn many_approvals_wait_in_one_lane_without_blocking_it() {
    let mut world = World::new(TOUR);
    for _ in 0..50 {
        world.trigger("production", "delivery", json!({}));
    }
    let approvals = world.open_tasks("approval");
    assert_eq!(approvals.len(), 50);
    for approval in approvals.iter().rev() {
        world.vote(*approval, Decision::Approve, None, &ada()).unwrap();
    }
    // Decided newest first: they go on in the order they were decided, one at a time.
    for approval in approvals.iter().rev() {
        let open = world.open_task("deployment");
        assert_eq!(world.open[&open].context, world.approvals[approval].context);
        world.execute("deployment", pass());
    }
    assert!(world.open.is_empty());
}

#[test]
fn a_queued_sequence_can_be_aborted_and_the_next_one_takes_its_turn() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    let second = world.trigger("qa", "delivery", json!({}));
    let third = world.trigger("qa", "delivery", json!({}));
    world.abort(second);
    assert_eq!(world.contexts[&second].state, ContextState::Aborted);
    world.execute("deployment", fail());
    assert_eq!(world.open[&world.open_task("deployment")].context, third);
}

#[test]
fn two_sequences_of_one_stage_that_follow_the_same_end_both_run() {
    let forked = TOUR.replace("tasks: [{ name: rollback }]", "tasks: [{ name: rollback }]\n        - name: notice\n          triggeredOn: [{ event: production.delivery.finished, selector: { match: { result: fail } } }]\n          tasks: [{ name: notify }]");
    let mut world = World::new(&forked);
    let context = world.trigger("production", "delivery", json!({}));
    let approval = world.open_task("approval");
    world.vote(approval, Decision::Decline, None, &ada()).unwrap();
    assert!(world.open_tasks("notify").is_empty(), "one lane, one holder");
    world.execute("rollback", pass());
    world.execute("notify", pass());
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
}
