//! Watching a sequence, and waiting for it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::scene::{FIRST, SECOND, Scene};
use crate::support::{PATIENCE, pass};

const THIRD: &str = "6b4e8c32-9f50-4d7c-9e31-40af8c2d5e93";

/// A command that runs, whose lines are read one by one.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts it; what it writes on standard output, or on standard error, is read.
    fn start(scene: &Scene, arguments: &[&str], errors: bool) -> Self {
        let mut command = scene.program(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments);
        match errors {
            true => command.stderr(Stdio::piped()).stdout(Stdio::null()),
            false => command.stdout(Stdio::piped()),
        };
        let mut child = command.spawn().expect("the binary starts");
        let out: Box<dyn std::io::Read + Send> = match errors {
            true => Box::new(child.stderr.take().expect("it is piped")),
            false => Box::new(child.stdout.take().expect("it is piped")),
        };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                drop(send.send(line));
            }
        });
        Self { child, lines }
    }

    /// Waits for a line that holds all of this.
    #[track_caller]
    fn line_with(&self, parts: &[&str]) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if parts.iter().all(|part| line.contains(part)) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with {parts:?} but {seen:#?}"),
            }
        }
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().expect("it is ours").code()
    }
}

#[test]
fn a_sequence_is_told_line_by_line_as_it_happens() {
    let scene = Scene::new();
    scene.deliver(THIRD, "hello:v3");
    let watch = Running::start(&scene, &["watch", &THIRD[..8]], false);
    watch.line_with(&["qa/delivery deployment triggered"]);
    scene.execute(THIRD, "deployment", &pass());
    watch.line_with(&["qa/delivery deployment finished: pass after"]);
    let gate = watch.line_with(&["production/delivery approval waits for approval"]);
    let id = scene.approval(THIRD);
    let link = format!("http://{}/bridge/approval/{id}", scene.server.address);
    assert!(gate.contains(&link) && gate.contains(&format!("tidegate approve {id}")), "{gate}");
    scene.finish(THIRD);
    watch.line_with(&["delivery of fulltour/helloservice finished: pass after"]);
    assert_eq!(watch.code(), Some(0));
}

#[test]
fn changes_as_json_are_one_object_a_line_and_a_failure_ends_with_5() {
    let scene = Scene::new();
    let watch = Running::start(&scene, &["watch", FIRST, "--output", "json"], false);
    watch.line_with(&["waitingForApproval"]);
    scene.approve(FIRST);
    scene.execute(
        FIRST,
        "deployment",
        &json!({"result": "fail", "status": "succeeded", "message": "no space"}),
    );
    let failed = watch.line_with(&["\"task\":\"deployment\"", "no space"]);
    let failed: Value = serde_json::from_str(&failed).expect("JSON");
    assert_eq!(failed["stage"], "production");
    assert_eq!((&failed["state"], &failed["result"]), (&json!("finished"), &json!("fail")));
    let mut last = watch.line_with(&["\"result\":\"fail\""]);
    while let Ok(line) = watch.lines.recv_timeout(PATIENCE) {
        last = line;
    }
    let last: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!((&last["context"], &last["state"]), (&json!(FIRST), &json!("finished")));
    assert!(last.get("stage").is_none() && last["seconds"].is_number(), "{last}");
    assert_eq!(watch.code(), Some(5));
}

#[test]
fn watching_goes_on_when_the_server_was_away() {
    let mut scene = Scene::new();
    let address = scene.server.address;
    let watch = Running::start(&scene, &["watch", SECOND], false);
    watch.line_with(&["waits for approval"]);
    scene.server.kill();
    scene.server.restart_at(address);
    scene.finish(SECOND);
    watch.line_with(&["delivery of fulltour/helloservice finished: pass"]);
    assert_eq!(watch.code(), Some(0));
}

#[test]
fn waiting_tells_how_to_decide_and_gives_up_in_time() {
    let scene = Scene::new();
    let waited = Running::start(
        &scene,
        &[
            "trigger",
            "delivery",
            "--project",
            "fulltour",
            "--service",
            "helloservice",
            "--image",
            "hello:v3",
            "--wait",
        ],
        true,
    );
    let begun = waited.line_with(&["Triggered"]);
    let context = begun.split([' ', ';']).nth(1).expect("an id").to_owned();
    scene.execute(&context, "deployment", &pass());
    waited.line_with(&["approval waits for approval", "tidegate approve"]);
    scene.finish(&context);
    assert_eq!(waited.code(), Some(0));
    let ran = scene.run(&["watch", FIRST, "--timeout", "10ms"]);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let id = scene.approval(FIRST);
    assert!(
        ran.err.contains(&format!("tidegate approve {id}")) || ran.err.contains("has not said")
    );
}

#[test]
fn a_sequence_that_failed_before_anybody_looked_ends_with_5_and_the_reason() {
    let scene = Scene::new();
    let line = ["trigger", "unheard-of", "--project", "fulltour", "--service", "helloservice"];
    let ran = scene.run(&[&line[..], &["--wait=1m", "--output", "json"]].concat());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let document: Value = serde_json::from_str(&ran.out).expect("one document");
    assert_eq!((&document["state"], &document["result"]), (&json!("finished"), &json!("fail")));
    assert!(ran.err.contains("unheard-of"), "{}", ran.err);
}

#[test]
fn what_is_not_there_ends_with_4_and_what_cannot_be_reached_with_7() {
    let scene = Scene::new();
    for line in [
        &["watch", "00000000"][..],
        &["projects", "show", "nope"],
        &["projects", "delete", "nope", "--yes"],
        &["services", "delete", "nope", "--project", "fulltour", "--yes"],
        &["sequences", "abort", "00000000-0000-4000-8000-000000000000"],
        &["events", "show", "00000000-0000-4000-8000-000000000000"],
        &["trigger", "delivery", "--project", "fulltour", "--service", "nope"],
        &[
            "trigger",
            "delivery",
            "--project",
            "fulltour",
            "--service",
            "helloservice",
            "--stage",
            "no",
        ],
    ] {
        let ran = scene.run(line);
        assert_eq!(ran.code, Some(4), "{line:?}: {ran:?}");
        assert_eq!(ran.out, "", "{line:?}");
    }
    for line in [
        &["projects", "delete", "fulltour"][..],
        &["watch", "xyz"],
        &["events", "list"],
        &[
            "trigger",
            "delivery",
            "--project",
            "fulltour",
            "--service",
            "helloservice",
            "--label",
            "x",
        ],
    ] {
        let ran = scene.run(line);
        assert_eq!(ran.code, Some(2), "{line:?}: {ran:?}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("--endpoint=http://{}", nobody.local_addr().expect("it has one"));
    drop(nobody);
    assert_eq!(scene.run(&["projects", "list", &endpoint]).code, Some(7));
    scene.finish(FIRST);
    let ran = scene.run(&["sequences", "abort", FIRST]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("nothing was done"), "{ran:?}");
}
