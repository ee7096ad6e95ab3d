//! Projects whose files are kept elsewhere, on a server that is killed.

#![allow(clippy::print_stdout, reason = "a long run tells its seed")]

#[path = "support/far.rs"]
mod far;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use far::Far;
use serde_json::json;
use support::{Dice, SHIPYARD, Server, number, until};
use tidegate_gitserver::{GitServer, Options};

/// What each client does between two kills at most.
const ROUNDS_MAX: u32 = 40;

/// `TIDEGATE_KILLS` says how often.
#[test]
fn kills_during_fetches_pushes_and_writes_lose_no_commit() {
    let (seed, kills) = (number("TIDEGATE_SEED", 20_261_125), number("TIDEGATE_KILLS", 10));
    println!("TIDEGATE_SEED={seed} TIDEGATE_KILLS={kills}");
    let (mut dice, names) = (Dice(seed), AtomicU32::new(0));
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(&directory.path().join("data"));
    let far = Far::new();
    far.create(server.address);
    let (written, pushed) = (Mutex::new(BTreeMap::new()), Mutex::new(BTreeSet::new()));
    for _ in 0..kills {
        far.change(&mut dice);
        let address = server.address;
        let (done, wanted) = (AtomicU32::new(0), u32::try_from(dice.roll(8)).expect("few"));
        let name = |what: &str| format!("{what}-{}", names.fetch_add(1, Ordering::Relaxed));
        std::thread::scope(|scope| {
            let writer = || {
                for _ in 0..ROUNDS_MAX {
                    let file = name("written");
                    let Some(commit) = far::write(address, &file) else { return };
                    written.lock().expect("no client panics").insert(commit, file);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            };
            let trigger = || {
                for _ in 0..ROUNDS_MAX {
                    if support::post(address, "/api/v1/event", &far::delivery()).is_none() {
                        return;
                    }
                }
            };
            let user = || {
                for _ in 0..3 {
                    let file = name("pushed");
                    far.push(&file);
                    pushed.lock().expect("no client panics").insert(file);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            };
            scope.spawn(writer);
            scope.spawn(writer);
            scope.spawn(trigger);
            scope.spawn(user);
            until("something to be done", || {
                (done.load(Ordering::Relaxed) >= wanted).then_some(())
            });
            server.kill();
        });
        server.restart();
    }
    let (written, pushed) =
        (written.into_inner().expect("no client panics"), pushed.into_inner().expect("nor this"));
    let files: BTreeSet<String> = written.values().chain(&pushed).cloned().collect();
    assert_eq!(far.missing(server.address, &files), Vec::<String>::new());
    let repository = directory.path().join("data/git/far.git");
    for (commit, file) in &written {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(&repository).args(["cat-file", "-e", &format!("{commit}:{file}")]);
        assert!(git.status().expect("git is there").success(), "{commit} has no {file}");
    }
    println!("{kills} kills: {} commits and {} pushes are there", written.len(), pushed.len());
    assert!(!written.is_empty() && !pushed.is_empty(), "the load is real");
}

/// Answers one request with a body, and tells what was asked.
fn answer_once(listener: &TcpListener, status: &str, body: &str) -> String {
    let (mut stream, _) = listener.accept().expect("somebody asks");
    let (mut asked, mut buffer) = (String::new(), [0; 4096]);
    while !asked.contains('}') {
        let read = stream.read(&mut buffer).expect("it asks");
        asked.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("it listens");
    asked
}

#[test]
fn whoever_provisions_repositories_is_asked_for_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let there = GitServer::start(directory.path(), Options::default()).expect("a free port");
    there.make("made", "main");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let config = directory.path().join("tidegate.toml");
    let text = format!("[upstream]\nprovisioning = \"http://{address}\"\n");
    std::fs::write(&config, text).expect("there is room");
    let server = Server::configured(&directory.path().join("data"), Some(config));
    assert_eq!(server.get("/api/v1/metadata").1["automaticprovisioning"], true);
    let create = || {
        let body = json!({"name": "tour", "shipyard": STANDARD.encode(SHIPYARD)});
        server.post("/api/controlPlane/v1/project", &body)
    };
    let asking = |status: &str, body: &str| {
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| answer_once(&listener, status, body));
            (create(), asked.join().expect("it is asked"))
        })
    };
    let (refused, _) = asking("403 Forbidden", "");
    assert_eq!(refused.0, 424);
    assert_eq!(refused.1["message"], "Error provisioning a project instance: Forbidden");
    let (nonsense, _) = asking("201 Created", "{}");
    assert_eq!(nonsense.0, 424);
    let made = json!({"gitRemoteURL": there.url("made"), "gitToken": "hunter2", "gitUser": "ada"});
    let (created, asked) = asking("201 Created", &made.to_string());
    assert_eq!(created.0, 201, "{created:?}");
    assert!(asked.starts_with("POST /repository "), "{asked}");
    assert!(asked.contains("\"project\":\"tour\""), "{asked}");
    let (_, shown) = server.get("/api/controlPlane/v1/project/tour");
    assert_eq!(shown["isUpstreamAutoProvisioned"], true);
    assert_eq!(shown["gitCredentials"]["remoteURL"], there.url("made"));
    assert!(!shown.to_string().contains("hunter2"));
    // One that is there already is nobody's business but ours.
    assert_eq!(create().0, 409);
}

/// The state of the newest execution of project `far`, and what it says.
fn newest(server: &Server) -> (String, String) {
    let (_, found) = server.get("/api/controlPlane/v1/sequence-execution?project=far");
    let found = &found["sequenceExecutions"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&found["status"]["state"]), text(&found["scope"]["gitcommitid"]))
}

#[test]
fn a_sequence_fails_or_waits_where_it_is_told_to() {
    for how in ["fail", "wait"] {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("tidegate.toml");
        std::fs::write(&config, format!("[upstream]\nwhen_unreachable = \"{how}\"\n"))
            .expect("there is room");
        let mut server = Server::configured(&directory.path().join("data"), Some(config));
        let far = Far::new();
        far.create(server.address);
        far.leave();
        assert_eq!(server.post("/api/v1/event", &far::delivery()).0, 200);
        if how == "fail" {
            let failed = || (newest(&server).0 == "finished").then_some(());
            until("the sequence to fail", failed);
            continue;
        }
        // It still waits after a crash.
        let away = || {
            let (_, state) = server.get("/api/tidegate/v1/project/far/upstream");
            state["unreachable"].is_object().then_some(())
        };
        until("the upstream to be asked", away);
        server.crash();
        assert_eq!(newest(&server), ("triggered".to_owned(), String::new()));
        far.recover();
        let goes_on = || (!newest(&server).1.is_empty()).then_some(());
        until("the sequence to go on", goes_on);
    }
}
