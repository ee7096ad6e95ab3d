//! What Keptn's own tests ask of its control plane, one test for each of theirs, named after it.

use serde_json::json;

use super::TOUR;
use super::world::{World, ada, fail, minutes, pass, warning, yard};
use crate::approval::Decision;
use crate::names::ContextId;
use crate::sequence::{ContextState, Control, ExecutionState, Reply};

const ONE_TASK: &str = "{ name: delivery, tasks: [{ name: mytask }] }";

fn dev(sequences: &[&str]) -> World {
    World::new(&yard(&[("dev", sequences)]))
}

fn trigger(world: &mut World) -> ContextId {
    world.trigger("dev", "delivery", json!({}))
}

#[test]
fn delivery() {
    let mut world = World::new(TOUR);
    let image = json!({"configurationChange": {"values": {"image": "hello:v1"}}});
    let context = world.trigger("production", "delivery", image);
    world.vote(world.open_task("approval"), Decision::Approve, None, &ada()).unwrap();
    world.execute("deployment", pass());
    let lane = &world.run(context, "production").scope;
    assert_eq!(world.deployed[lane].last().unwrap().image, "hello:v1");
    assert_eq!(world.stage(context, "production").image.as_deref(), Some("hello:v1"));
    assert_eq!(world.contexts[&context].stages.len(), 1, "any stage can be the first");
}

#[test]
fn trigger_next_sequence_on_success() {
    let after = "{ name: after, triggeredOn: [{ event: dev.delivery.finished }], \
                 tasks: [{ name: next }] }";
    for (answer, follows) in [(pass(), 1), (warning(), 1), (fail(), 0)] {
        let mut world = dev(&[ONE_TASK, after]);
        trigger(&mut world);
        world.execute("mytask", answer);
        assert_eq!(world.open_tasks("next").len(), follows);
    }
}

#[test]
fn trigger_next_sequence_on_failure() {
    let after = "{ name: after, triggeredOn: [{ event: dev.delivery.finished, selector: { match: \
                 { result: fail } } }], tasks: [{ name: next }] }";
    for (answer, follows) in [(pass(), 0), (warning(), 0), (fail(), 1)] {
        let mut world = dev(&[ONE_TASK, after]);
        trigger(&mut world);
        world.execute("mytask", answer);
        assert_eq!(world.open_tasks("next").len(), follows);
    }
}

#[test]
fn sequence_queue() {
    let mut world = dev(&[ONE_TASK]);
    trigger(&mut world);
    let second = trigger(&mut world);
    assert_eq!(world.state(second), ContextState::Waiting);
    assert_eq!(world.events("mytask.triggered").len(), 1, "no event for the second");
    world.execute("mytask", fail());
    assert_eq!(world.state(second), ContextState::Started);
    assert_eq!(world.whose("mytask"), second);
}

#[test]
fn sequence_queue_with_timeout() {
    let mut world = dev(&[ONE_TASK]);
    let first = trigger(&mut world);
    world.advance(minutes(5));
    let second = trigger(&mut world);
    world.advance(minutes(5));
    assert_eq!(world.state(first), ContextState::TimedOut);
    assert_eq!(world.whose("mytask"), second);
}

#[test]
fn sequence_queue_approval() {
    let mut world = dev(&["{ name: delivery, tasks: [{ name: approval }, { name: mytask }] }"]);
    let first = trigger(&mut world);
    let second = trigger(&mut world);
    let approvals = world.open_tasks("approval");
    assert_eq!(approvals.len(), 2, "the second runs while the first waits for a person");
    world.vote(approvals[1], Decision::Approve, None, &ada()).unwrap();
    assert_eq!(world.whose("mytask"), second);
    world.vote(approvals[0], Decision::Approve, None, &ada()).unwrap();
    assert_eq!(world.whose("mytask"), second, "the first waits until the second is finished");
    world.execute("mytask", pass());
    assert_eq!(world.whose("mytask"), first);
}

#[test]
fn sequence_queue_trigger_multiple() {
    let mut world = dev(&[ONE_TASK]);
    let contexts: Vec<_> = (0..10).map(|_| trigger(&mut world)).collect();
    for context in contexts {
        assert_eq!(world.whose("mytask"), context, "in chronological order, one at a time");
        assert_eq!(world.state(context), ContextState::Started);
        world.abort(context);
    }
    assert!(world.open.is_empty());
}

#[test]
fn sequence_state_parallel_stages() {
    let follows = "{ name: delivery, triggeredOn: [{ event: dev.delivery.finished }], \
                   tasks: [{ name: mytask }] }";
    let mut world =
        World::new(&yard(&[("dev", &[ONE_TASK]), ("prod-a", &[follows]), ("prod-b", &[follows])]));
    let context = trigger(&mut world);
    world.execute("mytask", pass());
    let both = world.open_tasks("mytask");
    assert_eq!((both.len(), world.contexts[&context].stages.len()), (2, 3));
    for (index, task) in both.into_iter().enumerate() {
        assert_eq!(world.state(context), ContextState::Started, "not before both are done");
        world.start(task);
        world.finish(task, pass());
        let stage = &world.contexts[&context].stages[index + 1];
        let latest = stage.latest_event.as_ref().unwrap();
        assert_eq!(latest.kind, format!("sh.keptn.event.{}.delivery.finished", stage.name));
        assert_eq!(stage.state, "succeeded");
    }
    assert_eq!(world.state(context), ContextState::Finished);
    assert_eq!(world.contexts.len(), 1);
}

