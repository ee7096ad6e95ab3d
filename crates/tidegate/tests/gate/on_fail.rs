//! `policy: {onFail: manual}` on a real server: a release that its gate has failed waits for a person.

use serde_json::json;

use crate::place::{Place, SLI, SLO};

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - { name: test }
            - { name: evaluation, properties: { timeframe: 5m } }
            - name: approval
              properties: { pass: automatic, warning: manual, policy: { onFail: manual } }
            - { name: release }
";

#[test]
fn a_release_that_its_gate_has_failed_goes_on_where_a_person_says_why() {
    let place = Place::of(SHIPYARD, "");
    place.put("qa", "job/sli.yaml", SLI);
    place.put("qa", "slo.yaml", SLO);
    let (context, evaluated) = place.evaluated("hello:0.75");
    assert_eq!(evaluated["data"]["result"], "fail");
    let asked = place.event(&context, "approval.triggered");
    let path = format!("/api/tidegate/v1/approvals/{}", asked["id"].as_str().expect("an id"));
    let (_, approval) = place.server.get(&path);
    assert_eq!(
        (&approval["result"], &approval["state"]),
        (&json!("fail"), &json!("open")),
        "{approval}"
    );
    assert_eq!(approval["policy"], json!({"onFail": "manual", "blind": "refuse"}));
    let decide = |body| place.server.post(&format!("{path}/decision"), &body);
    let (code, refused) = decide(json!({"decision": "approve"}));
    assert_eq!(code, 403, "{refused}");
    assert!(
        refused["message"].as_str().unwrap_or_default().contains("name the subject"),
        "{refused}"
    );
    let subject = &approval["subject"];
    let (code, refused) = decide(json!({"decision": "approve", "subject": subject}));
    assert_eq!(code, 403, "{refused}");
    assert!(refused["message"].as_str().unwrap_or_default().contains("say why"), "{refused}");
    let why = json!({"decision": "approve", "subject": subject, "comment": "the probe was broken"});
    assert_eq!(decide(why).0, 200);
    place.event(&context, "release.triggered");
    let finished = place.event(&context, "approval.finished");
    assert_eq!(finished["data"]["approval"]["overridden"], true);
    let (_, approval) = place.server.get(&path);
    assert_eq!(approval["overridden"], true, "{approval}");
    let (_, shown) = place.server.get(&format!("/api/tidegate/v1/sequences/{context}"));
    assert_eq!(shown["stages"][0]["overridden"], asked["id"], "{shown}");
    let tasks = shown["runs"][0]["tasks"].as_array().expect("its tasks");
    let overridden = tasks.iter().find(|task| task["name"] == "approval").expect("it was asked");
    let (by, comment) = (&approval["decided"]["by"], "the probe was broken");
    assert_eq!(overridden["overridden"], json!({"by": by, "comment": comment}), "{shown}");
    assert!(
        tasks.iter().all(|task| task["name"] == "approval" || task.get("overridden").is_none())
    );
    // Keptn's own documents have no more fields than Keptn's.
    let state = format!(
        "/api/controlPlane/v1/sequence/{}?keptnContext={context}",
        asked["data"]["project"].as_str().expect("a name")
    );
    let (_, states) = place.server.get(&state);
    assert!(states["states"][0]["stages"][0]["latestFailedEvent"].is_object(), "{states}");
    assert!(!states.to_string().contains("overridden"), "{states}");
    place.server.expect_sound();
}
