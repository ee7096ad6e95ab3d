//! What is told between two looks.

use serde_json::{Value, json};

use super::*;

fn sequence(state: &str, runs: &Value) -> Sequence {
    let is_over = state == "finished";
    let mut value = json!({
        "context": "c", "project": "tour", "service": "hello", "sequence": "delivery",
        "state": state, "triggeredAt": "2026-11-24T12:00:00Z",
        "triggeredBy": {"kind": "shared"}, "runs": runs,
    });
    if is_over {
        value["result"] = json!("fail");
    }
    serde_json::from_value(value).unwrap()
}

fn run(state: &str, tasks: &Value) -> Value {
    json!({"id": "r", "stage": "qa", "service": "hello", "sequence": "delivery", "state": state,
        "triggeredAt": "2026-11-24T12:00:00Z", "tasks": tasks})
}

fn told(before: Option<&Sequence>, after: &Sequence) -> Vec<String> {
    let link = |id: &str| format!("http://h/{id}");
    let changes = changes(before, after, "2026-11-24T12:30:00Z", link);
    changes.iter().map(|change| change.sentence()[22..].to_owned()).collect()
}

#[test]
fn the_first_look_tells_all_and_the_second_what_is_new() {
    let waiting = json!({"name": "deployment", "id": "d", "state": "triggered",
        "triggeredAt": "2026-11-24T12:00:01Z"});
    let next = json!({"name": "test", "state": "pending"});
    let first = sequence("started", &json!([run("started", &json!([waiting, next]))]));
    assert_eq!(
        told(None, &first),
        [
            "delivery of tour/hello started",
            "qa/delivery started",
            "qa/delivery deployment triggered"
        ]
    );
    assert_eq!(told(Some(&first), &first), [""; 0], "nothing new, nothing told");
    let done = json!({"name": "deployment", "id": "d", "state": "finished", "result": "pass",
        "triggeredAt": "2026-11-24T12:00:01Z", "finishedAt": "2026-11-24T12:02:06Z"});
    let second = sequence("started", &json!([run("started", &json!([done, next]))]));
    assert_eq!(
        told(Some(&first), &second),
        ["qa/delivery deployment finished: pass after 2 min 5 s"]
    );
}

#[test]
fn a_gate_tells_where_it_is_decided() {
    let gate = json!({"name": "approval", "id": "0199", "state": "waitingForApproval",
        "triggeredAt": "2026-11-24T12:00:01Z"});
    let before = sequence("started", &json!([]));
    let after = sequence("started", &json!([run("waitingForApproval", &json!([gate]))]));
    assert_eq!(
        told(Some(&before), &after),
        ["qa/delivery approval waits for approval: http://h/0199 or tidegate approve 0199"]
    );
    let changes = changes(Some(&before), &after, "t", |id| format!("http://h/{id}"));
    let value = serde_json::to_value(&changes[0]).unwrap();
    assert_eq!(value["approval"], json!({"id": "0199", "link": "http://h/0199"}));
    assert_eq!(value["time"], "2026-11-24T12:00:01Z");
}

#[test]
fn the_end_is_told_last_with_its_reason_and_not_what_never_ran() {
    let mut ended = run(
        "finished",
        &json!([
            {"name": "deployment", "id": "d", "state": "finished", "result": "fail", "message": "no disk",
                "triggeredAt": "2026-11-24T12:00:00Z", "finishedAt": "2026-11-24T12:00:09Z"},
            {"name": "test", "state": "skipped"},
        ]),
    );
    ended["endedAt"] = json!("2026-11-24T12:00:10Z");
    ended["result"] = json!("fail");
    ended["message"] = json!("no disk");
    let after = sequence("finished", &json!([ended]));
    assert_eq!(
        told(None, &after),
        [
            "delivery of tour/hello triggered",
            "qa/delivery deployment finished: fail after 9 s: no disk",
            "qa/delivery finished: fail after 10 s: no disk",
            "delivery of tour/hello finished: fail after 10 s",
        ]
    );
}

#[test]
fn who_has_overridden_a_failed_gate_is_told_and_with_the_end_that_somebody_has() {
    let approval = json!({"name": "approval", "id": "a", "state": "finished", "result": "pass",
        "message": "the probe was broken", "triggeredAt": "2026-11-24T12:00:00Z",
        "finishedAt": "2026-11-24T12:00:09Z",
        "overridden": {"by": {"kind": "person", "name": "ada"}, "comment": "the probe was broken"}});
    let mut ended = run("finished", &json!([approval]));
    ended["endedAt"] = json!("2026-11-24T12:00:10Z");
    ended["result"] = json!("pass");
    let mut after = sequence("finished", &json!([ended]));
    after.result = Some(Verdict::Pass);
    after.stages = serde_json::from_value(json!([{"name": "qa", "overridden": "a"}])).unwrap();
    assert_eq!(
        told(None, &after),
        [
            "delivery of tour/hello triggered",
            "qa/delivery approval finished: pass after 9 s: overridden by ada: the probe was broken",
            "qa/delivery finished: pass after 10 s: a failed gate was overridden",
            "delivery of tour/hello finished: pass after 10 s: a failed gate was overridden",
        ]
    );
}

#[test]
fn a_pause_and_going_on_are_told() {
    let task = json!([{"name": "deployment", "id": "d", "state": "started"}]);
    let runs = sequence("started", &json!([run("started", &task)]));
    let paused = sequence("paused", &json!([run("paused", &task)]));
    assert_eq!(told(Some(&runs), &paused), ["delivery of tour/hello paused", "qa/delivery paused"]);
    assert_eq!(
        told(Some(&paused), &runs),
        ["delivery of tour/hello started", "qa/delivery started"]
    );
}