#[test]
fn sequence_not_found() {
    for (stage, sequence, message) in [
        ("dev", "nothing", "no task sequence with name nothing found in stage dev"),
        ("nowhere", "delivery", "no stage with name nowhere"),
    ] {
        let mut world = dev(&[ONE_TASK]);
        let context = world.trigger(stage, sequence, json!({}));
        assert_eq!(world.state(context), ContextState::Finished);
        let data = world.data(&format!("{stage}.{sequence}.finished"));
        assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
        assert_eq!(data["message"], format!("Unable to start sequence {sequence}: {message}"));
    }
}

#[test]
fn invalid_shipyard() {
    let mut world = dev(&[ONE_TASK]);
    world.unreadable = Some("shipyard.yaml:1:1: no stages".to_owned());
    let context = trigger(&mut world);
    assert_eq!(world.state(context), ContextState::Finished);
    let finished = world.events("dev.delivery.finished")[0];
    assert_eq!(finished.event.triggered_id, Some(world.run(context, "dev").trigger));
    assert_eq!(finished.event.data["status"], "errored");
    assert!(world.stage(context, "dev").latest_failed_event.is_some());
}

#[test]
fn sequence_timeout() {
    let mut world = dev(&[ONE_TASK]);
    let context = trigger(&mut world);
    world.advance(minutes(9));
    assert_eq!(world.state(context), ContextState::Started);
    world.advance(minutes(1));
    assert_eq!(world.state(context), ContextState::TimedOut);
    assert_eq!(world.stage(context, "dev").state, "errored");
    assert!(world.open.is_empty());
}

#[test]
fn delayed_task() {
    let mut world = dev(&["{ name: delivery, tasks: [{ name: mytask, triggeredAfter: 1h }] }"]);
    let context = trigger(&mut world);
    world.advance(minutes(59));
    assert_eq!(world.state(context), ContextState::Started, "not timed out before it was sent");
    assert!(world.events("mytask.triggered").is_empty());
    world.advance(minutes(1));
    let sent = &world.events("mytask.triggered")[0].event;
    assert!(sent.time.duration_since(world.contexts[&context].time) >= minutes(60));
    world.advance(minutes(10));
    assert_eq!(world.state(context), ContextState::TimedOut, "but after it");
}

#[test]
fn delayed_task_cancel_sequence() {
    let mut world = dev(&["{ name: delivery, tasks: [{ name: mytask, triggeredAfter: 10m }] }"]);
    let context = trigger(&mut world);
    world.abort(context);
    assert_eq!(world.state(context), ContextState::Aborted);
    assert!(world.timers.is_empty());
    world.advance(minutes(60));
    assert!(world.events("mytask.triggered").is_empty());
}

#[test]
fn abort() {
    let mut world = dev(&[ONE_TASK]);
    let context = trigger(&mut world);
    let task = world.open_task("mytask");
    world.abort(context);
    assert_eq!(world.state(context), ContextState::Aborted);
    assert_eq!(world.stage(context, "dev").state, "aborted");
    assert!(world.open.is_empty());
    assert!(matches!(world.finish(task, pass()), Reply::Kept(_)), "too late");
    assert_eq!(world.state(context), ContextState::Aborted);
}

#[test]
fn abort_queued() {
    let mut world = dev(&[ONE_TASK]);
    let first = trigger(&mut world);
    let second = trigger(&mut world);
    let third = trigger(&mut world);
    world.abort(second);
    assert_eq!(world.state(second), ContextState::Aborted);
    assert_eq!(world.data("dev.delivery.finished")["status"], "aborted");
    world.abort(first);
    assert_eq!(world.whose("mytask"), third);
}

#[test]
fn abort_paused() {
    let mut world = dev(&[ONE_TASK]);
    let first = trigger(&mut world);
    let second = trigger(&mut world);
    for context in [first, second] {
        world.pause(context);
        world.abort(context);
        assert_eq!(world.state(context), ContextState::Aborted);
        assert!(world.contexts[&context].paused == Default::default());
    }
    assert!(world.open.is_empty() && world.holders.is_empty());
    trigger(&mut world);
    assert_eq!(world.open_tasks("mytask").len(), 1);
}

#[test]
fn abort_paused_partially_finished() {
    let mut world =
        dev(&["{ name: delivery, tasks: [{ name: mytask }, { name: next }, { name: last }] }"]);
    let context = trigger(&mut world);
    world.execute("mytask", pass());
    world.start(world.open_task("next"));
    world.pause(context);
    world.finish(world.open_task("next"), pass());
    world.abort(context);
    assert_eq!(world.state(context), ContextState::Aborted);
    assert!(world.open.is_empty() && world.events("last.triggered").is_empty());
}

