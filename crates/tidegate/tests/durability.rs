//! The server is killed, again and again; nothing that it acknowledged is lost, nothing happens
//! twice.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Dice, Server, answer, delivery, number, pass, post, until};

/// An executor that takes one delivery through both stages while the server is killed before every
/// single request.
#[test]
fn two_stages_with_a_kill_between_any_two_requests() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(directory.path());
    server.create_tour();
    server.crash();
    let context = server.deliver("hello:v1");
    for task in ["deployment", "test", "approval", "deployment"] {
        server.crash();
        let open = server.open(task);
        assert_eq!(open.len(), 1, "one open {task}: {open:?}");
        if task != "approval" {
            server.crash();
            let started = answer(&open[0], "started", &json!({}));
            assert_eq!(server.post("/api/v1/event", &started).0, 200);
        }
        server.crash();
        let finished = answer(&open[0], "finished", &pass());
        assert_eq!(server.post("/api/v1/event", &finished).0, 200);
        // An executor that did not hear the answer sends it again.
        server.crash();
        assert_eq!(server.post("/api/v1/event", &finished).0, 200);
    }
    server.crash();
    let (_, states) = server.get("/api/controlPlane/v1/sequence/tour");
    assert_eq!(states["states"][0]["state"], "finished", "{states}");
    for (kind, times) in [
        ("qa.delivery.triggered", 1),
        ("deployment.triggered", 2),
        ("deployment.finished", 2),
        ("test.finished", 1),
        ("approval.started", 1),
        ("approval.finished", 1),
        ("production.delivery.finished", 1),
    ] {
        assert_eq!(server.events(&context, kind).len(), times, "{kind}");
    }
}

/// Clients trigger, execute and decide under load while the server is killed at random, as often as
/// `TIDEGATE_KILLS` says.
#[test]
fn kills_at_random_lose_nothing_and_decide_nothing_twice() {
    let seed = number("TIDEGATE_SEED", 20_261_124);
    let kills = number("TIDEGATE_KILLS", 60);
    println!("TIDEGATE_SEED={seed} TIDEGATE_KILLS={kills}");
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(directory.path());
    server.create_tour();
    let address = Arc::new(Mutex::new(server.address));
    let stop = Arc::new(AtomicBool::new(false));
    let triggered = Arc::new(Mutex::new(BTreeSet::new()));
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (address, stop) = (Arc::clone(&address), Arc::clone(&stop));
            let (triggered, answered) = (Arc::clone(&triggered), Arc::clone(&answered));
            std::thread::spawn(move || {
                let mut round = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    let now = *address.lock().expect("no poison");
                    client_round(now, client, round, &triggered, &answered);
                }
            })
        })
        .collect();
    let mut dice = Dice(seed);
    for _ in 0..kills {
        // The moment of the kill is chance by design, so this pause waits for nothing.
        std::thread::sleep(Duration::from_millis(20 + dice.roll(120)));
        server.crash();
        *address.lock().expect("no poison") = server.address;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("a client never panics");
    }
    let (triggered, answered) = (triggered.lock().unwrap(), answered.lock().unwrap());
    let (deliveries, answers) = (triggered.len(), answered.len());
    println!("{kills} kills; {deliveries} deliveries and {answers} answers were acknowledged");
    assert!(deliveries > 20, "the load is real");
    for context in triggered.iter() {
        let found = server.events(context, "qa.delivery.triggered");
        assert_eq!(found.len(), 1, "{context} was acknowledged");
        assert!(server.events(context, "approval.finished").len() <= 1, "{context}");
        for stage in ["qa", "production"] {
            let finished = server.events(context, &format!("{stage}.delivery.finished"));
            assert!(finished.len() <= 1, "{context} ended {} times in {stage}", finished.len());
        }
    }
    for (context, triggered_id) in answered.iter() {
        let path = format!("/api/mongodb-datastore/event?keptnContext={context}&pageSize=100");
        let (_, body) = server.get(&path);
        let counted = body["events"].as_array().expect("events").iter().filter(|event| {
            event["triggeredid"] == **triggered_id
                && event["type"].as_str().is_some_and(|kind| kind.ends_with(".finished"))
        });
        assert_eq!(counted.count(), 1, "the answer to {triggered_id} was acknowledged");
    }
    server.expect_sound();
}

fn client_round(
    address: std::net::SocketAddr,
    client: u32,
    round: u32,
    triggered: &Mutex<BTreeSet<String>>,
    answered: &Mutex<BTreeSet<(String, String)>>,
) {
    if client == 0 || round.is_multiple_of(3) {
        let mut body = delivery(&format!("hello:{client}.{round}"));
        body["data"]["service"] = json!(format!("hello-{}", round % 7));
        if let Some((200, body)) = post(address, "/api/v1/event", &body) {
            let context = body["keptnContext"].as_str().expect("a context").to_owned();
            triggered.lock().expect("no poison").insert(context);
        }
        return;
    }
    let task = ["deployment", "test", "approval"][(client % 3) as usize];
    let path = format!(
        "/api/controlPlane/v1/event/triggered/sh.keptn.event.{task}.triggered?project=tour"
    );
    let headers = [("x-token", support::TOKEN)];
    let Some(open) = support::request(address, "GET", &path, &headers, b"") else { return };
    let (_, body) = open.json();
    for event in body["events"].as_array().into_iter().flatten() {
        if task != "approval" {
            let started = answer(event, "started", &json!({}));
            if post(address, "/api/v1/event", &started).is_none() {
                return;
            }
        }
        let finished = answer(event, "finished", &pass());
        if let Some((200, _)) = post(address, "/api/v1/event", &finished) {
            let text = |key: &str| event[key].as_str().expect("a text").to_owned();
            answered.lock().expect("no poison").insert((text("shkeptncontext"), text("id")));
        }
    }
}

#[test]
fn a_terminated_server_drains_and_exits_with_zero() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(directory.path());
    server.create_tour();
    assert_eq!(server.terminate(), Some(0));
    server.restart();
    let (code, project) = server.get("/api/controlPlane/v1/project/tour");
    assert_eq!((code, &project["projectName"]), (200, &Value::from("tour")));
}

#[test]
fn a_second_server_on_the_same_directory_is_refused_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(directory.path());
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&server.data)
        .output()
        .expect("it runs");
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(text.contains("another tidegate"), "{text}");
    until("the first to go on", || (server.get("/health").0 == 200).then_some(()));
}
