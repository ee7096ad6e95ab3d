use serde_json::json;

use super::TOUR;
use super::world::{World, ada, fail, minutes, pass, yard};
use crate::approval::Decision;
use crate::audit::Action;
use crate::names::ContextId;
use crate::sequence::{Before, ContextState, Control, ExecutionState, Reply, Timer};

const TWO_TASKS: &str = "{ name: delivery, tasks: [{ name: first }, { name: second }] }";

fn dev() -> World {
    World::new(&yard(&[("dev", &[TWO_TASKS])]))
}

fn trigger(world: &mut World) -> ContextId {
    world.trigger("dev", "delivery", json!({}))
}

#[test]
fn a_sequence_that_is_paused_while_it_waits_keeps_its_place_and_lets_others_by() {
    let mut world = dev();
    let first = trigger(&mut world);
    let second = trigger(&mut world);
    let third = trigger(&mut world);
    world.pause(second);
    assert_eq!(world.run(second, "dev").state, ExecutionState::Paused { before: Before::Start });
    world.abort(first);
    assert_eq!(world.whose("first"), third);
    let fourth = trigger(&mut world);
    world.resume(second);
    assert_eq!(world.state(second), ContextState::Waiting);
    world.abort(third);
    assert_eq!(world.whose("first"), second, "before the fourth, which came later");
    world.abort(second);
    assert_eq!(world.whose("first"), fourth);
}

#[test]
fn a_sequence_that_is_resumed_while_its_task_runs_takes_its_lane_again_if_it_is_free() {
    let mut world = dev();
    let context = trigger(&mut world);
    let lane = world.run(context, "dev").scope.clone();
    let id = world.run(context, "dev").id;
    world.pause(context);
    assert_eq!(world.holders.get(&lane), None);
    world.resume(context);
    assert_eq!(world.holders.get(&lane), Some(&id));
    world.pause(context);
    let other = trigger(&mut world);
    world.resume(context);
    assert_eq!(world.holders.get(&lane), Some(&world.run(other, "dev").id));
    let own = world.run(context, "dev").id;
    let ExecutionState::Running { task } = world.executions[&own].state else { panic!() };
    world.start(task);
    world.finish(task, pass());
    assert!(matches!(world.executions[&own].state, ExecutionState::Ready { .. }));
    world.abort(other);
    assert_eq!(world.whose("second"), context, "it goes on in its turn");
}

#[test]
fn a_paused_sequence_ends_with_its_last_task_and_what_follows_starts_paused() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.pause(context);
    world.execute("test", pass());
    assert_eq!(world.data("qa.delivery.finished")["result"], "pass");
    let next = world.run(context, "production");
    assert_eq!(next.state, ExecutionState::Paused { before: Before::Start });
    assert_eq!(world.state(context), ContextState::Paused);
    world.resume(context);
    assert_eq!(world.open_tasks("approval").len(), 1);
}

#[test]
fn a_sequence_whose_last_task_ends_in_a_pause_is_over() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.pause(context);
    world.execute("deployment", fail());
    assert_eq!(world.state(context), ContextState::Finished);
    assert!(matches!(world.control(Control::Resume, context, None), Reply::Kept(_)));
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn votes_count_in_a_pause_and_the_next_task_waits_for_the_end_of_it() {
    let mut world = World::new(TOUR);
    let context = world.trigger("production", "delivery", json!({}));
    world.pause(context);
    let approval = world.open_task("approval");
    world.vote(approval, Decision::Approve, None, &ada()).unwrap();
    assert!(world.open.len() == 1 && world.open_tasks("deployment").is_empty());
    world.resume(context);
    assert_eq!(world.open_tasks("deployment").len(), 1);
}

