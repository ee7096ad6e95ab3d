//! Requests, against a server that answers as told and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    ApprovalQuery, ApprovalState, Client, ClientError, Decision, EventQuery, IdempotencyKey, Token,
};

#[derive(Default)]
struct Script {
    answers: VecDeque<(u16, String)>,
    location: Option<String>,
    requests: Vec<(String, HeaderMap)>,
}

type Shared = Arc<Mutex<Script>>;

async fn play(State(script): State<Shared>, request: Request) -> Response<String> {
    let mut script = script.lock().unwrap();
    let line = format!("{} {}", request.method(), request.uri());
    script.requests.push((line, request.headers().clone()));
    let (status, body) = script.answers.pop_front().unwrap_or((500, String::new()));
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(location) = &script.location {
        answer.headers_mut().insert("location", location.parse().unwrap());
    }
    answer
}

/// A client of a server that gives these answers, one after the other.
async fn client(answers: &[(u16, Value)]) -> (Client, Shared) {
    crate::init();
    let answers = answers.iter().map(|(status, body)| (*status, body.to_string())).collect();
    let script = Arc::new(Mutex::new(Script { answers, ..Script::default() }));
    let router = Router::new().fallback(play).with_state(Arc::clone(&script));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/api", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Client::new(endpoint, Token::new("t0ken").unwrap()).unwrap(), script)
}

fn lines(script: &Shared) -> Vec<String> {
    script.lock().unwrap().requests.iter().map(|(line, _)| line.clone()).collect()
}

