//! `policy: {onFail: manual}`: a failed gate waits for a person, in both places where it can stand.

use serde_json::{Value, json};

use super::world::{World, ada, fail, grace, pass, yard};
use crate::approval::{Decision, Subject};
use crate::names::{ContextId, EventId};
use crate::sequence::{ContextState, Deployed, Disposition, Refusal, Reply};

/// The gate and the approval in one sequence.
fn behind(policy: &str) -> World {
    let tasks = format!(
        "{{ name: delivery, tasks: [{{ name: evaluation }}, {{ name: approval, properties: {{ pass: \
         automatic, warning: automatic{policy} }} }}, {{ name: release }}] }}"
    );
    World::new(&yard(&[("qa", &[&tasks])]))
}

/// The approval at the start of a sequence that a fail triggers.
fn after(policy: &str) -> World {
    let gate = "{ name: delivery, tasks: [{ name: evaluation }] }";
    let ask = format!(
        "{{ name: rescue, triggeredOn: [{{ event: qa.delivery.finished, selector: {{ match: {{ result: \
         fail }} }} }}], tasks: [{{ name: approval, properties: {{ pass: automatic{policy} }} }}, {{ name: \
         release }}] }}"
    );
    World::new(&yard(&[("qa", &[gate, &ask])]))
}

const WAITS: &str = ", policy: { onFail: manual }";

fn gate_fails(world: &mut World) -> ContextId {
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("evaluation", fail());
    context
}

fn asked(world: &World) -> (EventId, Subject) {
    let open: Vec<_> = world.approvals.values().filter(|one| one.decided().is_none()).collect();
    let [approval] = open.as_slice() else { panic!("one approval is open: {open:?}") };
    (approval.id, world.subject(approval.id))
}

/// The approval that let what runs in a stage go on past a failed gate.
fn runs_past(world: &World, stage: &str) -> Option<EventId> {
    let newest = |(_, rows): (_, &Vec<Deployed>)| rows.last().cloned();
    let there = world.deployed.iter().find(|(scope, _)| scope.stage == *stage);
    there.and_then(newest).expect("something runs there").overridden
}

fn vote(world: &mut World, decision: Decision, why: &str) -> Result<Reply, Refusal> {
    let (approval, subject) = asked(world);
    world.vote_saying(approval, decision, Some(subject), why, &ada())
}

#[test]
fn without_a_policy_keptns_rule_stands() {
    for mut world in [behind(""), behind(", policy: { onFail: end }")] {
        let context = gate_fails(&mut world);
        assert!(world.events("approval.triggered").is_empty());
        assert_eq!(world.data("qa.delivery.finished")["result"], "fail");
        assert_eq!(world.state(context), ContextState::Finished);
    }
    let mut world = after("");
    gate_fails(&mut world);
    let declined = world.data("approval.finished");
    assert_eq!((&declined["result"], &declined["status"]), (&json!("fail"), &json!("succeeded")));
    assert!(world.events("release.triggered").is_empty());
}

#[test]
fn a_failed_gate_waits_in_both_places_and_approved_with_a_reason_it_goes_on_as_overridden() {
    for mut world in [behind(WAITS), after(WAITS)] {
        gate_fails(&mut world);
        let (approval, _) = asked(&world);
        assert!(world.approvals[&approval].overrides());
        assert_eq!(
            world.data("approval.started")["message"],
            "Approval strategy for result 'fail': manual"
        );
        assert_eq!(vote(&mut world, Decision::Approve, ""), Err(Refusal::NoReason));
        assert_eq!(vote(&mut world, Decision::Approve, "  "), Err(Refusal::NoReason));
        vote(&mut world, Decision::Approve, "the probe was broken").unwrap();
        let decided = world.data("approval.finished");
        assert_eq!(decided["result"], "pass");
        assert_eq!(decided["approval"]["overridden"], true);
        assert_eq!(decided["approval"]["comment"], "the probe was broken");
        world.execute("release", pass());
    }
}

#[test]
fn what_goes_on_past_a_failed_gate_is_kept_as_overridden_with_all_that_comes_of_it() {
    let yard = yard(&[
        (
            "qa",
            &[
                "{ name: delivery, tasks: [{ name: deployment }, { name: evaluation }, { name: approval, \
               properties: { policy: { onFail: manual } } }, { name: release }] }",
            ],
        ),
        (
            "prod",
            &["{ name: delivery, triggeredOn: [{ event: qa.delivery.finished }], tasks: [{ name: \
               deployment }] }"],
        ),
    ]);
    let mut world = World::new(&yard);
    let data = json!({"configurationChange": {"values": {"image": "hello:2"}}});
    let context = world.trigger("qa", "delivery", data);
    world.execute("deployment", pass());
    world.execute("evaluation", fail());
    let (approval, _) = asked(&world);
    assert_eq!(world.stage(context, "qa").overridden, None);
    assert_eq!(runs_past(&world, "qa"), None);
    vote(&mut world, Decision::Approve, "the probe was broken").unwrap();
    assert_eq!(runs_past(&world, "qa"), Some(approval), "it runs there");
    world.execute("release", pass());
    let run = world.run(context, "qa").clone();
    let marked: Vec<_> = run.previous.iter().map(|done| done.overridden).collect();
    assert_eq!((marked, run.overridden()), (vec![false, false, true, false], Some(approval)));
    let qa = world.stage(context, "qa");
    assert_eq!(qa.overridden.as_ref().map(|known| known.approval), Some(approval));
    assert!(qa.latest_failed_event.is_some(), "Keptn's summary keeps the failure");
    assert!(!qa.has_failed(), "and what was overridden is no failure any more");
    // What follows goes on past that gate, too, without having one itself.
    world.execute("deployment", pass());
    assert_eq!(runs_past(&world, "prod"), Some(approval));
    assert_eq!(world.run(context, "prod").overridden(), Some(approval));
    assert_eq!(world.stage(context, "prod").overridden, None);
}

