//! What a context says of itself.

use serde_json::json;

use super::TOUR;
use super::world::{World, fail, machine, pass, yard};
use crate::event::EventType;
use crate::names::ContextId;
use crate::sequence::{ContextState, ExecutionState, Input, LatestEvaluation};

#[test]
fn a_stage_says_nothing_before_its_first_task_and_its_status_at_its_end() {
    let mut world = World::new(TOUR);
    let busy = world.trigger("qa", "delivery", json!({}));
    let context = world.trigger("qa", "delivery", json!({}));
    assert_eq!(world.stage(context, "qa").state, "");
    assert_eq!(world.stage(context, "qa").latest_event, None);
    world.abort(busy);
    assert_eq!(world.stage(context, "qa").state, "triggered");
    for kind in ["started", "finished"] {
        let task = world.open_task("deployment");
        if kind == "started" {
            world.start(task);
        } else {
            world.finish(task, pass());
        }
        assert_eq!(world.stage(context, "qa").state, "triggered");
    }
    world.execute("test", json!({"result": "pass", "status": "errored"}));
    assert_eq!(world.stage(context, "qa").state, "errored");
}

#[test]
fn a_stage_that_was_just_entered_does_not_take_over_another_ones_status() {
    let mut world = World::new(TOUR);
    let busy = world.trigger("production", "rollback", json!({}));
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.execute("test", pass());
    assert_eq!(world.stage(context, "qa").state, "succeeded");
    assert_eq!(world.stage(context, "production").state, "", "{busy} runs there");
}

#[test]
fn a_failure_is_shown_for_good() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", fail());
    let failed = world.stage(context, "qa").latest_failed_event.clone().unwrap();
    assert_eq!(failed.kind, "sh.keptn.event.qa.delivery.finished");
    assert_eq!(world.state(context), ContextState::Finished, "what has failed is finished");
    world.trigger_in(context, "qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.execute("test", pass());
    assert_eq!(world.stage(context, "qa").latest_failed_event.as_ref(), Some(&failed));
}

#[test]
fn the_newest_event_of_a_stage_is_named() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.start(world.open_task("deployment"));
    let newest = world.stage(context, "qa").latest_event.clone().unwrap();
    assert_eq!(newest.kind, "sh.keptn.event.deployment.started");
    assert_eq!(newest.id, world.log.last().unwrap().event.id);
    let context = world.trigger("production", "delivery", json!({}));
    let newest = world.stage(context, "production").latest_event.clone().unwrap();
    assert_eq!(newest.kind, "sh.keptn.event.approval.started", "somebody must decide");
}

#[test]
fn the_image_is_the_one_that_is_to_be_deployed() {
    let mut world = World::new(TOUR);
    let image = |image: &str| json!({"configurationChange": {"values": {"image": image}}});
    let context = world.trigger("qa", "delivery", image("hello:v1"));
    assert_eq!(world.stage(context, "qa").image.as_deref(), Some("hello:v1"));
    world.execute("deployment", pass());
    world.execute("test", pass());
    assert_eq!(world.stage(context, "production").image, None, "not yet");
}

#[test]
fn an_evaluation_counts_when_the_lighthouse_has_made_it() {
    let evaluating = yard(&[("dev", &[])]);
    for (source, shown) in [("lighthouse-service", true), ("somebody", false)] {
        let mut world = World::new(&evaluating);
        let context = world.trigger("dev", "evaluation", json!({}));
        let task = world.open_task("evaluation");
        world.start(task);
        let mut data = pass();
        data["evaluation"] = json!({"result": "warning", "score": 80.5});
        let mut answer = world.answer_of("finished", task, data);
        answer.event.source = source.to_owned();
        world.send(Input::Finished(answer), &machine()).unwrap();
        let expected = LatestEvaluation { result: "warning".to_owned(), score: 80.5 };
        let found = world.stage(context, "dev").latest_evaluation.clone();
        assert_eq!(found, shown.then_some(expected));
    }
}

