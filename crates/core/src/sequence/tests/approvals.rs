use serde_json::{Value, json};

use super::TOUR;
use super::world::{World, ada, fail, grace, jobs, machine, pass};
use crate::approval::{ApprovalState, Decision};
use crate::audit::Action;
use crate::names::EventId;
use crate::principal::Principal;
use crate::sequence::{ContextState, Disposition, Refusal, Reply};

/// A world in which `image` waits at production's approval.
fn waiting(image: &str) -> (World, EventId) {
    let mut world = World::new(TOUR);
    let approval = deliver(&mut world, image);
    (world, approval)
}

fn deliver(world: &mut World, image: &str) -> EventId {
    let before = world.open_tasks("approval");
    world.trigger("qa", "delivery", json!({"configurationChange": {"values": {"image": image}}}));
    world.execute("deployment", pass());
    world.execute("test", pass());
    let mut now = world.open_tasks("approval");
    now.retain(|id| !before.contains(id));
    now[0]
}

#[test]
fn an_approval_says_how_it_is_decided_and_waits() {
    let (world, approval) = waiting("hello:v1");
    let started = &world.events("approval.started")[0].event;
    assert_eq!(started.source, "approval-service");
    assert_eq!(started.triggered_id, Some(approval));
    assert_eq!(started.data["message"], "Approval strategy for result 'pass': manual");
    let triggered = &world.events("approval.triggered")[0].event;
    assert_eq!(triggered.data["approval"], json!({"pass": "manual", "warning": "manual"}));
    let row = &world.approvals[&approval];
    assert_eq!(
        (row.image.as_deref(), row.then.as_slice()),
        (Some("hello:v1"), &["deployment".to_owned()][..])
    );
    assert_eq!(row.evidence.len(), 1);
    assert_eq!(row.triggered_by, ada());
}

#[test]
fn approving_goes_on_and_the_event_says_who_when_and_what_was_seen() {
    let (mut world, approval) = waiting("hello:v1");
    let subject = world.subject(approval);
    world.vote(approval, Decision::Approve, Some(subject), &grace()).unwrap();
    let finished = &world.events("approval.finished")[0].event;
    assert_eq!(finished.triggered_id, Some(approval));
    assert_eq!(
        (&finished.data["result"], &finished.data["status"]),
        (&json!("pass"), &json!("succeeded"))
    );
    assert_eq!(finished.data["approval"]["by"], json!({"kind": "person", "name": "grace"}));
    assert_eq!(finished.data["approval"]["subject"], json!(subject));
    assert_eq!(finished.data["approval"]["blind"], Value::Bool(false));
    let next = &world.events("deployment.triggered")[1].event;
    assert!(next.data.get("approval").is_none(), "who decided is not data of the next task");
}

#[test]
fn declining_ends_the_sequence_with_fail_and_its_fail_branch_fires() {
    let (mut world, approval) = waiting("hello:v1");
    world.vote(approval, Decision::Decline, None, &grace()).unwrap();
    assert_eq!(world.events("production.delivery.finished")[0].event.data["result"], "fail");
    assert_eq!(world.open_tasks("rollback").len(), 1);
    assert_eq!(world.events("deployment.triggered").len(), 1);
}

#[test]
fn second_decision_is_refused_and_names_the_first() {
    let (mut world, approval) = waiting("hello:v1");
    world.vote(approval, Decision::Decline, None, &grace()).unwrap();
    let events = world.log.len();
    match world.vote(approval, Decision::Approve, None, &ada()).unwrap_err() {
        Refusal::AlreadyDecided(decided) => {
            assert_eq!((decided.by, decided.decision), (grace(), Decision::Decline));
        }
        other => panic!("{other:?}"),
    }
    let again = world.vote(approval, Decision::Decline, None, &ada()).unwrap();
    assert!(matches!(again, Reply::Decided(decided) if decided.by == grace()));
    assert_eq!(world.log.len(), events, "neither leaves anything behind");
}

#[test]
fn a_later_vote_by_event_is_kept_as_refused_and_one_outcome_is_listed() {
    let (mut world, approval) = waiting("hello:v1");
    assert!(matches!(world.finish(approval, pass()), Reply::Decided(_)));
    assert!(matches!(world.finish(approval, fail()), Reply::Kept(_)));
    let all = world.events("approval.finished");
    let listed: Vec<_> =
        all.iter().filter(|entry| entry.disposition == Disposition::Accepted).collect();
    assert_eq!((all.len(), listed.len()), (2, 1));
    assert_eq!(listed[0].event.data["approval"]["blind"], Value::Bool(true));
    assert_eq!(all[1].disposition, Disposition::Refused);
    assert!(all[1].reason.as_ref().unwrap().contains("approved this at"));
}

