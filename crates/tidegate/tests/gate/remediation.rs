//! A problem finds its action; where that does not help, the next one.

use serde_json::{Value, json};

use crate::place::Place;
use crate::support::until;

const REMEDIATION: &str = "\
apiVersion: spec.keptn.sh/0.1.4
kind: Remediation
metadata: { name: hello }
spec:
  remediations:
    - problemType: Slow
      actionsOnOpen:
        - { action: scale, name: Scale up, value: '2' }
        - { action: toggle, name: Switch it off, value: { Flag: 'off' } }
";

fn problem(place: &Place, title: &str) -> String {
    let event = json!({"type": "sh.keptn.event.production.remediation.triggered", "source": "test",
        "data": {"project": "tour", "stage": "production", "service": "hello",
            "problem": {"problemTitle": title}}});
    let (code, answer) = place.server.post("/api/v1/event", &event);
    assert_eq!(code, 200);
    answer["keptnContext"].as_str().expect("a context").to_owned()
}

/// The newest of `count` events of a type.
fn nth(place: &Place, context: &str, kind: &str, count: usize) -> Value {
    until(kind, || {
        let events = place.server.events(context, kind);
        (events.len() == count).then(|| events[0].clone())
    })
}

#[test]
fn each_round_takes_the_next_action_until_one_helps_or_none_is_left() {
    let place = Place::with("[gate]\nenabled = false");
    place.put("production", "remediation.yaml", REMEDIATION);
    let context = problem(&place, "Slow");
    for (round, action) in [
        (1, json!({"action": "scale", "name": "Scale up", "value": "2"})),
        (2, json!({"action": "toggle", "name": "Switch it off", "value": {"Flag": "off"}})),
    ] {
        let task = nth(&place, &context, "action.triggered", round);
        assert_eq!(task["data"]["action"], action, "round {round}");
        let pass = json!({"status": "succeeded", "result": "pass"});
        place.tell("action.started", &task, &json!({}));
        place.tell("action.finished", &task, &pass);
        let task = nth(&place, &context, "evaluation.triggered", round);
        place.tell("evaluation.started", &task, &json!({}));
        place.tell(
            "evaluation.finished",
            &task,
            &json!({"status": "succeeded", "result": "fail",
            "evaluation": {"result": "fail"}}),
        );
    }
    let last = nth(&place, &context, "production.remediation.finished", 3);
    assert_eq!(last["data"]["result"], "fail");
    let asked = nth(&place, &context, "get-action.finished", 3);
    assert_eq!(asked["source"], "remediation-service");
    let message = asked["data"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("there is no action with index 2"), "{message}");
}

#[test]
fn a_problem_that_nobody_has_thought_of_is_said() {
    let place = Place::with("");
    let context = problem(&place, "Slow");
    let asked = place.event(&context, "get-action.finished");
    assert_eq!(
        asked["data"]["message"],
        "Could not get remediation.yaml file for services hello in stage production."
    );
    place.put("production", "remediation.yaml", REMEDIATION);
    let context = problem(&place, "On fire");
    let asked = place.event(&context, "get-action.finished");
    assert_eq!(asked["data"]["status"], "succeeded");
    let message = asked["data"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("unable to find action for"), "{message}");
}