#[test]
fn abort_paused_multi_stage() {
    let follows = "{ name: delivery, triggeredOn: [{ event: dev.delivery.finished }], \
                   tasks: [{ name: mytask }, { name: next }] }";
    let mut world =
        World::new(&yard(&[("dev", &[ONE_TASK]), ("prod-a", &[follows]), ("prod-b", &[follows])]));
    let context = trigger(&mut world);
    world.execute("mytask", pass());
    let first = world.open_tasks("mytask")[0];
    world.start(first);
    world.pause(context);
    world.finish(first, pass());
    world.abort(context);
    assert_eq!(world.state(context), ContextState::Aborted);
    assert!(world.open.is_empty() && world.events("next.triggered").is_empty());
    for stage in ["prod-a", "prod-b"] {
        assert_eq!(world.stage(context, stage).state, "aborted");
    }
}

#[test]
fn pause_sequence() {
    let mut world = dev(&[ONE_TASK]);
    let first = trigger(&mut world);
    world.pause(first);
    let second = trigger(&mut world);
    assert_eq!(world.state(second), ContextState::Started, "another one starts meanwhile");
    assert_eq!(world.open_tasks("mytask").len(), 2);
}

#[test]
fn pause_and_resume() {
    let mut world = dev(&["{ name: delivery, tasks: [{ name: mytask }, { name: next }] }"]);
    let context = trigger(&mut world);
    world.pause(context);
    assert_eq!(world.state(context), ContextState::Paused);
    world.execute("mytask", pass());
    assert!(world.open_tasks("next").is_empty());
    assert_eq!(world.state(context), ContextState::Paused);
    world.resume(context);
    assert_eq!(world.state(context), ContextState::Started);
    world.execute("next", pass());
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn unknown_status() {
    for answer in [
        json!({"result": "pass", "status": "fine"}),
        json!({"result": "good", "status": "succeeded"}),
        json!({"status": "succeeded"}),
        json!({"result": "pass"}),
    ] {
        let mut world = dev(&["{ name: delivery, tasks: [{ name: mytask }, { name: next }] }"]);
        let context = trigger(&mut world);
        world.execute("mytask", answer);
        assert_eq!(world.state(context), ContextState::Finished);
        assert_eq!(world.data("dev.delivery.finished")["result"], "fail");
        assert!(world.events("next.triggered").is_empty());
    }
}

#[test]
fn sequence_loop() {
    let again = "{ name: delivery, triggeredOn: [{ event: dev.delivery.finished, selector: \
                 { match: { mytask.result: fail } } }], tasks: [{ name: mytask }, { name: other }] }";
    let mut world = dev(&[again]);
    let context = trigger(&mut world);
    world.execute("mytask", fail());
    assert_eq!(world.whose("mytask"), context, "once more, in the same context");
    world.execute("mytask", pass());
    world.execute("other", fail());
    assert!(world.open_tasks("mytask").is_empty(), "another task has failed");
    assert_eq!(world.contexts[&context].executions, 2);
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn delivery_assistant() {
    let strategies = ["automatic", "manual"];
    for (on_pass, on_warning) in strategies.iter().flat_map(|a| strategies.map(|b| (*a, b))) {
        let approval = format!(
            "{{ name: delivery, tasks: [{{ name: approval, properties: {{ pass: {on_pass}, \
             warning: {on_warning} }} }}, {{ name: mytask }}] }}"
        );
        for (result, strategy) in
            [("pass", on_pass), ("warning", on_warning), ("fail", "fail"), ("", "manual")]
        {
            let mut world = dev(&[approval.as_str()]);
            let data = if result.is_empty() { json!({}) } else { json!({"result": result}) };
            let context = world.trigger("dev", "delivery", data);
            assert_eq!(world.events("approval.started").len(), 1, "always");
            let state = &world.run(context, "dev").state;
            let what = format!("{on_pass}/{on_warning}, {result}");
            match strategy {
                "automatic" => {
                    assert_eq!(world.data("approval.finished")["result"], "pass", "{what}");
                    assert_eq!(world.whose("mytask"), context, "{what}");
                }
                "fail" => {
                    assert_eq!(world.data("approval.finished")["result"], "fail", "{what}");
                    assert_eq!(world.data("dev.delivery.finished")["result"], "fail", "{what}");
                }
                _ => {
                    let waits = matches!(state, ExecutionState::WaitingForApproval { .. });
                    assert!(waits && world.events("approval.finished").is_empty(), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_control_of_an_unknown_context_changes_nothing() {
    let mut world = dev(&[ONE_TASK]);
    for control in [Control::Pause, Control::Resume, Control::Abort] {
        let reply = world.control(control, ContextId::from_bytes([9; 16]), None);
        assert!(matches!(reply, Reply::Kept(_)));
    }
    assert!(world.audit.is_empty() && world.log.is_empty());
}
