//! Evidence that changes while an approval waits: who looked before decides nothing any more.

use serde_json::{Value, json};

use super::world::{World, ada, fail, grace, machine, pass, warning, yard};
use crate::approval::{Decision, Subject};
use crate::names::{ContextId, EventId, ProjectName};
use crate::quality::{INVALIDATED, RESTORED};
use crate::sequence::{Input, Refusal};

/// A gate in qa and a person before production; also a gate alone, to measure again.
fn world(policy: &str) -> World {
    let approval = format!(
        "{{ name: delivery, triggeredOn: [{{ event: qa.delivery.finished }}], tasks: [{{ name: approval, \
         properties: {{ pass: manual, warning: manual{policy} }} }}, {{ name: deployment }}] }}"
    );
    World::new(&yard(&[
        (
            "qa",
            &[
                "{ name: delivery, tasks: [{ name: deployment }, { name: test }, { name: evaluation }] }",
                "{ name: evaluation, tasks: [{ name: evaluation }] }",
            ],
        ),
        ("production", &[&approval]),
    ]))
}

fn deliver(world: &mut World, image: &str, verdict: Value) -> (ContextId, EventId) {
    let before = world.open_tasks("approval");
    let data = json!({"configurationChange": {"values": {"image": image}}});
    let context = world.trigger("qa", "delivery", data);
    world.execute("deployment", pass());
    world.execute("test", pass());
    world.execute("evaluation", verdict);
    let mut now = world.open_tasks("approval");
    now.retain(|id| !before.contains(id));
    (context, now[0])
}

/// Measures again in the same delivery.
fn again(world: &mut World, context: ContextId, verdict: Value) -> EventId {
    world.trigger_in(context, "qa", "evaluation", json!({}));
    let task = world.open_tasks("evaluation")[0];
    world.execute("evaluation", verdict);
    task
}

/// The task that the newest evaluation has answered.
fn gate(world: &World) -> EventId {
    world.events("evaluation.finished").last().unwrap().event.triggered_id.unwrap()
}

fn say(world: &mut World, kind: &str, task: EventId) -> EventId {
    let context = world.events("evaluation.triggered")[0].event.context;
    let data = json!({"project": "tour", "evaluation": {"reason": "no traffic"}});
    let event = world.event(kind, Some(task), data, Some(context));
    let (id, project) = (event.id, ProjectName::new("tour").unwrap());
    world.send(Input::Record { event, project, reason: None }, &machine()).unwrap();
    id
}