#[test]
fn a_failure_after_an_override_is_one() {
    let mut world = behind(WAITS);
    let context = gate_fails(&mut world);
    vote(&mut world, Decision::Approve, "the probe was broken").unwrap();
    assert!(!world.stage(context, "qa").has_failed());
    world.execute("release", fail());
    let qa = world.stage(context, "qa");
    assert!(qa.has_failed() && qa.overridden.is_some());
}

#[test]
fn an_override_in_another_stage_is_one_of_the_gate_that_failed() {
    let gate = "{ name: delivery, tasks: [{ name: evaluation }] }";
    let ask = "{ name: rescue, triggeredOn: [{ event: qa.delivery.finished, selector: { match: { result: \
               fail } } }], tasks: [{ name: approval, properties: { policy: { onFail: manual } } }] }";
    let mut world = World::new(&yard(&[("qa", &[gate]), ("prod", &[ask])]));
    let context = gate_fails(&mut world);
    assert!(world.stage(context, "qa").has_failed());
    vote(&mut world, Decision::Approve, "the probe was broken").unwrap();
    for stage in ["qa", "prod"] {
        let state = world.stage(context, stage);
        assert!(state.overridden.is_some() && !state.has_failed(), "{stage}");
    }
}

#[test]
fn declined_it_ends() {
    for mut world in [behind(WAITS), after(WAITS)] {
        let context = gate_fails(&mut world);
        vote(&mut world, Decision::Decline, "").unwrap();
        assert_eq!(world.data("approval.finished")["approval"]["overridden"], Value::Null);
        let qa = world.stage(context, "qa");
        assert!(qa.overridden.is_none() && qa.has_failed());
        assert_eq!(world.state(context), ContextState::Finished);
        assert!(world.events("release.triggered").is_empty());
    }
}

#[test]
fn a_gate_that_passed_goes_on_by_itself() {
    let mut world = behind(WAITS);
    world.trigger("qa", "delivery", json!({}));
    world.execute("evaluation", pass());
    assert_eq!(world.data("approval.finished").get("approval"), None, "nobody was asked");
    world.execute("release", pass());
}

#[test]
fn only_a_gate_directly_before_waits() {
    let tasks = format!(
        "{{ name: delivery, tasks: [{{ name: test }}, {{ name: approval, properties: {{ pass: automatic\
         {WAITS} }} }}] }}"
    );
    let mut world = World::new(&yard(&[("qa", &[&tasks])]));
    world.trigger("qa", "delivery", json!({}));
    world.execute("test", fail());
    assert!(world.events("approval.triggered").is_empty(), "a failed test is no failed gate");
}

#[test]
fn a_result_that_somebody_writes_into_the_trigger_decides_nothing() {
    for result in ["pass", "fail"] {
        let tasks = format!(
            "{{ name: delivery, tasks: [{{ name: approval, properties: {{ pass: automatic{WAITS} }} }}] }}"
        );
        let mut world = World::new(&yard(&[("qa", &[&tasks])]));
        let evaluation = json!({"result": result});
        world.trigger("qa", "delivery", json!({"result": result, "evaluation": evaluation}));
        let (approval, _) = asked(&world);
        assert_eq!(
            world.approvals[&approval].result, "",
            "a person decides, and nothing is overridden"
        );
    }
}

#[test]
fn a_vote_that_names_no_subject_is_refused_unless_the_policy_allows_it() {
    let mut world = behind(WAITS);
    gate_fails(&mut world);
    let (approval, _) = asked(&world);
    assert_eq!(world.vote(approval, Decision::Decline, None, &ada()), Err(Refusal::Blind));
    // Keptn's clients hear nothing of it; the log does.
    world.finish_by(approval, pass(), &grace());
    let entry = world.log.last().unwrap();
    assert_eq!(entry.disposition, Disposition::Refused);
    assert!(entry.reason.as_ref().unwrap().contains("name the subject"), "{entry:?}");
    assert!(world.approvals[&approval].decided().is_none());

    let mut world = behind(", policy: { onFail: manual, blind: allow }");
    gate_fails(&mut world);
    let (approval, _) = asked(&world);
    world.finish_by(approval, pass(), &grace());
    assert!(world.approvals[&approval].decided().is_none(), "a reason is still wanted");
    let why = json!({"result": "pass", "status": "succeeded", "message": "the probe was broken"});
    world.finish_by(approval, why, &grace());
    assert!(world.approvals[&approval].decided().is_some());
}

#[test]
fn a_repeat_of_the_decision_is_answered_like_the_first() {
    let mut world = behind(WAITS);
    gate_fails(&mut world);
    let (approval, subject) = asked(&world);
    vote(&mut world, Decision::Approve, "the probe was broken").unwrap();
    let again = world.vote(approval, Decision::Approve, Some(subject), &grace()).unwrap();
    assert!(matches!(again, Reply::Decided(decided) if decided.by == ada()));
}

#[test]
fn a_policy_that_cannot_be_honoured_is_no_shipyard() {
    let text = yard(&[(
        "qa",
        &["{ name: d, tasks: [{ name: approval, properties: { policy: { approvers: \
        [ada] } } }] }"],
    )]);
    let error = crate::shipyard::Shipyard::parse(&text).unwrap_err().to_string();
    assert!(error.contains("policy.approvers is not supported"), "{error}");
}