#[test]
fn a_stage_has_an_evaluation_unless_the_shipyard_says_otherwise() {
    let own = "{ name: evaluation, tasks: [{ name: own }] }";
    let mut world = World::new(&yard(&[("dev", &[own]), ("qa", &[])]));
    world.trigger("dev", "evaluation", json!({}));
    world.trigger("qa", "evaluation", json!({}));
    assert_eq!((world.open_tasks("own").len(), world.open_tasks("evaluation").len()), (1, 1));
    let mut world = World::new(&yard(&[("dev", &["{ name: evaluation, tasks: [] }"])]));
    world.trigger("dev", "evaluation", json!({}));
    let message = &world.data("dev.evaluation.finished")["message"];
    assert_eq!(
        message,
        "Unable to start sequence evaluation: task sequence evaluation does not contain any tasks"
    );
}

#[test]
fn a_context_is_named_after_its_first_trigger() {
    let mut world = World::new(TOUR);
    let data = json!({"labels": {"build": "7"}, "problem": {"ProblemTitle": "slow"}});
    let context = world.trigger("qa", "delivery", data);
    world.trigger_in(context, "production", "rollback", json!({"service": "other"}));
    let row = &world.contexts[&context];
    assert_eq!((row.name.as_str(), row.service.as_str()), ("delivery", "hello"));
    assert_eq!(row.problem_title.as_deref(), Some("slow"));
    assert_eq!(row.labels["build"], "7");
}

#[test]
fn a_sequence_behind_one_of_its_own_context_does_not_say_that_it_waits() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.trigger_in(context, "qa", "delivery", json!({}));
    assert_eq!(world.run(context, "qa").state, ExecutionState::Waiting);
    assert_eq!(world.state(context), ContextState::Started, "its first one runs");
    let other = world.trigger("qa", "delivery", json!({}));
    assert_eq!(world.state(other), ContextState::Waiting);
}

#[test]
fn a_new_trigger_takes_up_a_context_that_was_over() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.abort(context);
    world.trigger_in(context, "qa", "delivery", json!({}));
    assert_eq!(world.state(context), ContextState::Started);
    world.execute("deployment", fail());
    assert_eq!(world.state(context), ContextState::Finished);
    assert_eq!(world.contexts[&context].executions, 2);
}

#[test]
fn the_newest_event_of_each_type_is_known_per_stage_and_service() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    let scope = world.run(context, "qa").scope.clone();
    for kind in ["deployment.triggered", "deployment.started", "deployment.finished"] {
        let key = (scope.clone(), EventType::new(&format!("sh.keptn.event.{kind}")));
        let (row, event) = (&world.latest[&key], &world.events(kind)[0].event);
        assert_eq!((row.event, row.context, row.time), (event.id, context, event.time), "{kind}");
    }
    let mut stray =
        world.answer_of("finished", world.events("deployment.triggered")[0].event.id, pass());
    stray.event.context = ContextId::from_bytes([9; 16]);
    world.send(Input::Finished(stray.clone()), &machine()).unwrap();
    assert!(world.latest.values().all(|row| row.event != stray.event.id), "what counts is known");
}

#[test]
fn what_runs_in_a_stage_is_what_has_passed_its_deployment_there() {
    let mut world = World::new(TOUR);
    let image = |image: &str| json!({"configurationChange": {"values": {"image": image}}});
    let first = world.trigger("qa", "delivery", image("hello:v1"));
    world.execute("deployment", pass());
    world.abort(first);
    let second = world.trigger("qa", "delivery", image("hello:v2"));
    world.execute("deployment", fail());
    let lane = world.run(second, "qa").scope.clone();
    assert_eq!(world.deployed[&lane].last().unwrap().image, "hello:v1", "the second has failed");
    let other = json!({"service": "other", "configurationChange": {"values": {"image": "x:v1"}}});
    world.trigger("qa", "delivery", other);
    world.execute("deployment", pass());
    assert_eq!(world.deployed[&lane].len(), 1, "another service is another matter");
}
