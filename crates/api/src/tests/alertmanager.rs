//! What an Alertmanager says.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::server::{Answer, HELM, PROJECT, SHARED, Server, on_server};

const ALERTS: &str = "/api/tidegate/v1/alertmanager";
const TRIGGERED: &str = "sh.keptn.event.production.remediation.triggered";
const RESOLVED: &str = "sh.keptn.event.problem.resolved";

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: production
      sequences:
        - name: remediation
          tasks: [{ name: get-action }]
";

/// A server whose project can be remedied.
async fn create(server: &Server) {
    let body = json!({"name": "shop", "shipyard": STANDARD.encode(SHIPYARD)});
    assert_eq!(server.post(PROJECT, &body).await.status, 201);
    let service = json!({"serviceName": "carts"});
    assert_eq!(server.post(&format!("{PROJECT}/shop/service"), &service).await.status, 200);
}

fn alert(status: &str, fingerprint: &str) -> Value {
    json!({"status": status, "startsAt": "2026-11-24T18:00:00Z", "fingerprint": fingerprint,
        "labels": {"alertname": "latency", "project": "shop", "stage": "production",
            "service": "carts"},
        "annotations": {"summary": "latency"}})
}

fn message(alerts: &[Value]) -> Value {
    json!({"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "tidegate",
        "alerts": alerts})
}

/// What was made of each alert.
async fn told(server: &Server, alerts: &[Value]) -> Vec<Value> {
    let answer = server.post(ALERTS, &message(alerts)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["alerts"].as_array().unwrap().clone()
}

async fn one(server: &Server, status: &str, fingerprint: &str) -> (String, String) {
    let told = told(server, &[alert(status, fingerprint)]).await;
    let text = |key: &str| told[0][key].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("keptnContext"))
}

async fn events(server: &Server, kind: &str) -> Vec<Value> {
    let path = format!("/api/mongodb-datastore/event?project=shop&type={kind}");
    server.get(&path).await.json()["events"].as_array().unwrap().clone()
}

