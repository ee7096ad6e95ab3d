use jiff::SignedDuration;
use serde_json::json;

use super::TOUR;
use super::world::{World, fail, jobs, machine, pass};
use crate::event::{Scope, TaskResult};
use crate::sequence::{
    ContextState, Control, Disposition, ExecutionState, Input, Reply, TaskState,
};

#[test]
fn a_delivery_goes_through_both_stages_and_carries_its_data() {
    let mut world = World::new(TOUR);
    let image = json!({"configurationChange": {"values": {"image": "hello:v1"}}, "labels": {"build": "17"}});
    let context = world.trigger("qa", "delivery", image);
    world.execute(
        "deployment",
        json!({"result": "pass", "status": "succeeded",
        "message": "deployed", "deployment": {"deploymentNames": ["direct"]}}),
    );
    let test = world.events("test.triggered")[0].event.data.clone();
    assert_eq!(test["configurationChange"]["values"]["image"], "hello:v1");
    assert_eq!((&test["result"], &test["message"]), (&json!("pass"), &json!("")));
    assert_eq!(test["deployment"]["deploymentNames"], json!(["direct"]));
    world.execute("test", json!({"result": "warning", "status": "succeeded", "message": "slow"}));
    let finished = world.events("qa.delivery.finished")[0].event.data.clone();
    assert_eq!((&finished["result"], &finished["message"]), (&json!("warning"), &json!("slow")));
    assert!(finished.get("configurationChange").is_none());
    let next = &world.events("production.delivery.triggered")[0].event;
    assert_eq!(next.data["stage"], "production");
    assert_eq!(next.data["labels"], json!({"build": "17"}));
    assert_eq!(world.events("approval.triggered")[0].event.data["result"], "warning");
    world.finish(world.open_task("approval"), pass());
    world.execute("deployment", pass());
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
    assert!(world.open.is_empty());
    assert_eq!(
        world.story(context),
        [
            "qa.delivery.triggered",
            "deployment.triggered",
            "deployment.started",
            "deployment.finished",
            "test.triggered",
            "test.started",
            "test.finished",
            "qa.delivery.finished",
            "production.delivery.triggered",
            "approval.triggered",
            "approval.started",
            "approval.finished",
            "deployment.triggered",
            "deployment.started",
            "deployment.finished",
            "production.delivery.finished",
        ]
    );
}

#[test]
fn a_failed_task_ends_its_sequence_and_without_a_selector_nothing_follows() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", fail());
    assert!(world.events("test.triggered").is_empty());
    assert!(world.events("production.delivery.triggered").is_empty());
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
    assert!(world.contexts[&context].stages[0].latest_failed_event.is_some());
}

#[test]
fn an_early_finished_waits_for_its_started() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    world.finish(task, pass());
    assert_eq!(world.open_task("deployment"), task);
    world.start(task);
    assert_eq!(world.open_tasks("test").len(), 1);
}

/// Every order of so many things.
fn orders(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let insert = |shorter: Vec<usize>| {
        (0..of).map(move |place| {
            let mut order = shorter.clone();
            order.insert(place, of - 1);
            order
        })
    };
    orders(of - 1).into_iter().flat_map(insert).collect()
}

#[test]
fn in_whatever_order_two_executors_answer_the_task_completes_once_and_never_opens_again() {
    for order in orders(4) {
        let mut world = World::new(TOUR);
        world.trigger("qa", "delivery", json!({}));
        let task = world.open_task("deployment");
        let mut is_over = false;
        for answer in &order {
            match answer {
                0 | 1 => drop(world.start(task)),
                _ => drop(world.finish(task, pass())),
            }
            let now_over = world.open_tasks("deployment").is_empty();
            assert!(now_over || !is_over, "{order:?}: it opened again");
            is_over = now_over;
        }
        assert!(is_over, "{order:?}: as many have finished as have started");
        assert_eq!(world.events("test.triggered").len(), 1, "{order:?}");
    }
}

