//! Asking about approvals, and deciding.

use serde_json::{Value, json};

use super::server::{ADA, BOT, PROJECT, SHARED, Server, on_server};

const APPROVALS: &str = "/api/tidegate/v1/approvals";

async fn approval(server: &Server, id: &str) -> Value {
    let found = server.get(&format!("{APPROVALS}/{id}")).await;
    assert_eq!(found.status, 200, "{found:?}");
    found.json()
}

fn decision(id: &str) -> String {
    format!("{APPROVALS}/{id}/decision")
}

#[test]
fn an_open_approval_shows_all_that_a_voter_needs() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let shown = approval(&server, &id).await;
        let listed = server.get(APPROVALS).await.json();
        assert_eq!(listed, json!({"approvals": [shown], "total": 1}));
        for (key, value) in [
            ("id", json!(id)),
            ("project", json!("tour")),
            ("stage", json!("production")),
            ("service", json!("carts")),
            ("sequence", json!("delivery")),
            ("image", json!("carts:1")),
            ("triggeredBy", json!({"kind": "person", "name": "ada"})),
            ("labels", json!({"build": "17"})),
            ("result", json!("pass")),
            ("then", json!(["deployment"])),
            ("evidence", json!([])),
            ("state", json!("open")),
        ] {
            assert_eq!(shown[key], value, "{key} of {shown}");
        }
        assert!(shown["subject"].as_str().unwrap().starts_with("sha256:"));
        assert!(shown["askedAt"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        // Nothing ran in production, and nobody has decided.
        assert!(shown.get("replaces").is_none() && shown.get("decided").is_none(), "{shown}");
    });
}

#[test]
fn a_vote_for_what_was_seen_decides_and_a_repeat_is_answered_alike() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let subject = approval(&server, &id).await["subject"].clone();
        let vote = json!({"decision": "approve", "subject": subject, "comment": " looks good "});
        let decided = server.post_as(ADA, &decision(&id), &vote).await;
        assert_eq!(decided.status, 200, "{decided:?}");
        let body = decided.json();
        assert_eq!((&body["state"], &body["subject"]), (&json!("decided"), &subject));
        let by = &body["decided"];
        assert_eq!(by["decision"], "approve");
        assert_eq!(by["by"], json!({"kind": "person", "name": "ada"}));
        assert_eq!((&by["comment"], &by["seen"]), (&json!("looks good"), &subject));
        assert!(by["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        // The lane goes on, and the same vote again changes nothing.
        assert_eq!(server.open("deployment").await["data"]["stage"], "production");
        let again = server.post_as(BOT, &decision(&id), &json!({"decision": "approve"})).await;
        assert_eq!((again.status, again.json()), (200, body.clone()));
        // What the approval replaced stays what it was, also once its own image runs.
        server.execute("deployment").await;
        assert_eq!(approval(&server, &id).await, body);
    });
}

#[test]
fn who_comes_second_with_another_decision_is_told_who_was_first() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let decline = json!({"decision": "decline", "comment": "error budget spent"});
        assert_eq!(server.post_as(ADA, &decision(&id), &decline).await.status, 200);
        let raced = server.post_as(BOT, &decision(&id), &json!({"decision": "approve"})).await;
        assert_eq!(raced.status, 409);
        let body = raced.json();
        let message = raced.message();
        assert!(message.contains("ada declined") && message.contains("error budget"), "{message}");
        assert_eq!(body["code"], 409);
        assert_eq!(body["decided"]["decision"], "decline");
        assert_eq!(body["decided"]["by"], json!({"kind": "person", "name": "ada"}));
        assert_eq!(body["decided"]["comment"], "error budget spent");
        assert!(body["decided"]["at"].is_string());
    });
}

#[test]
fn a_vote_for_something_else_than_what_is_there_is_refused_with_what_changed() {
    on_server(|server| async move {
        server.create("tour").await;
        let first = server.wait_at_approval("tour", "carts:1").await;
        let second = server.wait_at_approval("tour", "carts:2").await;
        let seen = approval(&server, &second).await["subject"].clone();
        // While somebody looks at the second, the first is approved and deployed.
        let vote = json!({"decision": "approve"});
        assert_eq!(server.post(&decision(&first), &vote).await.status, 200);
        server.execute("deployment").await;
        let vote = json!({"decision": "approve", "subject": seen});
        let stale = server.post(&decision(&second), &vote).await;
        assert_eq!(stale.status, 409, "{stale:?}");
        let body = stale.json();
        assert!(body["changed"].as_str().unwrap().contains("carts:1"), "{body}");
        let now = approval(&server, &second).await;
        assert_eq!((&body["subject"], &now["state"]), (&now["subject"], &json!("open")));
        assert_eq!(now["replaces"]["image"], "carts:1");
        assert!(now["replaces"]["since"].is_string());
        let vote = json!({"decision": "approve", "subject": now["subject"]});
        assert_eq!(server.post(&decision(&second), &vote).await.status, 200);
    });
}

