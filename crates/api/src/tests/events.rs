//! Sending events.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::server::{ADA, Answer, BOT, EVENT, SHARED, Server, delivery, on_server};

async fn send(server: &Server, token: &str, key: &str, body: &Value) -> Answer {
    let request = Request::post(EVENT)
        .header("x-token", token)
        .header("content-type", "application/cloudevents+json; charset=utf-8")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()));
    server.send([127, 0, 0, 1], request.unwrap()).await
}

async fn deployments(server: &Server) -> Value {
    let path = "/api/controlPlane/v1/event/triggered/sh.keptn.event.deployment.triggered";
    server.get(path).await.json()["totalCount"].clone()
}

#[test]
fn an_event_is_answered_with_its_context_and_nothing_else() {
    on_server(|server| async move {
        server.create("tour").await;
        let mut event = delivery("tour", "carts:1");
        event["shkeptncontext"] = json!("6f9619ff-8b86-4011-b42d-00cf4fc964ff");
        let sent = server.post(EVENT, &event).await;
        let body = json!({"keptnContext": "6f9619ff-8b86-4011-b42d-00cf4fc964ff"});
        assert_eq!((sent.status, sent.json()), (200, body));
        assert_eq!(server.open("deployment").await["shkeptncontext"], event["shkeptncontext"]);
    });
}

#[test]
fn without_a_key_the_same_trigger_twice_is_two_deliveries() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("twin").await;
        let one = server.deliver("tour", "carts:1").await;
        let two = server.deliver("tour", "carts:1").await;
        assert_ne!(one, two);
    });
}

#[test]
fn with_a_key_it_is_one_and_the_answer_is_the_first_one() {
    on_server(|server| async move {
        server.create("tour").await;
        server.create("twin").await;
        let event = delivery("tour", "carts:1");
        let first = send(&server, ADA, "release-42", &event).await;
        assert_eq!(first.status, 200, "{first:?}");
        let again = send(&server, ADA, "release-42", &event).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
        assert_eq!(deployments(&server).await, 1);
        // Another request under the same key is refused, and has no effect.
        let other = send(&server, ADA, "release-42", &delivery("twin", "carts:1")).await;
        assert_eq!(other.status, 409);
        assert!(other.message().contains("Idempotency-Key"), "{other:?}");
        assert_eq!(deployments(&server).await, 1);
        // Keys of different callers have nothing to do with each other.
        let bot = send(&server, BOT, "release-42", &delivery("twin", "carts:1")).await;
        assert_eq!(bot.status, 200);
        assert_ne!(bot.json(), first.json());
        assert_eq!(deployments(&server).await, 2);
        for bad in ["", &"x".repeat(256)] {
            assert_eq!(send(&server, ADA, bad, &event).await.status, 400);
        }
    });
}

#[test]
fn the_caller_is_who_the_token_says() {
    on_server(|server| async move {
        server.create("tour").await;
        for (token, kind) in [(ADA, "person"), (BOT, "machine"), (SHARED, "shared")] {
            let event = delivery("tour", "carts:1");
            let sent = send(&server, token, kind, &event).await.json();
            let context = sent["keptnContext"].as_str().unwrap().parse().unwrap();
            let project = Server::project("tour");
            let runs = server.engine.read(move |reader| reader.executions(&project, context)).await;
            let by = serde_json::to_value(&runs.unwrap()[0].execution.triggered_by).unwrap();
            assert_eq!(by["kind"], kind);
        }
    });
}
