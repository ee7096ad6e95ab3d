//! What the log of a server says of a request: every line names what it is about.

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{TOKEN, delivery, listens, post, request};

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_line_within_a_request_names_project_context_type_and_event() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path().join("data"))
        .env("TIDEGATE_API_TOKEN", TOKEN)
        .env("TIDEGATE_LOG", "info")
        .env("TIDEGATE_LOG_FORMAT", "json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Killed(command.spawn().expect("the binary starts"));
    let log = BufReader::new(child.0.stderr.take().expect("it is piped"));
    let address = listens(&mut child.0).expect("it listens");
    let shipyard = "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nmetadata: {name: s}\nspec:\n  stages:\n\
                    \x20   - name: qa\n      sequences: [{name: delivery, tasks: [{name: approval}]}]\n";
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, shipyard);
    let project = json!({"name": "tour", "shipyard": encoded});
    assert_eq!(post(address, "/api/controlPlane/v1/project", &project).expect("an answer").0, 201);
    let (code, accepted) = post(address, "/api/v1/event", &delivery("hello:1")).expect("an answer");
    assert_eq!(code, 200, "{accepted}");
    let context = accepted["keptnContext"].as_str().expect("a context");
    let path = "/api/controlPlane/v1/event/triggered/sh.keptn.event.approval.triggered";
    let open = request(address, "GET", path, &[("x-token", TOKEN)], b"").expect("an answer");
    let open = open.json().1["events"][0].clone();
    let vote = support::answer(&open, "finished", &support::pass());
    assert_eq!(post(address, "/api/v1/event", &vote).expect("an answer").0, 200);
    let said = |line: &Value| line["fields"]["message"] == "an approval was approved";
    let line = log
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
        .find(said)
        .expect("the decision is in the log");
    let span = &line["span"];
    assert_eq!(span["name"], "request", "{line}");
    assert_eq!(span["route"], "/api/v1/event");
    assert_eq!(span["project"], "tour");
    assert_eq!(span["sequence.context"], context);
    assert_eq!(span["event.type"], "sh.keptn.event.approval.finished");
    assert_eq!(span["event.id"], line["fields"]["event.id"]);
}