#[test]
fn an_approval_whose_sequence_was_aborted_is_closed() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let context = approval(&server, &id).await["context"].as_str().unwrap().to_owned();
        let path = format!("/api/controlPlane/v1/sequence/tour/{context}/control");
        assert_eq!(server.post(&path, &json!({"state": "abort"})).await.status, 200);
        let closed = approval(&server, &id).await;
        assert_eq!(closed["state"], "closed");
        assert!(closed["closed"]["reason"].as_str().unwrap().contains("aborted"), "{closed}");
        let vote = server.post(&decision(&id), &json!({"decision": "approve"})).await;
        assert_eq!(vote.status, 409);
        assert!(vote.message().contains("closed"), "{vote:?}");
    });
}

#[test]
fn the_list_narrows_and_pages() {
    on_server(|server| async move {
        server.create("one").await;
        server.create("two").await;
        let first = server.wait_at_approval("one", "carts:1").await;
        let second = server.wait_at_approval("two", "carts:2").await;
        let ids = async |query: &str| {
            let answer = server.get(&format!("{APPROVALS}?{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            let body = answer.json();
            let list = body["approvals"].as_array().unwrap().clone();
            let ids: Vec<Value> = list.into_iter().map(|item| item["id"].clone()).collect();
            (ids, body["next"].clone())
        };
        let context = approval(&server, &second).await["context"].as_str().unwrap().to_owned();
        for (query, expected) in [
            ("state=open".to_owned(), vec![&first, &second]),
            ("state=decided".to_owned(), vec![]),
            ("state=open&project=two".to_owned(), vec![&second]),
            ("project=nowhere".to_owned(), vec![]),
            ("stage=production&service=carts&project=one".to_owned(), vec![&first]),
            ("stage=qa".to_owned(), vec![]),
            (format!("context={context}"), vec![&second]),
            (format!("context={context}&project=one"), vec![]),
        ] {
            let expected: Vec<Value> = expected.into_iter().map(|id| json!(id)).collect();
            assert_eq!(ids(&query).await, (expected, Value::Null), "{query}");
        }
        assert_eq!(ids("state=open&limit=1").await, (vec![json!(first)], json!(1)));
        assert_eq!(ids("state=open&limit=1&offset=1").await, (vec![json!(second)], Value::Null));
    });
}

#[test]
fn what_these_routes_cannot_read_they_refuse() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        for query in ["state=waiting", "project=..%2F", "context=7", "limit=ten", "offset=-1"] {
            let answer = server.get(&format!("{APPROVALS}?{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
            let key = query.split('=').next().unwrap();
            assert!(answer.message().contains(key), "{query}: {answer:?}");
        }
        for vote in [
            json!({}),
            json!({"decision": "maybe"}),
            json!({"decision": "approve", "subject": "sha256:7"}),
            json!({"decision": "approve", "subjekt": "x"}),
            json!({"decision": "approve", "comment": "x".repeat(5000)}),
            json!([]),
        ] {
            let answer = server.post(&decision(&id), &vote).await;
            assert_eq!(answer.status, 400, "{vote}: {answer:?}");
            assert!(answer.message().starts_with("Invalid request format: "), "{answer:?}");
        }
        for id in ["7", "11111111-1111-4111-8111-111111111111", "..%2F..%2Fetc", "%FF"] {
            let status = server.get(&format!("{APPROVALS}/{id}")).await.status;
            assert!(matches!(status, 400 | 404), "{id}: {status}");
            let vote = json!({"decision": "approve"});
            let status = server.post(&decision(id), &vote).await.status;
            assert!(matches!(status, 400 | 404), "{id}: {status}");
        }
        assert_eq!(approval(&server, &id).await["state"], "open");
    });
}

#[test]
fn keptns_event_decides_too_and_is_recorded_as_blind() {
    on_server(|server| async move {
        server.create("tour").await;
        let id = server.wait_at_approval("tour", "carts:1").await;
        let open = server.open("approval").await;
        let event = json!({"type": "sh.keptn.event.approval.finished", "source": "bridge",
            "triggeredid": id, "shkeptncontext": open["shkeptncontext"],
            "data": {"project": "tour", "stage": "production", "service": "carts",
                "result": "fail", "status": "succeeded"}});
        assert_eq!(server.post_as(SHARED, "/api/v1/event", &event).await.status, 200);
        let decided = approval(&server, &id).await;
        assert_eq!(decided["decided"]["decision"], "decline");
        assert_eq!(decided["decided"]["by"], json!({"kind": "shared"}));
        assert_eq!(decided["decided"]["seen"], Value::Null);
        // The other answer is taken in, as Keptn does, and changes nothing.
        let mut late = event;
        late["data"]["result"] = json!("pass");
        assert_eq!(server.post("/api/v1/event", &late).await.status, 200);
        assert_eq!(approval(&server, &id).await, decided);
        assert_eq!(server.get(&format!("{PROJECT}/tour")).await.status, 200);
    });
}