#[test]
fn whoever_is_triggered_in_a_pause_starts_after_it() {
    let mut world = dev();
    let context = trigger(&mut world);
    world.pause(context);
    world.trigger_in(context, "dev", "delivery", json!({"service": "other"}));
    assert_eq!(world.events("first.triggered").len(), 1);
    assert_eq!(world.state(context), ContextState::Paused);
    world.resume(context);
    assert_eq!(world.open_tasks("first").len(), 2);
}

#[test]
fn a_delay_goes_on_in_a_pause_and_its_task_is_triggered_after_it() {
    let delayed = "{ name: delivery, tasks: [{ name: first, triggeredAfter: 10m }] }";
    let mut world = World::new(&yard(&[("dev", &[delayed])]));
    let context = trigger(&mut world);
    world.pause(context);
    world.advance(minutes(10));
    assert!(world.events("first.triggered").is_empty());
    world.resume(context);
    assert_eq!(world.open_tasks("first").len(), 1, "at once: its time has passed");
}

#[test]
fn a_delay_that_is_paused_and_resumed_is_not_begun_again() {
    let delayed = "{ name: delivery, tasks: [{ name: first, triggeredAfter: 10m }] }";
    let mut world = World::new(&yard(&[("dev", &[delayed])]));
    let context = trigger(&mut world);
    let timer = Timer::Delay(world.run(context, "dev").id);
    let due = world.timers[&timer];
    world.pause(context);
    world.advance(minutes(5));
    world.resume(context);
    assert_eq!(world.timers[&timer], due);
    assert!(matches!(world.run(context, "dev").state, ExecutionState::Delayed { .. }));
    world.advance(minutes(5));
    assert_eq!(world.open_tasks("first").len(), 1);
}

#[test]
fn somebody_decided_and_somebody_delayed_never_have_the_same_place() {
    let waits = "{ name: waits, tasks: [{ name: approval }, { name: second }] }";
    let later = "{ name: later, tasks: [{ name: first, triggeredAfter: 10m }] }";
    let mut world = World::new(&yard(&[("dev", &[TWO_TASKS, waits, later])]));
    let decided = world.trigger("dev", "waits", json!({}));
    let delayed = world.trigger("dev", "later", json!({}));
    world.pause(delayed);
    let holder = trigger(&mut world);
    world.resume(delayed);
    world.start(world.open_task("first"));
    world.vote(world.open_task("approval"), Decision::Approve, None, &ada()).unwrap();
    world.advance(minutes(10));
    for context in [decided, delayed] {
        assert!(matches!(world.run(context, "dev").state, ExecutionState::Ready { .. }));
    }
    world.abort(holder);
    world.execute("first", pass());
    world.execute("second", pass());
    assert_eq!(world.state(decided), ContextState::Finished);
    assert_eq!(world.state(delayed), ContextState::Finished);
}

#[test]
fn a_decided_one_that_is_paused_while_it_is_ready_goes_on_from_its_place() {
    let mut world = World::new(TOUR);
    let first = world.trigger("production", "delivery", json!({}));
    let approval = world.open_task("approval");
    let other = world.trigger("production", "rollback", json!({}));
    world.vote(approval, Decision::Approve, None, &ada()).unwrap();
    world.pause(first);
    let state = &world.run(first, "production").state;
    assert!(matches!(state, ExecutionState::Paused { before: Before::Task { .. } }));
    world.abort(other);
    assert!(world.open_tasks("deployment").is_empty());
    world.resume(first);
    assert_eq!(world.whose("deployment"), first);
}

#[test]
fn one_stage_is_paused_and_the_others_go_on() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.control(Control::Pause, context, Some("production"));
    assert_eq!(world.state(context), ContextState::Started, "the whole is not paused");
    world.execute("deployment", pass());
    world.execute("test", pass());
    let next = world.run(context, "production");
    assert_eq!(next.state, ExecutionState::Paused { before: Before::Start });
    world.control(Control::Resume, context, Some("production"));
    assert_eq!(world.open_tasks("approval").len(), 1);
}

