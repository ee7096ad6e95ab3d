//! Faults that need the real binary and no more than a client: what was captured is sent again, an
//! executor is slow, one dies, one asks too much.

mod support;

use serde_json::{Value, json};
use support::{Server, TOKEN, answer, pass, request};

fn tour() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    (directory, server)
}

fn decision(approval: &str) -> String {
    format!("/api/tidegate/v1/approvals/{approval}/decision")
}

fn state_of(server: &Server, approval: &str) -> Value {
    let (code, body) = server.get(&format!("/api/tidegate/v1/approvals/{approval}"));
    assert_eq!(code, 200, "{body}");
    body["state"].clone()
}

#[test]
fn requests_that_decided_one_approval_decide_no_other_when_they_are_sent_again() {
    let (_directory, server) = tour();
    let first = server.wait_at_approval("hello:v1");
    let (_, seen) = server.get(&format!("/api/tidegate/v1/approvals/{first}"));
    let vote = json!({"decision": "approve", "subject": seen["subject"]});
    let event = {
        let open = server.open("approval");
        answer(&open[0], "finished", &pass())
    };
    assert_eq!(server.post(&decision(&first), &vote).0, 200);
    for task in ["deployment"] {
        let open = server.open(task).remove(0);
        for phase in ["started", "finished"] {
            assert_eq!(server.post("/api/v1/event", &answer(&open, phase, &pass())).0, 200);
        }
    }
    // The same release again, a year later: it is another approval.
    let second = server.wait_at_approval("hello:v1");
    assert_eq!(server.post(&decision(&first), &vote).0, 200, "a repeat, of the first");
    let declined = json!({"decision": "decline", "subject": seen["subject"]});
    assert_eq!(server.post(&decision(&first), &declined).0, 409);
    assert_eq!(server.post("/api/v1/event", &event).0, 200, "kept, as in Keptn");
    assert_eq!(server.post(&decision(&second), &vote).0, 409, "its subject fits nothing else");
    let mut forged = event.clone();
    forged["triggeredid"] = json!(second);
    forged.as_object_mut().expect("an object").remove("id");
    assert_eq!(server.post("/api/v1/event", &forged).0, 200, "another context's: kept");
    assert_eq!(state_of(&server, &second), "open");
    assert_eq!(state_of(&server, &first), "decided");
}

#[test]
fn an_executor_that_takes_its_time_delays_nobody_else_and_is_seen() {
    let (_directory, server) = tour();
    server.deliver("hello:v1");
    let slow = server.open("deployment").remove(0);
    assert_eq!(server.post("/api/v1/event", &answer(&slow, "started", &json!({}))).0, 200);
    let mut other = support::delivery("hello:v2");
    other["data"]["service"] = json!("other");
    assert_eq!(server.post("/api/v1/event", &other).0, 200);
    let queued = server.deliver("hello:v3");
    for task in ["deployment", "test"] {
        let open = server.open(task);
        let mine = open.iter().find(|event| event["data"]["service"] == "other").expect("it runs");
        for phase in ["started", "finished"] {
            assert_eq!(server.post("/api/v1/event", &answer(mine, phase, &pass())).0, 200);
        }
    }
    let approvals = server.open("approval");
    assert_eq!(approvals.len(), 1, "the other service has come to its approval");
    let path = format!("/api/controlPlane/v1/sequence/tour?keptnContext={queued}");
    assert_eq!(server.get(&path).1["states"][0]["state"], "waiting", "the queue is seen");
    assert_eq!(server.post("/api/v1/event", &answer(&slow, "finished", &pass())).0, 200);
}

#[test]
fn an_answer_of_fifty_megabytes_is_refused_and_the_task_goes_on_waiting() {
    let (_directory, server) = tour();
    server.deliver("hello:v1");
    let open = server.open("deployment").remove(0);
    let mut huge = answer(&open, "finished", &pass());
    huge["data"]["log"] = json!("x".repeat(50 * 1024 * 1024));
    let headers = [("x-token", TOKEN), ("content-type", "application/json")];
    let body = huge.to_string();
    let refused = request(server.address, "POST", "/api/v1/event", &headers, body.as_bytes());
    // The server may have closed the connection before everything was sent.
    if let Some(refused) = refused {
        assert_eq!(refused.code, 413, "{}", refused.text());
    }
    assert_eq!(server.open("deployment").len(), 1);
    for phase in ["started", "finished"] {
        assert_eq!(server.post("/api/v1/event", &answer(&open, phase, &pass())).0, 200);
    }
    assert_eq!(server.open("test").len(), 1);
}
