//! A remediation that repeats itself until the problem is gone or nothing is left to try.

use serde_json::{Value, json};

use super::world::{World, ada, machine, pass, yard};
use crate::approval::Decision;
use crate::names::{ContextId, ProjectName};
use crate::remediation::{GetAction, RESOLVED};
use crate::sequence::{ContextState, Input};

const FILE: &str = "
apiVersion: spec.keptn.sh/0.1.4
spec:
  remediations:
    - problemType: slow
      actionsOnOpen:
        - { action: scale, name: One more, description: why, value: { replicas: 2, zones: [a] } }
        - { action: scale, value: { replicas: 5, zones: [b] } }
        - { action: escalate }
";

const REMEDIATION: &str = "{ name: remediation, tasks: [{ name: get-action }, { name: action }, { name: \
                           evaluation }], triggeredOn: [{ event: dev.remediation.finished, selector: { match: { \
                           evaluation.result: fail } } }] }";

fn world() -> World {
    World::new(&yard(&[("dev", &[REMEDIATION])]))
}

/// Answers the open `get-action` by the file.
fn get_action(world: &mut World) {
    let data = world.data("get-action.triggered").clone();
    let answer = GetAction::of(&data).unwrap().answer(Some(FILE));
    world.execute("get-action", Value::from(answer));
}

/// Somebody says that the problem is over.
fn resolve(world: &mut World, context: ContextId) {
    let data = json!({"project": "tour", "stage": "dev", "service": "hello"});
    let event = world.event(RESOLVED, None, data, Some(context));
    let project = ProjectName::new("tour").unwrap();
    world.send(Input::Record { event, project, reason: None }, &machine()).unwrap();
}

/// How many rounds were begun.
fn rounds(world: &World) -> usize {
    world.events("dev.remediation.triggered").len()
}

/// One round, and what its executor was told. The problem stays.
fn round(world: &mut World) -> Value {
    get_action(world);
    let told = world.data("action.triggered")["action"].clone();
    world.execute("action", pass());
    world.execute(
        "evaluation",
        json!({"result": "fail", "status": "succeeded", "evaluation": {"result": "fail"}}),
    );
    told
}

#[test]
fn each_round_takes_the_next_action_as_the_file_says_it_and_the_last_ends_it() {
    let mut world = world();
    let context = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    let first = json!({"action": "scale", "name": "One more", "description": "why",
        "value": {"replicas": 2, "zones": ["a"]}});
    assert_eq!(round(&mut world), first);
    // Nothing of the first is left in the second.
    let second = json!({"action": "scale", "name": "", "value": {"replicas": 5, "zones": ["b"]}});
    assert_eq!(round(&mut world), second);
    assert_eq!(round(&mut world), json!({"action": "escalate", "name": ""}));
    assert_eq!(world.state(context), ContextState::Started);
    get_action(&mut world);
    // Its last task was no evaluation, so nothing follows.
    assert_eq!(world.state(context), ContextState::Finished);
    let data = world.data("dev.remediation.finished");
    assert_eq!((&data["result"], &data["status"]), (&json!("fail"), &json!("succeeded")));
    let says = "there is no action with index 3 for problem title slow";
    assert_eq!(data["message"], says);
}

#[test]
fn where_nothing_is_left_to_try_a_person_is_asked() {
    let rescue = "{ name: rescue, tasks: [{ name: approval, properties: { policy: { onFail: manual } } }, \
                  { name: rollback }], triggeredOn: [{ event: dev.remediation.finished, selector: { match: { \
                  get-action.result: fail } } }] }";
    let mut world = World::new(&yard(&[("dev", &[REMEDIATION, rescue])]));
    let context = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    for _ in 0..3 {
        round(&mut world);
        assert!(world.approvals.is_empty(), "nobody is asked while something is left to try");
    }
    get_action(&mut world);
    let asked = world.open_task("approval");
    assert_eq!(world.state(context), ContextState::Started);
    let (seen, by) = (world.subject(asked), ada());
    world.vote_saying(asked, Decision::Approve, Some(seen), "back to what ran", &by).unwrap();
    world.execute("rollback", pass());
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn an_answer_without_an_action_keeps_the_one_before() {
    let mut world = world();
    let given = json!({"action": {"action": "own"}, "get-action": {"actionIndex": 7}});
    world.trigger("dev", "remediation", given);
    world.execute("get-action", pass());
    let data = world.data("action.triggered");
    assert_eq!(
        (&data["action"]["action"], &data["get-action"]["actionIndex"]),
        (&json!("own"), &json!(7))
    );
}

#[test]
fn a_problem_that_is_over_lets_its_round_end_and_begins_no_other() {
    let mut world = world();
    let context = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    get_action(&mut world);
    resolve(&mut world, context);
    // Half an action is not left behind.
    world.execute("action", pass());
    world.execute("evaluation", json!({"result": "fail", "evaluation": {"result": "fail"}}));
    assert_eq!(world.state(context), ContextState::Finished);
    assert_eq!((rounds(&world), world.events("dev.remediation.finished").len()), (1, 1));
}

#[test]
fn a_round_that_was_on_its_way_when_its_problem_ended_is_not_begun() {
    let mut world = world();
    let context = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    world.holds_back = true;
    round(&mut world);
    resolve(&mut world, context);
    world.go_on();
    assert_eq!((rounds(&world), world.state(context)), (1, ContextState::Finished));
    assert_eq!(world.under_way(context).count(), 0);
}

#[test]
fn what_follows_a_remediation_under_another_name_is_begun_although_its_problem_is_over() {
    let remediation = "{ name: remediation, tasks: [{ name: action }] }";
    let report = "{ name: report, tasks: [{ name: tell }], \
                  triggeredOn: [{ event: dev.remediation.finished }] }";
    let mut world = World::new(&yard(&[("dev", &[remediation, report])]));
    let context = world.trigger("dev", "remediation", json!({}));
    resolve(&mut world, context);
    world.execute("action", pass());
    world.execute("tell", pass());
    assert_eq!(world.state(context), ContextState::Finished);
}

#[test]
fn the_end_of_one_problem_lets_that_of_another_be_remedied() {
    let mut world = world();
    let over = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    resolve(&mut world, over);
    round(&mut world);
    let lasts = world.trigger("dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    // Nobody has said anything of this context: there is nothing to mark, and nothing breaks.
    resolve(&mut world, ContextId::from_bytes([9; 16]));
    round(&mut world);
    assert_eq!(
        (world.state(over), world.state(lasts)),
        (ContextState::Finished, ContextState::Started)
    );
    assert_eq!(rounds(&world), 3);
    // Whoever triggers it again means it.
    world.abort(lasts);
    world.trigger_in(over, "dev", "remediation", json!({"problem": {"problemTitle": "slow"}}));
    assert_eq!(world.whose("get-action"), over);
}