#[test]
fn a_stage_says_that_it_is_paused_and_resumed() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.control(Control::Pause, context, Some("qa"));
    assert_eq!(world.stage(context, "qa").state, "paused");
    world.control(Control::Resume, context, Some("qa"));
    assert_eq!(world.stage(context, "qa").state, "started");
    world.pause(context);
    assert_eq!(world.stage(context, "qa").state, "started", "the whole says it for all");
}

#[test]
fn resuming_a_stage_of_a_paused_whole_changes_nothing() {
    let mut world = dev();
    let context = trigger(&mut world);
    world.execute("first", pass());
    world.pause(context);
    world.execute("second", json!({"result": "pass", "status": "succeeded"}));
    let context = trigger(&mut world);
    world.pause(context);
    world.execute("first", pass());
    assert!(matches!(world.control(Control::Resume, context, Some("dev")), Reply::Kept(_)));
    assert!(world.open_tasks("second").is_empty());
    assert_eq!(world.state(context), ContextState::Paused);
}

#[test]
fn resuming_the_whole_resumes_its_stages_too() {
    let mut world = dev();
    let context = trigger(&mut world);
    world.control(Control::Pause, context, Some("dev"));
    world.pause(context);
    world.execute("first", pass());
    world.resume(context);
    assert_eq!(world.open_tasks("second").len(), 1);
}

#[test]
fn resuming_what_is_not_paused_changes_nothing_and_is_not_recorded() {
    let mut world = dev();
    trigger(&mut world);
    let second = trigger(&mut world);
    for stage in [None, Some("dev")] {
        assert!(matches!(world.control(Control::Resume, second, stage), Reply::Kept(_)));
    }
    assert_eq!(world.state(second), ContextState::Waiting);
    assert!(world.audit.is_empty());
}

#[test]
fn a_context_whose_waiting_stage_stops_waits_no_longer() {
    for control in [Control::Pause, Control::Abort] {
        let mut world = World::new(&yard(&[("east", &[TWO_TASKS]), ("west", &[TWO_TASKS])]));
        world.trigger("west", "delivery", json!({}));
        let context = world.trigger("east", "delivery", json!({}));
        world.trigger_in(context, "west", "delivery", json!({}));
        assert_eq!(world.state(context), ContextState::Waiting, "another one is in front");
        world.control(control, context, Some("west"));
        assert_eq!(world.state(context), ContextState::Started, "the east runs");
    }
}

#[test]
fn every_control_is_recorded_with_who_and_what() {
    let mut world = dev();
    let context = trigger(&mut world);
    world.pause(context);
    world.resume(context);
    world.control(Control::Abort, context, Some("dev"));
    let records: Vec<_> = world.audit.iter().map(|record| (&record.by, &record.action)).collect();
    let expected = [(Control::Pause, None), (Control::Resume, None), (Control::Abort, Some("dev"))];
    for ((by, action), (control, stage)) in records.into_iter().zip(expected) {
        assert_eq!(*by, ada());
        let Action::Controlled { control: done, context: of, stage: only } = action else {
            panic!("{action:?}")
        };
        let only = only.as_ref().map(crate::names::StageName::as_str);
        assert_eq!((*done, *of, only), (control, context, stage));
    }
    assert_eq!(world.audit.len(), 3);
}

#[test]
fn a_context_of_many_sequences_is_controlled_in_pages() {
    let mut world = dev();
    let context = trigger(&mut world);
    for service in 0..7 {
        let service = json!({"service": format!("s{service}")});
        world.trigger_in(context, "dev", "delivery", service);
    }
    assert_eq!(world.holders.len(), 8);
    world.pause(context);
    assert!(world.holders.is_empty());
    world.resume(context);
    assert_eq!(world.holders.len(), 8);
    world.abort(context);
    assert!(world.holders.is_empty() && world.open.is_empty());
    assert_eq!(world.events("dev.delivery.finished").len(), 8);
    assert_eq!(world.audit.len(), 3, "each control is recorded once");
}
