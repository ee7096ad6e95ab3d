//! Two people decide at the same moment: one outcome each, and the loser is told who won.

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Barrier};

use serde_json::{Value, json};
use support::browser::{field, sign_in};
use support::{Server, TOKEN, answer, post, request};

const ROUNDS: usize = 1000;
const BATCH: usize = 50;

/// Runs both at the same moment and returns both results.
fn together<T: Send + 'static>(
    one: impl FnOnce() -> T + Send + 'static,
    other: impl FnOnce() -> T + Send + 'static,
) -> (T, T) {
    let barrier = Arc::new(Barrier::new(2));
    let second = Arc::clone(&barrier);
    let thread = std::thread::spawn(move || {
        second.wait();
        other()
    });
    barrier.wait();
    let first = one();
    (first, thread.join().expect("it does not panic"))
}

fn rounds(server: &Server, mut round: impl FnMut(usize, &str)) {
    for batch in 0..ROUNDS / BATCH {
        let waiting: Vec<_> = (0..BATCH)
            .map(|index| server.wait_at_approval(&format!("hello:{batch}.{index}")))
            .collect();
        for (index, approval) in waiting.iter().enumerate() {
            round(batch * BATCH + index, approval);
            // Production's deployment follows an approval; it must not hold the lane.
            for event in server.open("deployment") {
                post(server.address, "/api/v1/event", &answer(&event, "started", &json!({})));
                let failed = json!({"result": "fail", "status": "succeeded"});
                post(server.address, "/api/v1/event", &answer(&event, "finished", &failed));
            }
        }
    }
}

fn decide(address: SocketAddr, approval: &str, decision: &str) -> (u16, Value) {
    let path = format!("/api/tidegate/v1/approvals/{approval}/decision");
    post(address, &path, &json!({"decision": decision})).expect("the server answers")
}

#[test]
fn approve_by_api_and_decline_by_form_have_one_outcome_a_thousand_times() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    let browser = Browser::sign_in(&server, "ada");
    let mut won = [0, 0];
    rounds(&server, |_, approval| {
        let (address, id) = (server.address, approval.to_owned());
        let (form, form_id) = (browser.clone(), approval.to_owned());
        let (_, shown) = server.get(&format!("/api/tidegate/v1/approvals/{approval}"));
        let subject = shown["subject"].as_str().expect("a subject").to_owned();
        let (api, page) = together(
            move || decide(address, &id, "approve"),
            move || {
                let (code, text) = form.decide(&form_id, &subject, "decline");
                (code, Value::from(text))
            },
        );
        let finished = finished(&server, approval);
        assert_eq!(finished.len(), 1, "one approval.finished");
        let result = finished[0]["data"]["result"].as_str().expect("a result");
        match (api.0, page.0) {
            (200, 409) => {
                assert_eq!(result, "pass");
                let text = page.1.as_str().expect("a page");
                assert!(text.contains("approved"), "the page says what was decided: {text}");
                won[0] += 1;
            }
            (409, 303) => {
                assert_eq!(result, "fail");
                let decided = &api.1["decided"];
                assert_eq!(decided["decision"], "decline", "{}", api.1);
                assert!(decided["at"].is_string(), "{}", api.1);
                assert!(api.1["message"].as_str().expect("a message").contains("ada"), "{}", api.1);
                won[1] += 1;
            }
            codes => panic!("{codes:?}: {} / {}", api.1, page.1),
        }
    });
    println!("the API won {} rounds, the form {}", won[0], won[1]);
}

#[test]
fn both_by_event_are_answered_200_and_one_is_listed_a_thousand_times() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    rounds(&server, |_, approval| {
        let open = server.open("approval");
        let event = open.iter().find(|event| event["id"] == *approval).expect("it waits").clone();
        let address = server.address;
        let send = move |event: Value, result: &'static str| {
            let data = json!({"result": result, "status": "succeeded"});
            let mut body = answer(&event, "finished", &data);
            body.as_object_mut().expect("an object").remove("id");
            post(address, "/api/v1/event", &body).expect("the server answers").0
        };
        let (one, other) = (event.clone(), event);
        let codes = together(move || send(one, "pass"), move || send(other, "fail"));
        assert_eq!(codes, (200, 200));
        assert_eq!(finished(&server, approval).len(), 1);
    });
}

fn finished(server: &Server, approval: &str) -> Vec<Value> {
    let (code, body) = server.get(&format!("/api/tidegate/v1/approvals/{approval}"));
    assert_eq!(code, 200, "{body}");
    let context = body["context"].as_str().expect("a context");
    server.events(context, "approval.finished")
}

/// A person in a browser without JavaScript.
#[derive(Clone)]
struct Browser {
    address: SocketAddr,
    cookie: String,
    csrf: String,
}

impl Browser {
    fn sign_in(server: &Server, name: &str) -> Self {
        let cookie = sign_in(server, name);
        let session = [("cookie", cookie.as_str())];
        server.wait_at_approval("hello:first");
        let inbox = request(server.address, "GET", "/bridge/inbox", &session, b"").expect("a page");
        let csrf = field(&inbox.text(), "csrf").expect("forms carry a token");
        let browser = Self { address: server.address, cookie, csrf };
        let first = &server.approvals()[0];
        let text = |key: &str| first[key].as_str().expect("a text");
        assert_eq!(browser.decide(text("id"), text("subject"), "decline").0, 303);
        browser
    }

    fn decide(&self, approval: &str, subject: &str, decision: &str) -> (u16, String) {
        let path = format!("/bridge/approval/{approval}/decision");
        let origin = format!("http://{}", self.address);
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("origin", origin.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let csrf = &self.csrf;
        let body = format!("csrf={csrf}&decision={decision}&subject={subject}&comment=because");
        let answer = request(self.address, "POST", &path, &headers, body.as_bytes());
        let answer = answer.expect("an answer");
        (answer.code, answer.text())
    }
}

#[test]
fn a_wrong_token_decides_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    server.create_tour();
    let approval = server.wait_at_approval("hello:v1");
    let path = format!("/api/tidegate/v1/approvals/{approval}/decision");
    let headers = [("x-token", "not-the-token"), ("content-type", "application/json")];
    let answer = request(server.address, "POST", &path, &headers, br#"{"decision":"approve"}"#);
    assert_eq!(answer.expect("an answer").code, 401);
    assert_eq!(server.approvals().len(), 1);
    assert_ne!(TOKEN, "not-the-token");
}
