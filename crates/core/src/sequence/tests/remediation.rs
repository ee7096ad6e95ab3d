//! A remediation that repeats itself until the problem is gone or nothing is left to try.

use serde_json::{Value, json};

use super::world::{World, pass, yard};
use crate::remediation::GetAction;
use crate::sequence::ContextState;

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

fn world() -> World {
    let remediation = "{ name: remediation, tasks: [{ name: get-action }, { name: action }, \
                       { name: evaluation }], triggeredOn: [{ event: dev.remediation.finished, \
                       selector: { match: { evaluation.result: fail } } }] }";
    World::new(&yard(&[("dev", &[remediation])]))
}

/// Answers the open `get-action` by the file.
fn get_action(world: &mut World) {
    let data = world.data("get-action.triggered").clone();
    let answer = GetAction::of(&data).unwrap().answer(Some(FILE));
    world.execute("get-action", Value::from(answer));
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
