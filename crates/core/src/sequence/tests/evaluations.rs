//! What moves around an evaluation: who is handed which event, and how long it waits for values.

use serde_json::json;

use super::world::{World, jobs, machine, minutes, pass, yard};
use crate::built_in::BuiltIn;
use crate::event::EventKind;
use crate::names::{ContextId, EventId, ProjectName};
use crate::principal::Principal;
use crate::sequence::{ContextState, Disposition, Input, Reply, Timer};

const GATED: &str = "{ name: delivery, tasks: [{ name: test }, { name: evaluation }] }";

fn gate() -> Principal {
    Principal::built_in(BuiltIn::Gate)
}

/// A sequence whose evaluation has been started by the gate.
fn evaluating() -> (World, ContextId, EventId) {
    let mut world = World::new(&yard(&[("qa", &[GATED])]));
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("test", pass());
    let task = world.open_task("evaluation");
    let started = world.answer_of("started", task, json!({}));
    world.send(Input::Started(started), &gate()).unwrap();
    (world, context, task)
}

/// The gate asks for values, for its task where it says so.
fn ask(world: &mut World, context: ContextId, task: Option<EventId>) -> EventId {
    let scope = json!({"project": "tour", "stage": "qa", "service": "hello"});
    let event = world.event("sh.keptn.event.get-sli.triggered", task, scope, Some(context));
    let (id, project) = (event.id, ProjectName::new("tour").unwrap());
    world.send(Input::Record { project, event, reason: None }, &gate()).unwrap();
    id
}

/// What was delivered last, by the name of the task.
fn delivered(world: &World, task: &str) -> Vec<BuiltIn> {
    let of_task = |id: EventId| {
        let entry = world.log.iter().find(|entry| entry.event.id == id).unwrap();
        matches!(entry.event.kind.kind(), EventKind::Task { task: name, .. } if name == task)
    };
    world.delivered.iter().filter(|one| of_task(one.event)).map(|one| one.to).collect()
}

#[test]
fn each_event_goes_to_those_who_work_on_it() {
    let (mut world, context, task) = evaluating();
    assert_eq!(delivered(&world, "test"), [BuiltIn::Jobs]);
    assert_eq!(delivered(&world, "evaluation"), [BuiltIn::Jobs, BuiltIn::Gate]);
    let question = ask(&mut world, context, Some(task));
    assert_eq!(delivered(&world, "get-sli"), [BuiltIn::Sli]);
    for phase in ["started", "finished"] {
        let answer = world.answer_of(phase, question, json!({}));
        let input = match phase {
            "started" => Input::Started(answer),
            _ => Input::Finished(answer),
        };
        assert_eq!(world.send(input, &machine()).unwrap(), Reply::Accepted);
        assert_eq!(world.log.last().unwrap().disposition, Disposition::Accepted);
    }
    assert_eq!(delivered(&world, "get-sli"), [BuiltIn::Sli, BuiltIn::Gate]);
}

#[test]
fn an_evaluation_whose_values_never_come_hears_that_the_provider_failed() {
    let (mut world, context, task) = evaluating();
    ask(&mut world, context, Some(task));
    world.advance(minutes(9));
    assert!(world.events("get-sli.finished").is_empty());
    world.advance(minutes(1));
    let data = world.data("get-sli.finished");
    assert_eq!((&data["status"], &data["result"]), (&json!("errored"), &json!("fail")));
    assert!(data["message"].as_str().unwrap().contains("within 10m"), "{data:?}");
    assert_eq!(data["service"], "hello");
    assert_eq!(delivered(&world, "get-sli"), [BuiltIn::Sli, BuiltIn::Gate]);
    assert_eq!(world.open_task("evaluation"), task, "the gate says what that means");
}

#[test]
fn nothing_is_waited_for_once_the_evaluation_is_over() {
    let over = |end: fn(&mut World, ContextId, EventId)| {
        let (mut world, context, task) = evaluating();
        ask(&mut world, context, Some(task));
        assert!(world.timers.contains_key(&Timer::Unmeasured(task)));
        end(&mut world, context, task);
        assert!(!world.timers.contains_key(&Timer::Unmeasured(task)));
        world.advance(minutes(60));
        assert!(world.events("get-sli.finished").is_empty());
    };
    over(|world, _, task| drop(world.finish_by(task, pass(), &gate())));
    over(|world, context, _| drop(world.abort(context)));
}

#[test]
fn whoever_configures_monitoring_names_the_provider_of_the_project() {
    let mut world = World::new(&yard(&[("qa", &[GATED])]));
    let mut configure = |kind: &str| {
        let data = json!({"project": "tour", "service": "hello", "type": kind});
        let event = world.event("sh.keptn.event.monitoring.configure", None, data, None);
        let project = ProjectName::new("tour").unwrap();
        world.send(Input::Record { project, event, reason: None }, &machine()).unwrap();
        (world.sli_provider.clone(), world.delivered.last().unwrap().to)
    };
    let to = BuiltIn::Sli;
    assert_eq!(configure(""), (None, to));
    assert_eq!(configure("dynatrace"), (Some("dynatrace".to_owned()), to));
    assert_eq!(configure("prometheus"), (Some("prometheus".to_owned()), to));
    assert_eq!(configure(&"x".repeat(300)), (Some("prometheus".to_owned()), to));
}

#[test]
fn a_question_about_nothing_is_kept_and_not_waited_for() {
    let (mut world, context, task) = evaluating();
    ask(&mut world, context, None);
    ask(&mut world, ContextId::from_bytes([9; 16]), Some(task));
    ask(&mut world, context, Some(EventId::from_bytes([9; 16])));
    assert!(!world.timers.keys().any(|timer| matches!(timer, Timer::Unmeasured(_))));
}

#[test]
fn a_gate_runs_no_program_so_an_abort_frees_the_lane_at_once() {
    for (by, is_free) in [(gate(), true), (jobs(), false)] {
        let mut world = World::new(&yard(&[("qa", &[GATED])]));
        let context = world.trigger("qa", "delivery", json!({}));
        world.execute("test", pass());
        let task = world.open_task("evaluation");
        let started = world.answer_of("started", task, json!({}));
        world.send(Input::Started(started), &by).unwrap();
        world.abort(context);
        let next = world.trigger("qa", "delivery", json!({}));
        let expected = if is_free { ContextState::Started } else { ContextState::Waiting };
        assert_eq!(world.state(next), expected, "{by}");
    }
}
