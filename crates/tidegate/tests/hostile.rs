//! Bad input gets Keptn's status code and a message that helps; odd input that Keptn accepts is
//! accepted.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Answer, SHIPYARD, Server, TOKEN, request};

fn raw(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    request(server.address, method, path, headers, body).expect("the server answers")
}

fn send(server: &Server, path: &str, body: &[u8]) -> (u16, Value) {
    let headers = [("x-token", TOKEN), ("content-type", "application/json")];
    raw(server, "POST", path, &headers, body).json()
}

fn tour() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    (directory, server)
}

const EVENT: &str = "/api/v1/event";
const PROJECT: &str = "/api/controlPlane/v1/project";

#[test]
fn bodies_that_are_no_events_are_refused_with_a_reason() {
    let (_directory, server) = tour();
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    for (body, code, word) in [
        ("{", 400, "parsing body"),
        ("", 400, "parsing body"),
        ("[]", 400, "JSON object"),
        (deep.as_str(), 400, "recursion"),
        (r#"{"data":{},"source":1,"type":"t"}"#, 400, "source"),
        (r#"{"data":{},"source":"s","type":"t","time":"noon"}"#, 400, "RFC 3339"),
        (r#"{"data":{"labels":{"a":1}},"source":"s","type":"t"}"#, 400, "labels.a"),
        (r#"{"source":"s","type":"t"}"#, 422, "data in body is required"),
        (r#"{"data":{},"type":"t"}"#, 422, "source in body is required"),
        (r#"{"data":{},"source":"s"}"#, 422, "type in body is required"),
    ] {
        let (found, answer) = send(&server, EVENT, body.as_bytes());
        let text = answer["message"].as_str().unwrap_or_default();
        let short: String = body.chars().take(60).collect();
        assert_eq!(found, code, "{short}: {answer}");
        assert!(text.contains(word), "{short}: {text:?} says {word:?}");
    }
    let headers = [("x-token", TOKEN), ("content-type", "text/plain")];
    assert_eq!(raw(&server, "POST", EVENT, &headers, b"{}").code, 415);
}

#[test]
fn odd_events_that_keptn_accepts_are_accepted_and_kept() {
    let (_directory, server) = tour();
    let data = json!({"project": "tour", "stage": "qa", "service": "hello"});
    for more in [
        json!({}),
        json!({"id": "17"}),
        json!({"time": "0001-01-01T00:00:00Z"}),
        json!({"shkeptncontext": "release-42"}),
        json!({"contenttype": "application/json", "specversion": "1.0", "extensions": null}),
        json!({"datacontenttype": "application/json"}),
        json!({"triggeredid": "not-a-uuid"}),
    ] {
        let mut body = json!({"type": "sh.keptn.event.note", "source": "s", "data": data});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let (code, answer) = server.post(EVENT, &body);
        assert_eq!(code, 200, "{body}: {answer}");
        let context = answer["keptnContext"].as_str().expect("a context");
        assert_eq!(context.len(), 36, "{context}");
        let kept = server.events(context, "note");
        assert_eq!(kept.len(), 1, "{body}");
        assert_eq!(kept[0]["data"], data);
        assert_ne!(kept[0]["time"], "0001-01-01T00:00:00Z");
    }
    let nowhere = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "s",
        "data": {"project": "nowhere", "stage": "qa", "service": "hello"}});
    assert_eq!(server.post(EVENT, &nowhere).0, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let (_directory, server) = tour();
    let large = vec![b' '; 6 * 1024 * 1024];
    let (code, answer) = send(&server, EVENT, &large);
    assert_eq!(code, 413, "{answer}");
    assert!(answer["message"].as_str().is_some_and(|text| text.contains("5 MiB")), "{answer}");
}

#[test]
fn shipyards_that_are_bombs_or_nonsense_are_refused_with_a_place() {
    let (_directory, server) = tour();
    let mut deep = String::new();
    for level in 0..1000 {
        deep.push_str(&" ".repeat(level));
        deep.push_str("a:\n");
    }
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    for (text, word) in [
        (deep.as_str(), ":"),
        (bomb.as_str(), ":"),
        ("spec: {}", "shipyard version"),
        ("apiVersion: spec.keptn.sh/0.2.2\nspec: {stages: []}", "at least one stage"),
        ("apiVersion: spec.keptn.sh/0.2.2\nspec: {stages: [{name: Q A}]}", "2:24"),
        ("a: [", ":"),
        ("\u{0}", ":"),
    ] {
        let body = json!({"name": "bomb", "shipyard": STANDARD.encode(text)});
        let (code, answer) = server.post(PROJECT, &body);
        let message = answer["message"].as_str().unwrap_or_default();
        assert_eq!(code, 400, "{answer}");
        assert!(message.contains(word), "{message:?} says {word:?}");
        assert!(message.len() < 1000, "a message is for people");
    }
    assert_eq!(server.get(&format!("{PROJECT}/bomb")).0, 404);
}

#[test]
fn project_bodies_are_checked_field_by_field() {
    let (_directory, server) = tour();
    let shipyard = STANDARD.encode(SHIPYARD);
    for (body, code) in [
        (json!({"name": "Upper", "shipyard": shipyard}), 400),
        (json!({"name": "_unmapped", "shipyard": shipyard}), 400),
        (json!({"name": "a".repeat(201), "shipyard": shipyard}), 400),
        (json!({"shipyard": shipyard}), 400),
        (json!({"name": "x", "shipyard": "not base64!"}), 400),
        (json!({"name": "x", "shipyard": shipyard, "colour": "red"}), 400),
        (json!({"name": "tour", "shipyard": shipyard}), 409),
    ] {
        let (found, answer) = server.post(PROJECT, &body);
        assert_eq!(found, code, "{body}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    }
    let service = |name: &str, project: &str| {
        server.post(&format!("{PROJECT}/{project}/service"), &json!({"serviceName": name})).0
    };
    assert_eq!(service("hello", "tour"), 409);
    assert_eq!(service("a/b", "tour"), 400);
    assert_eq!(service("", "tour"), 400);
    assert!(service("x", "nowhere") >= 400);
}

#[test]
fn paths_that_climb_lead_nowhere() {
    let (_directory, server) = tour();
    for path in [
        "/api/controlPlane/v1/project/..%2Ftour",
        "/api/controlPlane/v1/project/..%252Ftour",
        "/api/controlPlane/v1/project/%2e%2e",
        "/api/controlPlane/v1/project/tour%00",
        "/api/controlPlane/v1/project/tour/stage/..%2Fqa",
        "/api/controlPlane/v1/project/tour/stage/qa/service/..%252F..%252Fetc",
        "/api/tidegate/v1/approvals/..%2F..%2Fetc%2Fpasswd",
        "/bridge/assets/..%2F..%2Fetc%2Fpasswd",
        "/bridge/assets/..%252F..%252Fetc%252Fpasswd",
    ] {
        let answer = raw(&server, "GET", path, &[("x-token", TOKEN)], b"");
        assert!(matches!(answer.code, 400 | 404), "{path}: {}", answer.code);
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn without_the_right_token_nothing_is_told() {
    let (_directory, server) = tour();
    for path in [
        "/api/v1/metadata",
        "/api/controlPlane/v1/project",
        "/api/controlPlane/v1/project/tour",
        "/api/controlPlane/v1/sequence/tour",
        "/api/mongodb-datastore/event?project=tour",
        "/api/tidegate/v1/approvals",
    ] {
        let missing = raw(&server, "GET", path, &[], b"");
        assert_eq!(missing.code, 401, "{path}");
        assert!(!missing.text().contains("tour"), "{path}");
        let wrong = raw(&server, "GET", path, &[("x-token", "wrong-token")], b"");
        assert!(matches!(wrong.code, 401 | 429), "{path}: {}", wrong.code);
        assert_eq!(raw(&server, "GET", path, &[("x-token", TOKEN)], b"").code, 200, "{path}");
    }
    for path in ["/health", "/ready"] {
        assert_eq!(raw(&server, "GET", path, &[], b"").code, 200, "{path}");
    }
}

#[test]
fn ids_of_another_project_open_nothing() {
    let (_directory, server) = tour();
    let other = json!({"name": "other", "shipyard": STANDARD.encode(SHIPYARD)});
    assert_eq!(server.post(PROJECT, &other).0, 201);
    let approval = server.wait_at_approval("hello:v1");
    let event = server.open("approval").remove(0);
    // The right ids under the wrong project: accepted as an event, and without effect.
    let body = json!({"type": "sh.keptn.event.approval.finished", "source": "s",
        "shkeptncontext": event["shkeptncontext"], "triggeredid": approval,
        "data": {"project": "other", "stage": "production", "service": "hello",
            "result": "pass", "status": "succeeded"}});
    assert_eq!(server.post(EVENT, &body).0, 200);
    assert_eq!(server.approvals().len(), 1, "it still waits");
    let context = event["shkeptncontext"].as_str().expect("a context");
    let path = format!("/api/controlPlane/v1/sequence/other?keptnContext={context}");
    assert_eq!(server.get(&path).1["states"], json!([]));
    let control = format!("/api/controlPlane/v1/sequence/other/{context}/control");
    assert_eq!(server.post(&control, &json!({"state": "abort"})).0, 200);
    assert_eq!(server.approvals().len(), 1, "it still waits");
    let unknown = "/api/tidegate/v1/approvals/11111111-1111-4111-8111-111111111111/decision";
    let (code, answer) = server.post(unknown, &json!({"decision": "approve"}));
    assert_eq!(code, 404, "{answer}");
}

#[test]
fn a_repeated_request_with_the_same_key_is_done_once() {
    let (_directory, server) = tour();
    let body = support::delivery("hello:v1").to_string();
    let headers = [
        ("x-token", TOKEN),
        ("content-type", "application/json"),
        ("idempotency-key", "release-42"),
    ];
    let first = raw(&server, "POST", EVENT, &headers, body.as_bytes()).json();
    let again = raw(&server, "POST", EVENT, &headers, body.as_bytes()).json();
    assert_eq!(first, again);
    assert_eq!(server.open("deployment").len(), 1);
    let other = support::delivery("hello:v2").to_string();
    assert_eq!(raw(&server, "POST", EVENT, &headers, other.as_bytes()).code, 409);
}