#[test]
fn surplus_finished_are_paired_in_order_and_change_nothing() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    world.finish(task, pass());
    world.finish(task, fail());
    world.start(task);
    assert_eq!(world.open_tasks("test").len(), 1, "the first finished counts");
    assert!(matches!(world.finish(task, fail()), Reply::Kept(_)));
    let late = world.log.last().unwrap();
    assert_eq!(late.disposition, Disposition::Late);
}

#[test]
fn several_executors_must_all_finish_and_the_worst_result_counts() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    world.start(task);
    world.start(task);
    world.finish(task, json!({"result": "warning", "status": "succeeded", "urls": ["a"]}));
    assert!(world.open_tasks("test").is_empty());
    world.finish(task, json!({"result": "pass", "status": "succeeded", "urls": ["b"]}));
    let test = &world.events("test.triggered")[0].event;
    assert_eq!(test.data["result"], "warning");
    assert_eq!(test.data["urls"], json!(["b", "a"]), "lists are joined, the newer first");
}

#[test]
fn the_same_answer_twice_counts_once() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    let started = world.answer_of("started", task, json!({}));
    world.send(Input::Started(started.clone()), &machine()).unwrap();
    let again = world.send(Input::Started(started), &machine()).unwrap();
    assert_eq!(again, Reply::Repeated);
    assert_eq!(world.log.last().unwrap().disposition, Disposition::Repeated);
    let finished = world.answer_of("finished", task, pass());
    world.send(Input::Finished(finished.clone()), &machine()).unwrap();
    assert_eq!(world.open_tasks("test").len(), 1);
    // Also when the task is over: a client that did not hear the answer asks again.
    world.send(Input::Finished(finished), &machine()).unwrap();
    assert_eq!(world.log.last().unwrap().disposition, Disposition::Repeated);
}

#[test]
fn an_unknown_status_fails_the_sequence() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", json!({"result": "pass", "status": "fine"}));
    assert_eq!(world.events("qa.delivery.finished")[0].event.data["result"], "fail");
}

#[test]
fn what_cannot_start_ends_errored_and_says_why() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "release", json!({}));
    let finished = &world.events("qa.release.finished")[0].event.data;
    assert_eq!(finished["status"], "errored");
    assert_eq!(
        finished["message"],
        "Unable to start sequence release: no task sequence with name release found in stage qa"
    );
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
    world.unreadable = Some("shipyard.yaml:3:1: not a shipyard".to_owned());
    world.trigger("qa", "delivery", json!({}));
    let finished = &world.events("qa.delivery.finished")[0].event.data;
    assert!(finished["message"].as_str().unwrap().contains("shipyard.yaml:3:1"));
    assert!(world.open.is_empty());
}

#[test]
fn a_shipyard_pushed_while_qa_runs_applies_to_production_but_not_to_qa() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    world.push_shipyard(&TOUR.replace(
        "- name: deployment\n        - name: rollback",
        "- name: release\n        - name: rollback",
    ));
    world.execute("deployment", pass());
    world.execute("test", pass());
    world.finish(world.open_task("approval"), pass());
    assert_eq!(world.open_tasks("release").len(), 1);
}

#[test]
fn a_sequence_that_triggers_itself_for_ever_is_stopped() {
    let looping = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: loop
          triggeredOn: [{ event: qa.loop.finished }]
          tasks: [{ name: approval, properties: { pass: automatic } }]
";
    let mut world = World::new(looping);
    let context = world.trigger("qa", "loop", json!({"result": "pass"}));
    assert!(world.events("qa.loop.triggered").len() <= 12, "it leaves room for the others");
    world.advance(SignedDuration::from_mins(2));
    assert_eq!(world.events("qa.loop.triggered").len(), 1001);
    let last = world.events("qa.loop.finished").pop().unwrap().event.data.clone();
    assert_eq!(last["status"], "errored");
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
}

#[test]
fn a_delayed_task_is_triggered_when_its_time_has_come_and_never_after_an_abort() {
    let delayed = TOUR.replace("{ name: test }", "{ name: test, triggeredAfter: 10m }");
    let mut world = World::new(&delayed);
    world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    assert!(world.open_tasks("test").is_empty());
    let timer = *world.timers.keys().next().unwrap();
    world.advance(SignedDuration::from_mins(9));
    assert!(world.open_tasks("test").is_empty());
    world.advance(SignedDuration::from_mins(1));
    assert_eq!(world.open_tasks("test").len(), 1);
    world.fire(timer);
    assert_eq!(world.open_tasks("test").len(), 1, "a timer that fires twice does nothing");
}

