use serde_json::json;

use super::TOUR;
use super::world::{World, fail, pass, warning, yard};
use crate::names::CommitId;
use crate::sequence::{ContextState, Control, Reply};

const FIRST: &str = "{ name: delivery, tasks: [{ name: first }, { name: last }] }";

/// What follows `dev.delivery` with this selector.
fn after(selector: &str) -> World {
    let after = format!(
        "{{ name: after, triggeredOn: [{{ event: dev.delivery.finished{selector} }}], \
         tasks: [{{ name: next }}] }}"
    );
    World::new(&yard(&[("dev", &[FIRST, &after])]))
}

#[test]
fn a_selector_asks_for_the_result_or_for_that_of_the_last_task() {
    let errored = json!({"result": "pass", "status": "errored"});
    for (selector, answer, follows) in [
        ("", pass(), true),
        ("", warning(), true),
        ("", fail(), false),
        // Keptn 1.4 compares results, never the status.
        ("", errored.clone(), true),
        (", selector: {}", pass(), true),
        (", selector: { match: {} }", pass(), false),
        (", selector: { match: { result: pass } }", pass(), true),
        (", selector: { match: { result: pass } }", warning(), false),
        (", selector: { match: { result: warning } }", warning(), true),
        (", selector: { match: { result: fail } }", fail(), true),
        (", selector: { match: { result: failed } }", fail(), false),
        (", selector: { match: { last.result: fail } }", fail(), true),
        (", selector: { match: { last.result: pass } }", pass(), true),
        (", selector: { match: { first.result: pass } }", pass(), false),
        (", selector: { match: { last.result: fail, result: pass } }", pass(), true),
        (", selector: { match: { status: succeeded } }", pass(), false),
        (", selector: { match: { status: errored } }", errored, false),
    ] {
        let mut world = after(selector);
        let context = world.trigger("dev", "delivery", json!({}));
        world.execute("first", pass());
        world.execute("last", answer.clone());
        assert_eq!(world.open_tasks("next").len() == 1, follows, "{selector} on {answer}");
        let state = if follows { ContextState::Started } else { ContextState::Finished };
        assert_eq!(world.state(context), state, "{selector} on {answer}");
    }
}

#[test]
fn the_last_task_is_the_one_that_was_executed_last() {
    let mut world = after(", selector: { match: { first.result: fail } }");
    world.trigger("dev", "delivery", json!({}));
    world.execute("first", fail());
    assert_eq!(world.open_tasks("next").len(), 1);
}

#[test]
fn each_matching_entry_triggers_its_sequence_once() {
    let twice = "{ name: after, triggeredOn: [{ event: dev.delivery.finished }, \
                 { event: dev.delivery.finished, selector: { match: { result: pass } } }, \
                 { event: dev.other.finished }], tasks: [{ name: next }] }";
    let mut world = World::new(&yard(&[("dev", &[FIRST, twice])]));
    let context = world.trigger("dev", "delivery", json!({}));
    world.execute("first", pass());
    world.execute("last", pass());
    assert_eq!(world.events("dev.after.triggered").len(), 2);
    world.execute("next", pass());
    world.execute("next", pass());
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn nothing_follows_what_could_not_start() {
    let mut world = after(", selector: { match: { result: fail } }");
    world.unreadable = Some("shipyard.yaml:1:1: no".to_owned());
    world.trigger("dev", "delivery", json!({}));
    assert!(world.events("dev.after.triggered").is_empty());
}

#[test]
fn all_data_travel_to_the_next_stage_but_for_the_message() {
    let mut world = World::new(TOUR);
    world.trigger(
        "qa",
        "delivery",
        json!({"labels": {"build": "7"}, "temporaryData": {"x": 1}, "message": "go", "own": "y"}),
    );
    world.execute(
        "deployment",
        json!({"result": "pass", "status": "succeeded", "deployment": {"a": "b"}}),
    );
    let tested = json!({"result": "warning", "status": "succeeded", "message": "slow",
        "labels": {"test": "ok"}, "test": {"end": "now"}});
    world.execute("test", tested);
    let data = world.data("production.delivery.triggered");
    assert_eq!(
        serde_json::Value::Object(data.clone()),
        json!({
            "project": "tour", "stage": "production", "service": "hello",
            "labels": {"build": "7", "test": "ok"}, "temporaryData": {"x": 1}, "own": "y",
            "deployment": {"a": "b"}, "test": {"end": "now"},
            "result": "warning", "status": "succeeded", "message": "",
        })
    );
}

#[test]
fn what_follows_reads_the_newest_commit_of_its_own_stage() {
    let mut world = World::new(TOUR);
    let asked = CommitId::new(&"a".repeat(40)).unwrap();
    world.commit_asked = Some(asked.clone());
    let context = world.trigger("qa", "delivery", json!({}));
    assert_eq!(world.events("deployment.triggered")[0].event.commit, Some(asked));
    world.execute("deployment", pass());
    world.execute("test", pass());
    assert_eq!(world.events("production.delivery.triggered")[0].event.commit, None);
    assert_eq!(world.run(context, "production").requested_commit, None);
}

#[test]
fn what_is_on_its_way_to_follow_is_aborted_with_its_context() {
    for stage in [None, Some("production")] {
        let mut world = World::new(TOUR);
        let context = world.trigger("qa", "delivery", json!({}));
        world.execute("deployment", pass());
        world.start(world.open_task("test"));
        world.holds_back = true;
        world.finish(world.open_task("test"), pass());
        assert_eq!(world.contexts[&context].open, 0);
        assert_eq!(world.state(context), ContextState::Started, "it is under way");
        assert_eq!(world.control(Control::Abort, context, stage), Reply::Accepted);
        assert_eq!(world.state(context), ContextState::Aborted);
        world.go_on();
        assert!(world.events("production.delivery.triggered").is_empty());
        assert!(world.open.is_empty() && world.contexts[&context].following.is_empty());
        assert_eq!(world.state(context), ContextState::Aborted);
    }
}

#[test]
fn what_is_on_its_way_to_follow_starts_paused_with_its_context() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.start(world.open_task("test"));
    world.holds_back = true;
    world.finish(world.open_task("test"), pass());
    world.pause(context);
    world.go_on();
    assert!(world.open_tasks("approval").is_empty());
    world.resume(context);
    assert_eq!(world.open_tasks("approval").len(), 1);
}
