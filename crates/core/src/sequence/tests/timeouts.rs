use serde_json::json;

use super::TOUR;
use super::world::{World, jobs, minutes, pass, yard};
use crate::names::ContextId;
use crate::sequence::{ContextState, Disposition, ExecutionState, Input, Reply, Timer};

const ONE_TASK: &str = "{ name: delivery, tasks: [{ name: mytask }] }";

fn running() -> (World, ContextId) {
    let mut world = World::new(&yard(&[("dev", &[ONE_TASK])]));
    let context = world.trigger("dev", "delivery", json!({}));
    (world, context)
}

#[test]
fn a_task_that_nobody_takes_ends_its_sequence_errored_in_keptns_words() {
    let (mut world, context) = running();
    world.advance(minutes(10));
    let data = world.data("dev.delivery.finished");
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    assert_eq!(
        data["message"],
        "sequence timed out while waiting for task sh.keptn.event.mytask.triggered to receive a \
         correlating .started or .finished event"
    );
    assert!(matches!(world.run(context, "dev").state, ExecutionState::TimedOut { .. }));
    assert!(world.stage(context, "dev").latest_failed_event.is_some());
}

#[test]
fn nothing_follows_a_time_out() {
    let after = "{ name: after, triggeredOn: [{ event: dev.delivery.finished, selector: { match: \
                 { result: fail } } }], tasks: [{ name: next }] }";
    let mut world = World::new(&yard(&[("dev", &[ONE_TASK, after])]));
    world.trigger("dev", "delivery", json!({}));
    world.advance(minutes(10));
    assert!(world.events("dev.after.triggered").is_empty());
}

#[test]
fn whoever_has_answered_at_all_has_as_long_as_it_takes() {
    for phase in ["started", "finished"] {
        let (mut world, context) = running();
        world.advance(minutes(9));
        let task = world.open_task("mytask");
        let answer = world.answer_of(phase, task, pass());
        let input = match phase {
            "started" => Input::Started(answer),
            _ => Input::Finished(answer),
        };
        world.send(input, &jobs()).unwrap();
        world.advance(minutes(60 * 24));
        assert_eq!(world.state(context), ContextState::Started);
        assert_eq!(world.open_task("mytask"), task);
    }
}

#[test]
fn an_answer_to_something_else_does_not_keep_a_task_alive() {
    let (mut world, context) = running();
    let task = world.open_task("mytask");
    let mut answer = world.answer_of("started", task, json!({}));
    answer.event.context = ContextId::from_bytes([9; 16]);
    world.send(Input::Started(answer), &jobs()).unwrap();
    world.advance(minutes(10));
    assert_eq!(world.state(context), ContextState::TimedOut);
}

#[test]
fn an_answer_after_a_time_out_is_too_late() {
    let (mut world, context) = running();
    let task = world.open_task("mytask");
    world.advance(minutes(10));
    for _ in 0..2 {
        assert!(matches!(world.start(task), Reply::Kept(_)));
        assert_eq!(world.log.last().unwrap().disposition, Disposition::Late);
    }
    assert_eq!(world.state(context), ContextState::TimedOut);
}

#[test]
fn a_job_that_has_not_started_is_called_off() {
    let (mut world, _) = running();
    let task = world.open_task("mytask");
    world.advance(minutes(10));
    assert_eq!(world.cancelled, [task]);
}

#[test]
fn a_timer_that_fires_once_more_gives_nobody_up() {
    let (mut world, context) = running();
    let task = world.open_task("mytask");
    world.advance(minutes(10));
    let next = world.trigger("dev", "delivery", json!({}));
    assert!(matches!(world.fire(Timer::Unstarted(task)), Reply::Kept(_)));
    assert_eq!(world.state(context), ContextState::TimedOut);
    assert_eq!(world.state(next), ContextState::Started);
    assert_eq!(world.events("dev.delivery.finished").len(), 1);
}