#[test]
fn events_of_an_unknown_project_are_kept_apart() {
    let mut world = World::new(TOUR);
    let data = json!({"project": "nowhere", "stage": "qa", "service": "hello"});
    let event = world.event("sh.keptn.event.qa.delivery.triggered", None, data, None);
    let scope = Scope::of(&event.data).unwrap();
    let reply = world.send(Input::Triggered { event, scope, by: machine() }, &machine()).unwrap();
    assert_eq!(reply, Reply::Kept("project nowhere does not exist".to_owned()));
    assert!(world.unmapped[0].project.is_unmapped() && world.log.is_empty());
    assert!(world.executions.is_empty());
}

#[test]
fn labels_that_pile_up_end_the_sequence_and_say_so() {
    let mut world = World::new(TOUR);
    let labels = |from: usize| {
        let all = (from..from + 60).map(|n| (format!("label-{n}"), json!("x")));
        serde_json::Value::Object(all.collect())
    };
    world.trigger("qa", "delivery", json!({"labels": labels(0)}));
    let mut answer = pass();
    answer["labels"] = labels(60);
    world.execute("deployment", answer);
    assert!(world.events("test.triggered").is_empty());
    let message = &world.events("qa.delivery.finished")[0].event.data["message"];
    assert!(message.as_str().unwrap().contains("data.labels"), "{message}");
}

#[test]
fn a_stage_is_aborted_and_the_others_go_on() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.execute("test", pass());
    let reply = world.control(Control::Abort, context, Some("qa"));
    assert!(matches!(reply, Reply::Kept(_)), "nothing of qa runs any more");
    assert_eq!(world.open_tasks("approval").len(), 1);
    assert_eq!(world.control(Control::Abort, context, Some("production")), Reply::Accepted);
    assert_eq!(world.contexts[&context].state, ContextState::Aborted);
}

#[test]
fn an_abort_ends_everything_and_nothing_follows() {
    let mut world = World::new(TOUR);
    let context = world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    world.start(task);
    world.abort(context);
    assert_eq!(world.contexts[&context].state, ContextState::Aborted);
    let finished = &world.events("qa.delivery.finished")[0].event.data;
    assert_eq!((&finished["status"], &finished["result"]), (&json!("aborted"), &json!("pass")));
    assert!(world.open.is_empty());
    assert!(matches!(world.finish(task, pass()), Reply::Kept(_)));
    assert!(matches!(world.abort(context), Reply::Kept(_)), "a second abort changes nothing");
}

#[test]
fn after_an_abort_the_lane_is_free_only_when_our_own_job_has_ended() {
    let mut world = World::new(TOUR);
    let first = world.trigger("qa", "delivery", json!({}));
    let task = world.open_task("deployment");
    let started = world.answer_of("started", task, json!({}));
    world.send(Input::Started(started), &jobs()).unwrap();
    world.trigger("qa", "delivery", json!({}));
    world.abort(first);
    assert_eq!(world.cancelled, [task]);
    assert!(world.open_tasks("deployment").is_empty(), "the second still waits");
    world.finish_by(task, fail(), &jobs());
    assert_eq!(world.open_tasks("deployment").len(), 1);
    assert_eq!(world.tasks[&task].state, TaskState::Over);
}

#[test]
fn the_result_of_a_sequence_is_that_of_its_last_task() {
    let mut world = World::new(TOUR);
    world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", json!({"result": "warning", "status": "succeeded"}));
    world.execute("test", pass());
    assert_eq!(world.events("qa.delivery.finished")[0].event.data["result"], "pass");
    let qa = world.executions.values().find(|e| e.scope.stage == "qa").unwrap();
    match &qa.state {
        ExecutionState::Finished { outcome, .. } => assert_eq!(outcome.result, TaskResult::Pass),
        other => panic!("{other:?}"),
    }
}