async fn state_of(server: &Server, context: &str) -> String {
    let path = format!("/api/controlPlane/v1/sequence/shop?keptnContext={context}");
    server.get(&path).await.json()["states"][0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn an_alert_begins_one_remediation_however_often_it_is_told() {
    on_server(|server| async move {
        create(&server).await;
        let (outcome, context) = one(&server, "firing", "a").await;
        assert_eq!(outcome, "begun");
        for _ in 0..3 {
            assert_eq!(one(&server, "firing", "a").await, ("repeated".to_owned(), context.clone()));
        }
        let (outcome, other) = one(&server, "firing", "b").await;
        assert_eq!((outcome.as_str(), other != context), ("begun", true));
        let triggered = events(&server, TRIGGERED).await;
        assert_eq!(triggered.len(), 2);
        assert_eq!(triggered[1]["source"], "prometheus");
        assert_eq!(triggered[1]["data"]["problem"]["ProblemTitle"], "latency");
        assert_eq!(server.open("get-action").await["data"]["stage"], "production");
    });
}

#[test]
fn two_replicas_that_speak_at_once_begin_one_remediation() {
    on_server(|server| async move {
        create(&server).await;
        let tell = |server: Server| async move { one(&server, "firing", "a").await.0 };
        let all: Vec<_> = (0..8).map(|_| tokio::spawn(tell(server.clone()))).collect();
        let mut begun = 0;
        for one in all {
            begun += usize::from(one.await.unwrap() == "begun");
        }
        assert_eq!(begun, 1);
        assert_eq!(events(&server, TRIGGERED).await.len(), 1);
    });
}

#[test]
fn the_end_of_an_alert_is_kept_and_takes_back_only_what_has_not_begun() {
    on_server(|server| async move {
        create(&server).await;
        assert_eq!(one(&server, "resolved", "a").await.0, "unknown");
        let (_, running) = one(&server, "firing", "a").await;
        // The first one holds the lane.
        let (_, waiting) = one(&server, "firing", "b").await;
        assert_eq!(state_of(&server, &waiting).await, "waiting");
        assert_eq!(one(&server, "resolved", "b").await, ("over".to_owned(), waiting.clone()));
        assert_eq!(state_of(&server, &waiting).await, "aborted");
        assert_eq!(one(&server, "resolved", "a").await, ("over".to_owned(), running.clone()));
        assert_eq!(state_of(&server, &running).await, "started");
        for (fingerprint, context) in [("a", &running), ("b", &waiting)] {
            let again = one(&server, "resolved", fingerprint).await;
            assert_eq!(again, ("repeated".to_owned(), context.clone()));
        }
        let over = events(&server, RESOLVED).await;
        assert_eq!(over.len(), 2);
        assert_eq!(over[0]["shkeptncontext"], *running);
        assert_eq!(over[0]["data"]["problem"]["State"], "RESOLVED");
    });
}

#[test]
fn an_alert_that_cannot_be_acted_upon_does_not_silence_the_others() {
    on_server(|server| async move {
        create(&server).await;
        let mut nowhere = alert("firing", "a");
        nowhere["labels"].as_object_mut().unwrap().remove("stage");
        let mut elsewhere = alert("firing", "b");
        elsewhere["labels"]["project"] = json!("nobodys");
        let told = told(&server, &[nowhere, elsewhere, alert("firing", "c")]).await;
        let outcomes: Vec<_> = told.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["unusable", "kept", "begun"]);
        assert!(told[0]["reason"].as_str().unwrap().contains("lacks the label stage"));
    });
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    on_server(|server| async move {
        let mut other = message(&[]);
        other["version"] = json!("5");
        for (body, words) in [
            (json!({}), "missing field `alerts`"),
            (json!([]), "no webhook message of Alertmanager's"),
            (other, "of version \"5\""),
        ] {
            let answer = server.post(ALERTS, &body).await;
            assert_eq!(answer.status, 400, "{body}");
            assert!(answer.message().contains(words), "{answer:?}");
        }
        let plain = Request::post(ALERTS).header("x-token", SHARED).body(Body::from("{}"));
        assert_eq!(server.send([127, 0, 0, 1], plain.unwrap()).await.status, 415);
    });
}

async fn signed_in(server: &Server, header: &str, value: &str) -> Answer {
    let request = Request::post(ALERTS)
        .header(header, value)
        .header("content-type", "application/json")
        .body(Body::from(message(&[]).to_string()));
    server.send([127, 0, 0, 1], request.unwrap()).await
}

#[test]
fn a_token_is_shown_as_such_or_as_a_password_and_must_be_one_that_may_change_things() {
    on_server(|server| async move {
        let basic = |token: &str| format!("Basic {}", STANDARD.encode(format!("any:{token}")));
        for (header, value, status) in [
            ("x-token", SHARED.to_owned(), 200),
            ("authorization", basic(SHARED), 200),
            ("authorization", basic(HELM), 403),
            ("x-token", HELM.to_owned(), 403),
            ("x-other", "x".to_owned(), 401),
            ("authorization", basic("nobodys"), 401),
        ] {
            let answer = signed_in(&server, header, &value).await;
            assert_eq!(answer.status, status, "{header} {value}");
        }
    });
}

/// The same alert for another stage or service.
async fn elsewhere(server: &Server, stage: &str, service: &str) -> Value {
    let mut alert = alert("firing", "a");
    alert["labels"]["stage"] = json!(stage);
    alert["labels"]["service"] = json!(service);
    told(server, &[alert]).await.remove(0)
}

async fn add_service(server: &Server, name: &str) {
    let path = format!("{PROJECT}/shop/service");
    assert_eq!(server.post(&path, &json!({"serviceName": name})).await.status, 200);
}

#[test]
fn an_alert_that_nothing_remedies_is_kept_and_begins_a_remediation_once_something_does() {
    on_server(|server| async move {
        let without = SHIPYARD.replace("name: remediation", "name: delivery");
        let body = json!({"name": "shop", "shipyard": STANDARD.encode(without)});
        assert_eq!(server.post(PROJECT, &body).await.status, 201);
        for _ in 0..2 {
            let told = elsewhere(&server, "production", "carts").await;
            assert_eq!(told["outcome"], "kept");
            let reason = told["reason"].as_str().unwrap();
            assert!(reason.starts_with("no task sequence with name remediation found in stage"));
        }
        let kept = events(&server, "sh.keptn.event.problem.open").await;
        assert_eq!(kept.len(), 1, "once, however often it is told");
        assert_eq!(kept[0]["data"]["problem"]["ProblemTitle"], "latency");
        assert!(events(&server, TRIGGERED).await.is_empty());
        // Somebody tries it by hand, in vain: that is no remediation, either.
        let data = json!({"project": "shop", "stage": "production", "service": "carts"});
        let by_hand = json!({"type": TRIGGERED, "source": "test", "data": data,
            "shkeptncontext": kept[0]["shkeptncontext"]});
        assert_eq!(server.post("/api/v1/event", &by_hand).await.status, 200);

        let body = json!({"name": "shop", "shipyard": STANDARD.encode(SHIPYARD)});
        assert_eq!(server.call("PUT", PROJECT, &body).await.status, 201);
        let told = elsewhere(&server, "production", "carts").await;
        assert_eq!(told["reason"], "project shop has no service carts");
        add_service(&server, "carts").await;
        let (outcome, context) = one(&server, "firing", "a").await;
        assert_eq!(outcome, "begun");
        assert_eq!(kept[0]["shkeptncontext"], *context, "it is the same problem");
        assert_eq!(one(&server, "firing", "a").await.0, "repeated");
        assert_eq!(events(&server, TRIGGERED).await.len(), 2, "by hand, and by the alert");
    });
}

#[test]
fn an_alert_for_a_stage_a_service_or_a_project_that_is_not_there_is_kept_with_the_reason() {
    on_server(|server| async move {
        create(&server).await;
        for (stage, service, says) in [
            ("nowhere", "carts", "no stage with name nowhere"),
            ("production", "nobody", "project shop has no service nobody"),
        ] {
            let told = elsewhere(&server, stage, service).await;
            assert_eq!(told["outcome"], "kept", "{stage} {service}");
            assert!(told["reason"].as_str().unwrap().starts_with(says), "{told}");
        }
        let mut nobodys = alert("firing", "n");
        nobodys["labels"]["project"] = json!("later");
        for _ in 0..2 {
            let told = told(&server, std::slice::from_ref(&nobodys)).await;
            assert_eq!(
                (&told[0]["outcome"], &told[0]["reason"]),
                (&json!("kept"), &json!("project later does not exist"))
            );
        }
        let body = json!({"name": "later", "shipyard": STANDARD.encode(SHIPYARD)});
        assert_eq!(server.post(PROJECT, &body).await.status, 201);
        let service = json!({"serviceName": "carts"});
        assert_eq!(server.post(&format!("{PROJECT}/later/service"), &service).await.status, 200);
        assert_eq!(told(&server, &[nobodys]).await[0]["outcome"], "begun");
    });
}

#[test]
fn the_end_of_an_alert_that_was_kept_is_kept_too() {
    on_server(|server| async move {
        create(&server).await;
        let mut over = alert("firing", "a");
        over["labels"]["service"] = json!("nobody");
        assert_eq!(told(&server, std::slice::from_ref(&over)).await[0]["outcome"], "kept");
        over["status"] = json!("resolved");
        assert_eq!(told(&server, &[over]).await[0]["outcome"], "over");
        assert_eq!(
            events(&server, RESOLVED).await[0]["data"]["problem"]["ProblemTitle"],
            "latency"
        );
    });
}