#[test]
fn an_earlier_delays_timer_does_not_set_off_the_next_delay() {
    let tasks =
        "tasks: [{ name: first, triggeredAfter: 1m }, { name: second, triggeredAfter: 1h }]";
    let mut world = World::new(&yard(&[("dev", &[&format!("{{ name: delivery, {tasks} }}")])]));
    let context = world.trigger("dev", "delivery", json!({}));
    let timer = Timer::Delay(world.run(context, "dev").id);
    world.advance(minutes(1));
    world.execute("first", pass());
    let due = world.timers[&timer];
    assert!(matches!(world.fire(timer), Reply::Kept(_)), "it fires once more");
    assert!(world.events("second.triggered").is_empty());
    assert_eq!(world.timers[&timer], due, "and is set still");
    world.advance(minutes(60));
    assert_eq!(world.open_tasks("second").len(), 1);
}

#[test]
fn a_paused_task_that_nobody_takes_is_given_up_too() {
    let (mut world, context) = running();
    world.pause(context);
    world.advance(minutes(10));
    assert_eq!(world.state(context), ContextState::TimedOut);
    assert!(world.contexts[&context].paused == Default::default());
}

#[test]
fn an_approval_waits_for_ever() {
    let mut world = World::new(TOUR);
    let context = world.trigger("production", "delivery", json!({}));
    assert!(world.timers.is_empty());
    world.advance(minutes(60 * 24 * 365));
    assert_eq!(world.state(context), ContextState::Started);
    assert_eq!(world.open_tasks("approval").len(), 1);
}

#[test]
fn a_context_has_timed_out_when_nothing_else_of_it_is_under_way() {
    let mut world = World::new(&yard(&[("east", &[ONE_TASK]), ("west", &[ONE_TASK])]));
    let context = world.trigger("east", "delivery", json!({}));
    world.start(world.open_task("mytask"));
    world.trigger_in(context, "west", "delivery", json!({}));
    world.advance(minutes(10));
    assert_eq!(world.stage(context, "west").state, "errored");
    assert_eq!(world.state(context), ContextState::Started, "the east runs");
    world.finish(world.open_task("mytask"), pass());
    assert_eq!(world.state(context), ContextState::TimedOut);
    world.trigger_in(context, "east", "delivery", json!({}));
    assert_eq!(world.state(context), ContextState::Started, "a new trigger begins anew");
    world.execute("mytask", pass());
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn a_clock_that_was_set_is_named_with_the_time_out() {
    let (mut world, _) = running();
    let timer = Timer::Unstarted(world.open_task("mytask"));
    let project = crate::names::ProjectName::new("tour").unwrap();
    let input = Input::TimerDue { project, timer, clock_was_set: true };
    world.send(input, &jobs()).unwrap();
    let message = world.data("dev.delivery.finished")["message"].as_str().unwrap();
    assert!(message.ends_with("(the clock of the server was set meanwhile)"), "{message}");
}

#[test]
fn ten_sequences_of_a_context_start_in_a_second_and_no_more() {
    let (mut world, context) = running();
    for service in 1..25 {
        let service = json!({"service": format!("s{service}")});
        world.trigger_in(context, "dev", "delivery", service);
    }
    assert_eq!(world.open_tasks("mytask").len(), 10);
    let other = world.trigger("dev", "delivery", json!({"service": "other"}));
    assert_eq!(world.state(other), ContextState::Started, "another context is not held up");
    world.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(world.open_tasks("mytask").len(), 21);
    world.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(world.open_tasks("mytask").len(), 26);
}

#[test]
fn a_clock_that_was_put_back_does_not_hold_up_starts_for_long() {
    let (mut world, context) = running();
    world.set_back(minutes(60));
    world.trigger_in(context, "dev", "delivery", json!({"service": "other"}));
    assert_eq!(world.open_tasks("mytask").len(), 2);
}
