//! Bad input gets Keptn's status code and a message that helps; odd input that Keptn takes is taken.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::server::{Answer, EVENT, PROJECT, SHARED, Server, on_server};
use crate::BODY_BYTES_MAX;

const DECISION: &str = "/api/tidegate/v1/approvals/11111111-1111-4111-8111-111111111111/decision";

/// One row of the matrix.
struct Case {
    what: &'static str,
    method: &'static str,
    path: String,
    body: Vec<u8>,
    status: u16,
    /// What the message must name.
    says: &'static str,
}

fn post(
    what: &'static str,
    path: &str,
    body: impl Into<Vec<u8>>,
    (status, says): (u16, &'static str),
) -> Case {
    Case { what, method: "POST", path: path.to_owned(), body: body.into(), status, says }
}

fn get(what: &'static str, path: &str, (status, says): (u16, &'static str)) -> Case {
    let path = path.to_owned();
    Case { what, method: "GET", path, body: Vec::new(), status, says }
}

fn event(extra: &Value) -> String {
    let mut event = json!({"type": "sh.keptn.event.note", "source": "test",
        "data": {"project": "tour", "stage": "qa", "service": "carts"}});
    for (key, value) in extra.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn shipyard(text: &str) -> String {
    json!({"name": "bomb", "shipyard": STANDARD.encode(text)}).to_string()
}

fn thousand_levels() -> String {
    (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect()
}

fn alias_bomb() -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    text
}

fn events() -> Vec<Case> {
    let parsing = "parsing body body from \"\" failed, because";
    let deep = format!(r#"{{"data":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
    vec![
        post("malformed JSON", EVENT, "{", (400, parsing)),
        post("no JSON", EVENT, "hello", (400, parsing)),
        post("no body", EVENT, "", (400, parsing)),
        post("not UTF-8", EVENT, vec![0xff, 0xfe], (400, parsing)),
        post("an array", EVENT, "[]", (400, "JSON object")),
        post("1,000 levels of JSON", EVENT, deep, (400, "recursion")),
        post("data is no object", EVENT, event(&json!({"data": "x"})), (400, "data")),
        post("source is no text", EVENT, event(&json!({"source": 1})), (400, "source")),
        post("no time", EVENT, event(&json!({"time": "noon"})), (400, "RFC 3339")),
        post("no data", EVENT, r#"{"source":"s","type":"t"}"#, (422, "data in body is required")),
        post(
            "no source",
            EVENT,
            event(&json!({"source": ""})),
            (422, "source in body is required"),
        ),
        post("no type", EVENT, event(&json!({"type": null})), (422, "type in body is required")),
        post(
            "a label that is no text",
            EVENT,
            event(&json!({"data": {"labels": {"build": 7}}})),
            (400, "could not parse common event data"),
        ),
        post(
            "a service that is no text",
            EVENT,
            event(&json!({"data": {"service": {}}})),
            (400, "data.service"),
        ),
        post(
            "a long label",
            EVENT,
            event(&json!({"data": {"labels": {"a": "x".repeat(2000)}}})),
            (413, "1024 bytes"),
        ),
        post("6 MiB", EVENT, vec![b' '; 6 * 1024 * 1024], (413, "5 MiB")),
    ]
}

fn projects() -> Vec<Case> {
    let not_base64 = r#"{"name":"x","shipyard":"not base64!"}"#;
    let unknown = r#"{"name":"x","shipyard":"","colour":"red"}"#;
    let format = "Invalid request format: ";
    let invalid = "provided shipyard file is not valid";
    let old = "apiVersion: spec.keptn.sh/0.1.0\nspec: {stages: [{name: a}]}";
    vec![
        post("malformed JSON", PROJECT, "{", (400, format)),
        post("no body", PROJECT, "", (400, "EOF")),
        post("a wrong type", PROJECT, r#"{"name":1}"#, (400, format)),
        post("an unknown field", PROJECT, unknown, (400, "unknown field `colour`")),
        post("no base64", PROJECT, not_base64, (400, "encoded in base64")),
        post("no shipyard", PROJECT, r#"{"name":"x"}"#, (400, "encoded in base64")),
        post("1,000 levels of YAML", PROJECT, shipyard(&thousand_levels()), (400, invalid)),
        post("an alias bomb", PROJECT, shipyard(&alias_bomb()), (400, invalid)),
        post("no YAML", PROJECT, shipyard("a: ["), (400, invalid)),
        post("no stage", PROJECT, shipyard("apiVersion: 0.2\nspec: {}"), (400, "one stage")),
        post("an old version", PROJECT, shipyard(old), (400, "0.2 and newer")),
        post("6 MiB", PROJECT, vec![b' '; 6 * 1024 * 1024], (413, "5 MiB")),
        post("6 MiB for a vote", DECISION, vec![b' '; 6 * 1024 * 1024], (413, "5 MiB")),
    ]
}

fn paths() -> Vec<Case> {
    let of = |path: &str| format!("{PROJECT}/{path}");
    let unknown = "11111111-1111-4111-8111-111111111111";
    vec![
        get("an unknown project", &of("nowhere"), (404, "Project not found: nowhere")),
        get("up one level", &of("..%2F"), (404, "Project not found: ../")),
        get("up, encoded twice", &of("..%252F"), (404, "Project not found: ..%2F")),
        get("up to the passwords", &of("..%2F..%2Fetc%2Fpasswd"), (404, "Project not found")),
        get("two dots", &of("%2e%2e"), (404, "Project not found")),
        get("a zero byte", &of("tour%00"), (404, "Project not found")),
        get("no UTF-8", &of("%FF"), (400, "Invalid request format")),
        get("the reserved project", &of("_unmapped"), (404, "Project not found")),
        get("a long name", &of(&"a".repeat(5000)), (404, "Project not found")),
        get("up from a stage", &of("tour/stage/..%2Fqa"), (404, "stage not found")),
        get("up from a service", &of("tour/stage/qa/service/..%252F"), (404, "service not found")),
        get("an unknown route", "/api/controlPlane/v2/project", (404, "was not found")),
        get("an unknown route of ours", "/api/tidegate/v1/nothing", (404, "was not found")),
        get("a wrong method", EVENT, (405, "GET is not allowed")),
        post("a wrong method", &of("tour"), "{}", (405, "POST is not allowed")),
        post("an unknown approval", DECISION, r#"{"decision":"approve"}"#, (404, unknown)),
    ]
}

async fn send(server: &Server, case: &Case) -> Answer {
    let request = Request::builder()
        .method(case.method)
        .uri(&case.path)
        .header("x-token", SHARED)
        .header("content-type", "application/json")
        .header("content-length", case.body.len())
        .body(Body::from(case.body.clone()));
    server.send([127, 0, 0, 1], request.unwrap()).await
}

#[test]
fn bad_input_gets_keptns_code_and_a_message_that_helps() {
    on_server(|server| async move {
        server.create("tour").await;
        for case in events().into_iter().chain(projects()).chain(paths()) {
            let (what, answer) = (case.what, send(&server, &case).await);
            assert_eq!(answer.status, case.status, "{what}: {answer:?}");
            let body = answer.json();
            let code = if case.status == 422 { 602 } else { case.status };
            assert_eq!(body["code"], code, "{what}: {body}");
            let message = answer.message();
            assert!(message.contains(case.says), "{what}: {message:?} says {:?}", case.says);
            assert!(message.len() < 600, "{what}: a message is for people: {message}");
        }
        assert_eq!(server.get(&format!("{PROJECT}/bomb")).await.status, 404);
        assert_eq!(server.get("/ready").await.status, 200);
    });
}

#[test]
fn odd_events_that_keptn_accepts_are_accepted() {
    on_server(|server| async move {
        server.create("tour").await;
        let zero = json!({"time": "0001-01-01T00:00:00Z"});
        for extra in [
            json!({}),
            json!({"id": "17", "time": null, "shkeptncontext": ""}),
            zero,
            json!({"shkeptncontext": "release-42"}),
            json!({"triggeredid": "not-a-uuid", "gitcommitid": "main"}),
            json!({"extensions": null, "contenttype": "", "x": {"y": 1}}),
            json!({"data": {"project": "nowhere"}}),
            json!({"data": {"project": "../tour", "stage": "", "service": "a/b"}}),
            json!({"type": "sh.keptn.event.approval.finished"}),
            json!({"type": "not a type at all"}),
        ] {
            let answer = server.post_bytes(EVENT, event(&extra)).await;
            assert_eq!(answer.status, 200, "{extra}: {answer:?}");
            let context = answer.json()["keptnContext"].as_str().unwrap().to_owned();
            let path = format!("/api/mongodb-datastore/event?keptnContext={context}");
            let kept = server.get(&path).await.json()["events"][0].clone();
            assert!(kept["time"].as_str().unwrap() > "2020", "{kept}");
            assert_ne!(kept["id"], "17");
        }
        let odd = event(&json!({"shkeptncontext": "release-42"}));
        let answer = server.post_bytes(EVENT, odd).await.json();
        assert_eq!(answer["keptnContext"], "72656c65-6173-452d-b432-202020202020");
    });
}

#[test]
fn an_event_has_one_of_two_content_types() {
    on_server(|server| async move {
        for (kind, status) in [
            (Some("application/json"), 200),
            (Some("Application/JSON; charset=utf-8"), 200),
            (Some("application/cloudevents+json"), 200),
            (Some("text/plain"), 415),
            (Some("application/jsonx"), 415),
            (None, 415),
        ] {
            let request = Request::post(EVENT).header("x-token", SHARED);
            let request = match kind {
                Some(kind) => request.header("content-type", kind),
                None => request,
            };
            let request = request.body(Body::from(event(&json!({})))).unwrap();
            let answer = server.send([127, 0, 0, 1], request).await;
            assert_eq!(answer.status, status, "{kind:?}: {answer:?}");
            if status == 415 {
                assert!(answer.message().starts_with("unsupported media type"), "{answer:?}");
            }
        }
    });
}

/// A body of so many bytes that does not say how long it is.
fn endless(bytes: usize) -> Body {
    const CHUNK: &[u8] = &[b' '; 64 * 1024];
    let chunk = Ok::<_, std::convert::Infallible>(CHUNK);
    Body::from_stream(stream::iter(std::iter::repeat_n(chunk, bytes / CHUNK.len())))
}

#[test]
fn a_body_that_hides_its_length_is_cut_off_at_the_limit() {
    on_server(|server| async move {
        for path in [EVENT, PROJECT, DECISION] {
            let answer = server.post_bytes(path, endless(BODY_BYTES_MAX + 1024 * 1024)).await;
            assert_eq!(answer.status, 413, "{path}: {answer:?}");
            assert_eq!(answer.json()["code"], 413);
        }
        // Larger than we care to take in: the answer comes all the same.
        let answer = server.post_bytes(EVENT, endless(20 * BODY_BYTES_MAX)).await;
        assert_eq!(answer.status, 413);
    });
}

#[test]
fn a_client_that_reads_only_after_it_has_sent_everything_learns_why_it_was_refused() {
    on_server(|server| async move {
        let address = server.listen().await;
        let bytes = 6 * 1024 * 1024;
        let head = format!(
            "POST {EVENT} HTTP/1.1\r\nhost: x\r\nx-token: {SHARED}\r\ncontent-length: {bytes}\r\n\
             content-type: application/json\r\nconnection: close\r\n\r\n"
        );
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&vec![b' '; bytes]).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("5 MiB"), "{answer}");
    });
}

#[test]
fn ids_of_another_project_open_nothing() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("other").await;
        let approval = server.wait_at_approval("tour", "carts:1").await;
        let open = server.open("approval").await;
        let forged = json!({"type": "sh.keptn.event.approval.finished", "source": "test",
            "triggeredid": approval, "shkeptncontext": open["shkeptncontext"],
            "data": {"project": "other", "stage": "production", "service": "carts",
                "result": "pass", "status": "succeeded"}});
        assert_eq!(server.post(EVENT, &forged).await.status, 200);
        assert_eq!(server.open("approval").await["id"], json!(approval), "it still waits");
    });
}