#[tokio::test]
async fn every_event_has_a_key_and_a_repeat_has_the_same() {
    let sent = (200, json!({"keptnContext": "c"}));
    let (client, script) = client(&[sent.clone(), sent.clone(), sent.clone(), sent]).await;
    let key = IdempotencyKey::fresh();
    for _ in 0..2 {
        assert_eq!(client.send_event(&json!({})).await.unwrap(), "c");
        client.send_event_once(&json!({}), &key).await.unwrap();
    }
    let script = script.lock().unwrap();
    let keys: Vec<_> =
        script.requests.iter().map(|(_, headers)| headers["idempotency-key"].clone()).collect();
    assert_eq!(keys[1], keys[3]);
    assert!(keys[0] != keys[1] && keys[0] != keys[2], "{keys:?}");
    assert!(script.requests.iter().all(|(_, headers)| headers["x-token"] == "t0ken"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let (elsewhere, thief) = client(&[(200, json!({}))]).await;
    let (client, script) = client(&[(302, json!({}))]).await;
    script.lock().unwrap().location = Some(elsewhere.endpoint().to_string());
    let error = client.metadata().await.unwrap_err();
    assert_eq!(error.refusal().map(|refusal| refusal.status), Some(302), "{error}");
    assert_eq!(lines(&thief), [""; 0]);
}

#[tokio::test]
async fn a_refused_vote_says_who_decided_or_what_changed() {
    let decided = json!({"decision": "decline", "by": {"kind": "person", "name": "grace"}, "at": "2026-11-24T12:00:00Z"});
    let (client, _) = client(&[
        (409, json!({"code": 409, "message": "too late", "decided": decided})),
        (
            409,
            json!({"code": 409, "message": "stale", "subject": "sha256:b", "changed": ["x", "y"]}),
        ),
        (404, json!({"code": 404, "message": "no such approval"})),
    ])
    .await;
    let vote = async || client.decide("a/b", Decision::Approve, Some("sha256:a"), None).await;
    let refusal = vote().await.unwrap_err().refusal().cloned().unwrap();
    let first = refusal.decided.unwrap();
    assert_eq!((first.decision, first.by.to_string().as_str()), (Decision::Decline, "grace"));
    let refusal = vote().await.unwrap_err().refusal().cloned().unwrap();
    assert_eq!(refusal.subject.as_deref(), Some("sha256:b"));
    assert_eq!(refusal.changed.as_deref(), Some("x, y"));
    let error = vote().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "no such approval");
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let (client, script) = client(&[
        (200, json!({"approvals": [], "total": 3, "next": 2})),
        (200, json!({"approvals": [], "total": 3, "next": 2})),
        (200, json!({"events": [{"id": 1}], "nextPageKey": "100"})),
        (200, json!({"events": [{"id": 2}], "nextPageKey": "0"})),
    ])
    .await;
    let query = ApprovalQuery { state: Some(ApprovalState::Open), ..ApprovalQuery::default() };
    client.all_approvals(&query).await.unwrap();
    let query = EventQuery { context: Some("c d"), ..EventQuery::default() };
    assert_eq!(client.events(&query).await.unwrap(), [json!({"id": 1}), json!({"id": 2})]);
    assert_eq!(
        lines(&script),
        [
            "GET /api/tidegate/v1/approvals?state=open&offset=0",
            "GET /api/tidegate/v1/approvals?state=open&offset=2",
            "GET /api/mongodb-datastore/event?keptnContext=c+d&pageSize=100&nextPageKey=0",
            "GET /api/mongodb-datastore/event?keptnContext=c+d&pageSize=100&nextPageKey=100",
        ]
    );
}

#[tokio::test]
async fn what_is_made_while_pages_are_read_is_not_read_twice() {
    let evaluation = |id: &str| {
        json!({"id": id, "context": "c", "time": "2026-11-24T10:00:00Z", "result": "pass",
            "score": 100, "invalidated": false, "indicatorResults": []})
    };
    let page = |ids: [&str; 2], next: u64| {
        (200, json!({"evaluations": ids.map(evaluation), "total": 9, "next": next}))
    };
    // Between the pages one was made, so the second begins with what the first ended with.
    let (client, script) =
        client(&[page(["d", "c"], 2), page(["c", "b"], 4), page(["a", "z"], 6)]).await;
    let read = client.evaluations("p", "s", "v", 4).await.unwrap();
    assert_eq!(read.iter().map(|one| one.id.as_str()).collect::<String>(), "dcba");
    assert_eq!(
        lines(&script).last().map(String::as_str),
        Some("GET /api/tidegate/v1/projects/p/stages/s/services/v/evaluations?offset=4&limit=1")
    );
}

#[tokio::test]
async fn names_stay_within_their_segment_of_a_path() {
    let done = (200, json!({}));
    let (client, script) = client(&[done.clone(), done.clone(), done]).await;
    client.create_service("a/../b", "s").await.unwrap();
    client.abort("p", "c?d", Some("qa")).await.unwrap();
    client.open_events("sh.keptn.event.x.triggered", "p&q").await.unwrap();
    assert_eq!(
        lines(&script),
        [
            "POST /api/controlPlane/v1/project/a%2F..%2Fb/service",
            "POST /api/controlPlane/v1/sequence/p/c%3Fd/control",
            "GET /api/controlPlane/v1/event/triggered/sh.keptn.event.x.triggered\
             ?project=p%26q&pageSize=1000",
        ]
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_apart_from_a_refusal() {
    let (client, _) = client(&[(200, json!("hello")), (502, json!("<html>"))]).await;
    let error = client.metadata().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreadable { .. }), "{error}");
    let error = client.metadata().await.unwrap_err();
    assert_eq!(error.to_string(), "the server answers 502 Bad Gateway");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap()).parse().unwrap();
    drop(nobody);
    let client = Client::new(endpoint, Token::new("t0ken").unwrap()).unwrap();
    let text = client.metadata().await.unwrap_err().to_string();
    assert!(text.contains("does the server run there?") && text.contains("refused"), "{text}");
}

/// A server that takes one request and goes away without an answer, then answers as it should.
#[tokio::test]
async fn an_event_whose_answer_was_lost_is_sent_again_as_the_same() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    crate::init();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let served = tokio::spawn(async move {
        let mut heads = Vec::new();
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"keptnContext\":\"c\"}"]
        {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"{}") {
                head.push(stream.read_u8().await.unwrap());
            }
            heads.push(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        heads
    });
    let client = Client::new(endpoint, Token::new("t0ken").unwrap()).unwrap();
    assert_eq!(client.send_event_surely(&json!({})).await.unwrap(), "c");
    let heads = served.await.unwrap();
    let key = |head: &str| {
        let line = head.lines().find(|line| line.starts_with("idempotency-key: "));
        line.expect("a key").to_owned()
    };
    assert_eq!(key(&heads[0]), key(&heads[1]));
}