fn approve(world: &mut World, approval: EventId, seen: Subject) -> Result<String, String> {
    match world.vote_saying(approval, Decision::Approve, Some(seen), "fine", &grace()) {
        Ok(_) => Ok(world.data("approval.finished")["result"].as_str().unwrap().to_owned()),
        Err(Refusal::Stale { changed, now }) => {
            assert_eq!(now, world.subject(approval), "what is there now is named");
            Err(changed)
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn an_evaluation_that_is_declared_invalid_makes_what_was_seen_stale_until_it_counts_again() {
    let mut world = world("");
    let (_, approval) = deliver(&mut world, "hello:1", pass());
    let (seen, task) = (world.subject(approval), gate(&world));
    let because = say(&mut world, INVALIDATED, task);
    let row = &world.approvals[&approval];
    assert_eq!(row.evidence.last().unwrap().invalid, Some(because));
    assert_eq!(row.result, "pass", "what led here stays what it was");
    assert_eq!(row.revisions(), ["the evaluation in qa, pass, was declared invalid"]);
    assert_eq!(
        approve(&mut world, approval, seen),
        Err("the evaluation in qa, pass, was declared invalid".to_owned())
    );
    let doubted = world.subject(approval);
    say(&mut world, INVALIDATED, task);
    assert_eq!(world.subject(approval), doubted, "said twice, it is the same");
    say(&mut world, RESTORED, task);
    assert_eq!(world.subject(approval), seen, "it is exactly what it was");
    assert_eq!(
        approve(&mut world, approval, doubted),
        Err("the evaluation in qa, pass, counts again".to_owned())
    );
    assert_eq!(approve(&mut world, approval, seen), Ok("pass".to_owned()));
    assert_eq!(world.approvals[&approval].revisions(), [""; 0]);
}

#[test]
fn another_evaluation_of_the_delivery_makes_what_was_seen_stale() {
    let mut world = world("");
    let (context, approval) = deliver(&mut world, "hello:1", warning());
    let seen = world.subject(approval);
    again(&mut world, context, pass());
    assert_eq!(
        approve(&mut world, approval, seen),
        Err("the evaluation in qa was warning, now pass".to_owned())
    );
    assert_eq!(world.approvals[&approval].result, "warning", "nothing makes it better");
    again(&mut world, context, pass());
    assert_eq!(
        approve(&mut world, approval, seen),
        Err("the evaluation in qa was warning, now pass".to_owned())
    );
    let evidence = &world.approvals[&approval].evidence;
    assert_eq!(evidence.len(), 2, "one test, one evaluation: {evidence:?}");
    let now = world.subject(approval);
    assert_eq!(approve(&mut world, approval, now), Ok("pass".to_owned()));
}

#[test]
fn a_gate_that_fails_while_a_person_is_asked_is_overridden_by_approving() {
    for policy in ["", ", policy: { onFail: manual }"] {
        let mut world = world(policy);
        let (context, approval) = deliver(&mut world, "hello:1", pass());
        again(&mut world, context, fail());
        let now = world.subject(approval);
        assert!(world.approvals[&approval].overrides());
        if !policy.is_empty() {
            let mute = world.vote(approval, Decision::Approve, Some(now), &ada());
            assert_eq!(mute, Err(Refusal::NoReason));
        }
        again(&mut world, context, pass());
        assert!(world.approvals[&approval].overrides(), "measuring on until it fits hides nothing");
        let gate = world.approvals[&approval].failed_gate().unwrap().event;
        assert_eq!(world.events("evaluation.finished")[1].event.id, gate);
        let now = world.subject(approval);
        approve(&mut world, approval, now).unwrap();
        assert_eq!(world.data("approval.finished")["approval"]["overridden"], true);
        assert!(world.approvals[&approval].is_overridden());
    }
}

#[test]
fn measuring_what_runs_there_again_is_about_the_delivery_that_brought_it_and_no_other() {
    let mut world = world("");
    let (_, first) = deliver(&mut world, "hello:1", pass());
    let (_, second) = deliver(&mut world, "hello:2", pass());
    let (old, new) = (world.subject(first), world.subject(second));
    world.trigger("qa", "evaluation", json!({}));
    world.execute("evaluation", fail());
    assert_eq!(world.subject(first), old, "hello:1 does not run there any more");
    assert_eq!(
        approve(&mut world, second, new),
        Err("the evaluation in qa was pass, now fail".to_owned())
    );
    // Also what is said of that evaluation reaches it.
    let task = gate(&world);
    say(&mut world, INVALIDATED, task);
    assert_eq!(
        approve(&mut world, second, new),
        Err("the evaluation in qa was pass, now fail, and was declared invalid".to_owned())
    );
    assert_eq!(world.subject(first), old);
}

#[test]
fn what_was_decided_stays_as_it_was() {
    let mut world = world("");
    let (context, approval) = deliver(&mut world, "hello:1", pass());
    let (seen, task) = (world.subject(approval), gate(&world));
    approve(&mut world, approval, seen).unwrap();
    let row = world.approvals[&approval].clone();
    say(&mut world, INVALIDATED, task);
    again(&mut world, context, fail());
    assert_eq!(world.approvals[&approval], row);
}

#[test]
fn a_later_approval_of_the_delivery_is_asked_with_what_was_said() {
    let ask = |stage: &str| {
        format!(
            "{{ name: delivery, triggeredOn: [{{ event: {stage}.delivery.finished }}], tasks: [{{ name: \
             approval, properties: {{ pass: manual, warning: manual }} }}] }}"
        )
    };
    let mut world = World::new(&yard(&[
        ("qa", &["{ name: delivery, tasks: [{ name: evaluation }] }"]),
        ("staging", &[&ask("qa")]),
        ("production", &[&ask("staging")]),
    ]));
    world.trigger("qa", "delivery", json!({}));
    world.execute("evaluation", pass());
    let (task, first) = (gate(&world), world.open_tasks("approval")[0]);
    let because = say(&mut world, INVALIDATED, task);
    let now = world.subject(first);
    approve(&mut world, first, now).unwrap();
    let second = world.open_tasks("approval")[0];
    assert_ne!(first, second);
    assert_eq!(world.approvals[&second].evidence[0].invalid, Some(because));
    assert!(world.approvals[&second].has_invalid_evidence());
}

#[test]
fn what_is_said_of_no_evaluation_or_of_another_changes_nothing() {
    let mut world = world("");
    let (context, approval) = deliver(&mut world, "hello:1", pass());
    let former = gate(&world);
    again(&mut world, context, pass());
    let seen = world.subject(approval);
    let test = world.events("test.triggered")[0].event.id;
    for task in [former, test, approval, EventId::from(uuid::Uuid::nil())] {
        say(&mut world, INVALIDATED, task);
        assert_eq!(world.subject(approval), seen, "{task}");
    }
}
