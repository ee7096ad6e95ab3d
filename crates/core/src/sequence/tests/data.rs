//! The data of a task, and the events of a sequence.

use serde_json::{Value, json};

use super::world::{World, pass, yard};

fn sequence(tasks: &str) -> World {
    World::new(&yard(&[("dev", &[&format!("{{ name: delivery, tasks: [{tasks}] }}")])]))
}

fn of(world: &World, kind: &str) -> Value {
    Value::Object(world.data(kind).clone())
}

#[test]
fn the_first_task_gets_what_the_trigger_said_and_no_result_of_its_own() {
    let mut world = sequence("{ name: first }");
    world.trigger("dev", "delivery", json!({"own": {"deep": [1]}, "labels": {"a": "b"}}));
    assert_eq!(
        of(&world, "first.triggered"),
        json!({"project": "tour", "stage": "dev", "service": "hello", "own": {"deep": [1]},
            "labels": {"a": "b"}})
    );
    world.trigger("dev", "delivery", json!({"service": "x", "result": "fail", "status": "odd"}));
    let data = of(&world, "first.triggered");
    assert_eq!((&data["result"], &data["status"]), (&json!("fail"), &json!("odd")), "as it came");
}

#[test]
fn a_task_event_is_the_controllers_and_answers_nothing() {
    let mut world = sequence("{ name: first }");
    let context = world.trigger("dev", "delivery", json!({}));
    let event = &world.events("first.triggered")[0].event;
    assert_eq!((event.source.as_str(), event.triggered_id), ("shipyard-controller", None));
    assert_eq!(event.context, context);
    assert_eq!(event.to_value()["shkeptnspecversion"], "0.2.4");
    assert_eq!(event.to_value()["specversion"], "1.0");
}

#[test]
fn every_former_task_adds_all_of_its_data_and_the_last_one_its_result() {
    let mut world = sequence("{ name: first }, { name: second }, { name: third }");
    world.trigger("dev", "delivery", json!({"message": "go"}));
    world.execute(
        "first",
        json!({"result": "warning", "status": "succeeded", "message": "m",
        "first": {"a": "1"}, "more": "x", "stage": "elsewhere", "project": "other"}),
    );
    let data = of(&world, "second.triggered");
    assert_eq!(
        data,
        json!({"project": "tour", "stage": "dev", "service": "hello", "message": "",
        "result": "warning", "status": "succeeded", "first": {"a": "1"}, "more": "x"})
    );
    world.execute("second", json!({"result": "pass", "status": "succeeded", "first": {"b": "2"}}));
    let data = of(&world, "third.triggered");
    assert_eq!((&data["result"], &data["first"]), (&json!("pass"), &json!({"a": "1", "b": "2"})));
}

#[test]
fn properties_win_over_data_but_not_over_a_number_or_a_boolean() {
    let mut world = sequence(
        "{ name: first, properties: { text: ours, number: 2, flag: false, list: [ours], \
         deep: { x: ours } } }",
    );
    let theirs = json!({"text": "theirs", "number": 1, "flag": true, "list": ["theirs"],
        "deep": {"x": "theirs", "y": "theirs"}});
    world.trigger("dev", "delivery", json!({"first": theirs}));
    assert_eq!(
        of(&world, "first.triggered")["first"],
        json!({"text": "ours", "number": 1, "flag": true, "list": ["ours", "theirs"],
            "deep": {"x": "ours", "y": "theirs"}})
    );
}

#[test]
fn properties_are_those_of_their_task_and_do_not_stay() {
    let mut world = sequence("{ name: first, properties: { a: b } }, { name: second }");
    world.trigger("dev", "delivery", json!({}));
    world.execute("first", pass());
    assert!(of(&world, "second.triggered").get("first").is_none());
}

#[test]
fn a_task_that_is_called_like_a_part_of_the_scope_does_not_hide_it() {
    let mut world = sequence("{ name: stage, properties: { a: b } }");
    world.trigger("dev", "delivery", json!({}));
    assert_eq!(of(&world, "stage.triggered")["stage"], "dev");
}

#[test]
fn a_number_that_a_task_has_given_stays_and_lists_grow_at_their_front() {
    let mut world = sequence("{ name: first }, { name: first }, { name: first }");
    world.trigger("dev", "delivery", json!({}));
    for n in 1..=2 {
        world.execute(
            "first",
            json!({"result": "pass", "status": "succeeded",
            "evaluation": {"score": n}, "urls": [n]}),
        );
    }
    let data = of(&world, "first.triggered");
    assert_eq!(data["evaluation"]["score"], 1);
    assert_eq!(data["urls"], json!([2, 1]));
}

#[test]
fn a_sequence_ends_with_nothing_but_scope_labels_and_outcome() {
    let mut world = sequence("{ name: first }");
    world.trigger("dev", "delivery", json!({"own": "x", "labels": {"a": "b"}}));
    world.execute(
        "first",
        json!({"result": "warning", "status": "succeeded", "message": "m",
        "labels": {"c": "d"}, "first": {"x": "y"}}),
    );
    assert_eq!(
        of(&world, "dev.delivery.finished"),
        json!({"project": "tour", "stage": "dev", "service": "hello", "message": "m",
            "labels": {"a": "b", "c": "d"}, "result": "warning", "status": "succeeded"})
    );
    let event = &world.events("dev.delivery.finished")[0].event;
    let trigger = world.events("dev.delivery.triggered")[0].event.id;
    assert_eq!((event.source.as_str(), event.triggered_id), ("shipyard-controller", Some(trigger)));
}

#[test]
fn data_that_grow_too_large_end_the_sequence_and_name_the_largest_part() {
    let mut world = sequence("{ name: first }, { name: second }");
    let context = world.trigger("dev", "delivery", json!({"own": ["x".repeat(600_000)]}));
    world.execute(
        "first",
        json!({"result": "pass", "status": "succeeded",
        "own": ["x".repeat(600_000)]}),
    );
    assert!(world.events("second.triggered").is_empty());
    let data = of(&world, "dev.delivery.finished");
    assert_eq!(data["status"], "errored");
    assert!(data["message"].as_str().unwrap().contains("data.own"), "{}", data["message"]);
    assert_eq!(world.state(context), crate::sequence::ContextState::Finished);
}
