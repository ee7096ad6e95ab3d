//! An approval whose gate is measured again, or declared invalid, while it waits: on a real server, which is killed
//! in between.

use serde_json::{Value, json};

use crate::place::{Place, SLI, SLO};
use crate::support::until;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }, { name: test }, { name: evaluation }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks: [{ name: approval, properties: { pass: manual, warning: manual } }, { name: release }]
";

/// A deployment that needs nothing, beside the test.
const DEPLOY: &str = "
  - name: Deploy
    events: [{name: \"sh.keptn.event.deployment.triggered\"}]
    tasks: [{name: Deploy, image: \"shell:1\", cmd: [\"sh\"], args: [\"-c\", \"true\"]}]
";

#[test]
fn a_vote_for_an_evaluation_that_does_not_hold_any_more_is_refused_with_what_changed() {
    let mut place = Place::of(SHIPYARD, "");
    place.put("qa", "job/config.yaml", &format!("{}{DEPLOY}", crate::place::JOBS));
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    let (context, evaluated) = place.evaluated("hello:0.25");
    assert_eq!(evaluated["data"]["result"], "pass");
    let asked = place.event(&context, "approval.triggered");
    let path = format!("/api/tidegate/v1/approvals/{}", asked["id"].as_str().expect("an id"));
    let first = shown(&place, &path);
    assert!(first.get("revised").is_none(), "{first}");

    let task = place.event(&context, "evaluation.triggered");
    place.tell("evaluation.invalidated", &task, &json!({"evaluation": {"reason": "no traffic"}}));
    place.server.crash();
    let doubted = shown(&place, &path);
    let says = "the evaluation in qa, pass, was declared invalid";
    assert_eq!(doubted["revised"], json!([says]));
    assert!(doubted["evidence"][1]["invalid"].is_string(), "{doubted}");
    assert_eq!(refusal(&place, &path, &first), says);

    // Measured again, in a context of its own: no job has left a result there, and the gate fails.
    let evaluation = "/api/controlPlane/v1/project/tour/stage/qa/service/hello/evaluation";
    let (code, answer) = place.server.post(evaluation, &json!({"timeframe": "5m"}));
    assert_eq!(code, 200, "{answer}");
    let failed = until("the second verdict", || {
        Some(shown(&place, &path)).filter(|now| now["result"] == "fail")
    });
    let says = "the evaluation in qa was pass, now fail";
    assert_eq!(failed["revised"], json!([says]));
    assert_eq!(refusal(&place, &path, &first), says);
    assert_eq!(refusal(&place, &path, &doubted), says);

    let vote = json!({"decision": "approve", "subject": failed["subject"], "comment": "known"});
    assert_eq!(place.server.post(&format!("{path}/decision"), &vote).0, 200);
    let finished = place.event(&context, "approval.finished");
    assert_eq!(finished["data"]["approval"]["overridden"], true);
    place.event(&context, "release.triggered");
}

fn shown(place: &Place, path: &str) -> Value {
    let (code, approval) = place.server.get(path);
    assert_eq!(code, 200, "{approval}");
    approval
}

/// What a vote for what was seen is told.
fn refusal(place: &Place, path: &str, seen: &Value) -> String {
    let vote = json!({"decision": "approve", "subject": seen["subject"], "comment": "fine"});
    let (code, refused) = place.server.post(&format!("{path}/decision"), &vote);
    assert_eq!(code, 409, "{refused}");
    refused["changed"].as_str().expect("what changed").to_owned()
}
