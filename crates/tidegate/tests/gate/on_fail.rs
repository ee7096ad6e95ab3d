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
    place.server.expect_sound();
}
