//! How gates have judged.

use serde_json::{Value, json};

use super::server::{EVENT, Server, on_server};

fn path(rest: &str) -> String {
    format!("/api/tidegate/v1/projects/tour/stages/qa/services/carts/evaluations{rest}")
}

/// Sends an event about an evaluation.
async fn send(server: &Server, number: u32, phase: &str, service: &str, more: Value) {
    let mut data = json!({"project": "tour", "stage": "qa", "service": service});
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    let event = json!({"type": format!("sh.keptn.event.evaluation.{phase}"), "source": "test",
        "shkeptncontext": format!("cccccccc-0000-4000-8000-{number:012}"),
        "triggeredid": format!("dddddddd-0000-4000-8000-{number:012}"), "data": data});
    let answer = server.post(EVENT, &event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn evaluated(server: &Server, number: u32, result: &str, value: f64) {
    let indicators = json!([
        {"displayName": "Errors", "status": result, "score": 1, "keySli": true,
            "value": {"metric": "error_rate", "value": value, "success": true, "comparedValue": 7},
            "passTargets": [{"criteria": "<1", "targetValue": 1, "violated": false}]},
        {"displayName": "", "status": "info", "score": 0, "keySli": false, "value": null},
    ]);
    let evaluation = json!({"score": 62.5, "result": result, "indicatorResults": indicators});
    let more = json!({"result": result, "status": "succeeded", "message": "so it is",
        "evaluation": evaluation});
    send(server, number, "finished", "carts", more).await;
}

async fn listed(server: &Server, rest: &str) -> Value {
    let answer = server.get(&path(rest)).await;
    assert_eq!(answer.status, 200, "{rest}: {answer:?}");
    answer.json()
}

fn contexts(page: &Value) -> Vec<u64> {
    let evaluations = page["evaluations"].as_array().unwrap().iter();
    let number = |context: &str| context.rsplit('-').next().unwrap().parse().unwrap();
    evaluations.map(|one| number(one["context"].as_str().unwrap())).collect()
}

#[test]
fn evaluations_are_listed_newest_first_with_what_was_measured() {
    on_server(|server| async move {
        server.create("tour").await;
        assert_eq!(listed(&server, "").await, json!({"evaluations": [], "total": 0}));
        evaluated(&server, 1, "pass", 0.1).await;
        evaluated(&server, 2, "warning", 0.30000000000000004).await;
        // Another service's, one that is no evaluation, and one that cannot be read.
        send(&server, 3, "finished", "orders", json!({"result": "pass"})).await;
        send(&server, 4, "started", "carts", json!({})).await;
        send(&server, 5, "finished", "carts", json!({"evaluation": 7})).await;
        let page = listed(&server, "").await;
        assert_eq!(contexts(&page), [2, 1]);
        let newest = &page["evaluations"][0];
        assert_eq!(
            newest["indicatorResults"],
            json!([
                {"displayName": "Errors", "status": "warning", "score": 1.0, "keySli": true,
                    "value": {"metric": "error_rate", "value": 0.30000000000000004, "success": true}},
                {"displayName": "", "status": "info", "score": 0.0, "keySli": false},
            ])
        );
        for (key, value) in [
            ("result", json!("warning")),
            ("score", json!(62.5)),
            ("message", json!("so it is")),
            ("invalidated", json!(false)),
        ] {
            assert_eq!(newest[key], value, "{key}");
        }
    });
}

#[test]
fn what_was_declared_invalid_is_said_to_be_whenever_that_was() {
    on_server(|server| async move {
        server.create("tour").await;
        for number in 1..=3 {
            evaluated(&server, number, "pass", 0.1).await;
        }
        let newest = listed(&server, "?limit=1").await;
        let time = newest["evaluations"][0]["time"].as_str().unwrap().to_owned();
        send(&server, 2, "invalidated", "carts", json!({})).await;
        // The task says which evaluation is meant. One that there is not changes nothing here.
        send(&server, 7, "invalidated", "carts", json!({})).await;
        let before = listed(&server, &format!("?before={time}")).await;
        assert_eq!(contexts(&before), [2, 1]);
        let void = |page: &Value| -> Vec<Value> {
            let evaluations = page["evaluations"].as_array().unwrap();
            evaluations.iter().map(|one| one["invalidated"].clone()).collect()
        };
        assert_eq!(void(&before), [json!(true), json!(false)]);
        assert_eq!(void(&listed(&server, "").await), [json!(false), json!(true), json!(false)]);
        send(&server, 2, "restored", "carts", json!({})).await;
        assert_eq!(void(&listed(&server, "").await), [json!(false), json!(false), json!(false)]);
        // Keptn's rule: whatever else the event says, or does not say.
        let bare = json!({"type": "sh.keptn.event.evaluation.invalidated", "source": "test",
            "triggeredid": "dddddddd-0000-4000-8000-000000000003", "data": {"project": "tour"}});
        assert_eq!(server.post(EVENT, &bare).await.status, 200);
        assert_eq!(void(&listed(&server, "").await), [json!(true), json!(false), json!(false)]);
    });
}

#[test]
fn pages_follow_each_other_and_end() {
    on_server(|server| async move {
        server.create("tour").await;
        for number in 1..=5 {
            evaluated(&server, number, "pass", 0.1).await;
        }
        let first = listed(&server, "?limit=2").await;
        assert_eq!(
            (contexts(&first), &first["next"], &first["total"]),
            (vec![5, 4], &json!(2), &json!(5))
        );
        let last = listed(&server, "?limit=3&offset=2").await;
        assert_eq!((contexts(&last), last.get("next")), (vec![3, 2, 1], None));
        assert_eq!(contexts(&listed(&server, "?offset=9").await), [0; 0]);
        assert_eq!(contexts(&listed(&server, "?limit=0").await), [5]);
    });
}

#[test]
fn what_cannot_be_asked_for_is_refused_and_what_is_not_there_is_404() {
    on_server(|server| async move {
        server.create("tour").await;
        for rest in ["?limit=ten", "?offset=-1", "?before=yesterday"] {
            let answer = server.get(&path(rest)).await;
            assert_eq!(answer.status, 400, "{rest}: {answer:?}");
        }
        for place in ["nowhere/stages/qa/services/carts", "tour/stages/Q%2FA/services/carts"] {
            let answer =
                server.get(&format!("/api/tidegate/v1/projects/{place}/evaluations")).await;
            assert_eq!(answer.status, 404, "{place}: {answer:?}");
            assert!(answer.json()["message"].as_str().unwrap().starts_with("no "), "{answer:?}");
        }
        // Services come and go, and their events stay.
        let answer = server.get(&path("").replace("carts", "gone")).await;
        assert_eq!((answer.status, answer.json()["total"].clone()), (200, json!(0)));
    });
}