#[test]
fn a_stale_subject_is_refused_with_what_changed() {
    let mut world = World::new(TOUR);
    let first = deliver(&mut world, "hello:v1");
    let second = deliver(&mut world, "hello:v2");
    let (seen, fresh) = (world.subject(second), world.subject(first));
    world.vote(first, Decision::Approve, Some(fresh), &ada()).unwrap();
    world.execute("deployment", pass());
    match world.vote(second, Decision::Approve, Some(seen), &ada()).unwrap_err() {
        Refusal::Stale { changed, now } => {
            assert_eq!(changed, "production ran nothing, now hello:v1");
            world.vote(second, Decision::Approve, Some(now), &ada()).unwrap();
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_approvals_subject_never_fits() {
    let mut world = World::new(TOUR);
    let first = deliver(&mut world, "hello:v1");
    let second = deliver(&mut world, "hello:v1");
    let foreign = world.subject(first);
    let refused = world.vote(second, Decision::Approve, Some(foreign), &ada()).unwrap_err();
    assert!(matches!(refused, Refusal::Stale { .. }), "{refused:?}");
}

#[test]
fn built_ins_and_the_wire_do_not_decide() {
    let (mut world, approval) = waiting("hello:v1");
    for principal in [jobs(), Principal::Wire] {
        let refused = world.vote(approval, Decision::Approve, None, &principal).unwrap_err();
        assert!(matches!(refused, Refusal::NoVoter(_)));
        assert!(matches!(world.finish_by(approval, pass(), &principal), Reply::Kept(_)));
        assert_eq!(world.approvals[&approval].state, ApprovalState::Open);
    }
    world.vote(approval, Decision::Approve, None, &machine()).unwrap();
}

#[test]
fn a_vote_that_errors_or_says_nothing_is_a_decline() {
    for data in [json!({"status": "errored", "result": "pass"}), json!({})] {
        let (mut world, approval) = waiting("hello:v1");
        world.finish(approval, data);
        let decided = world.approvals[&approval].decided().unwrap();
        assert_eq!(decided.decision, Decision::Decline);
        assert_eq!(world.events("deployment.triggered").len(), 1);
    }
}

#[test]
fn automatic_approvals_decide_at_once_and_turn_a_warning_into_a_pass() {
    let automatic =
        TOUR.replace("pass: manual, warning: manual", "pass: manual, warning: automatic");
    let mut world = World::new(&automatic);
    let context = world.trigger("qa", "delivery", json!({}));
    world.execute("deployment", pass());
    world.execute("test", json!({"result": "warning", "status": "succeeded"}));
    let finished = &world.events("approval.finished")[0].event;
    assert_eq!(
        (finished.source.as_str(), &finished.data["result"]),
        ("approval-service", &json!("pass"))
    );
    world.execute("deployment", pass());
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
}

#[test]
fn without_a_result_that_of_the_evaluation_counts() {
    let automatic = TOUR.replace("pass: manual", "pass: automatic");
    for (data, decides) in [
        (json!({"evaluation": {"result": "pass"}}), true),
        (json!({"evaluation": {"result": "warning"}}), false),
        (json!({"result": "odd", "evaluation": {"result": "pass"}}), false),
        (json!({}), false),
    ] {
        let mut world = World::new(&automatic);
        world.trigger("production", "delivery", data.clone());
        assert_eq!(world.events("approval.finished").len() == 1, decides, "{data}");
    }
}

#[test]
fn every_decision_is_recorded_also_one_by_its_strategy_and_a_refused_vote() {
    let (mut world, approval) = waiting("hello:v1");
    world.finish_by(approval, pass(), &jobs());
    world.vote(approval, Decision::Approve, None, &grace()).unwrap();
    let actions: Vec<_> = world.audit.iter().map(|record| (&record.by, &record.action)).collect();
    assert!(matches!(actions[0], (by, Action::VoteRefused { .. }) if *by == jobs()));
    assert!(matches!(actions[1], (by, Action::Decided { .. }) if *by == grace()));
    assert_eq!(actions.len(), 2);
    let mut world = World::new(&TOUR.replace("pass: manual", "pass: automatic"));
    world.trigger("production", "delivery", json!({"result": "pass"}));
    let Action::Decided { decided, .. } = &world.audit[0].action else { panic!() };
    assert_eq!(decided.by.to_string(), "approval-service");
}

#[test]
fn an_abort_closes_the_approval_without_deciding_it() {
    let (mut world, approval) = waiting("hello:v1");
    let context = world.approvals[&approval].context;
    world.abort(context);
    assert!(world.events("approval.finished").is_empty());
    let refused = world.vote(approval, Decision::Approve, None, &ada()).unwrap_err();
    assert_eq!(refused, Refusal::Closed("ada aborted the sequence".to_owned()));
    assert!(matches!(world.finish(approval, pass()), Reply::Kept(_)));
    assert!(world.events("rollback.triggered").is_empty());
}

#[test]
fn a_vote_does_not_change_what_it_is_about() {
    let (mut world, approval) = waiting("hello:v1");
    let mut vote = pass();
    vote["configurationChange"] = json!({"values": {"image": "evil:v1"}});
    vote["labels"] = json!({"ticket": "42"});
    world.finish(approval, vote);
    let next = &world.events("deployment.triggered")[1].event;
    assert_eq!(next.data["configurationChange"]["values"]["image"], "hello:v1");
    assert_eq!(next.data["labels"], json!({"ticket": "42"}));
}

#[test]
fn a_thousand_automatic_approvals_in_a_row_are_no_matter() {
    let tasks = vec!["{ name: approval, properties: { pass: automatic } }"; 999].join(", ");
    let long = format!(
        "apiVersion: spec.keptn.sh/0.2.2\nspec: {{ stages: [{{ name: qa, sequences: [{{ name: long, \
         tasks: [{tasks}] }}] }}] }}"
    );
    let mut world = World::new(&long);
    let context = world.trigger("qa", "long", json!({"result": "pass"}));
    assert_eq!(world.events("approval.finished").len(), 999);
    assert_eq!(world.contexts[&context].state, ContextState::Finished);
}

#[test]
fn another_services_started_is_welcome_and_does_not_count() {
    let (mut world, approval) = waiting("hello:v1");
    world.start(approval);
    world.vote(approval, Decision::Approve, None, &ada()).unwrap();
    assert_eq!(world.open_tasks("deployment").len(), 1);
}
