//! Projects whose files are kept elsewhere.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidegate_gitserver::{GitServer, Mode, Options};

use super::server::{Answer, EVENT, PROJECT, SHIPYARD, Server, delivery, on_server};

const RESOURCES: &str = "/api/resource-service/v1/project/tour";
const UPSTREAM: &str = "/api/tidegate/v1/project/tour/upstream";

/// A server with a repository `shop` that a token opens.
fn elsewhere(root: &Path) -> GitServer {
    let token = Some(("ada".to_owned(), "hunter2".to_owned()));
    let there = GitServer::start(root, Options { token, ..Options::default() }).unwrap();
    there.make("shop", "main");
    there
}

fn credentials(url: &str, token: &str) -> Value {
    json!({"remoteURL": url, "user": "ada", "https": {"token": token, "insecureSkipTLS": false}})
}

async fn create(server: &Server, credentials: Value) -> Answer {
    let shipyard = STANDARD.encode(SHIPYARD);
    let body = json!({"name": "tour", "shipyard": shipyard, "gitCredentials": credentials});
    server.post(PROJECT, &body).await
}

async fn created(server: &Server, there: &GitServer) {
    let answer = create(server, credentials(&there.url("shop"), "hunter2")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let (path, service) = (format!("{PROJECT}/tour/service"), json!({"serviceName": "carts"}));
    assert_eq!(server.post(&path, &service).await.status, 200);
}

/// What `git` says about the repository elsewhere.
fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=dev", "-c", "user.email=dev@example.org"])
        .arg("--git-dir")
        .arg(root.join("shop.git"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Somebody pushes a commit to a branch elsewhere that changes nothing.
fn pushed(root: &Path, branch: &str) -> String {
    let tree = git(root, &["rev-parse", &format!("{branch}^{{tree}}")]);
    let commit = git(root, &["commit-tree", "-p", branch, "-m", "by hand", &tree]);
    git(root, &["update-ref", &format!("refs/heads/{branch}"), &commit]);
    commit
}

#[test]
fn nothing_in_git_credentials_asks_for_nothing() {
    on_server(|server| async move {
        for (name, credentials) in [
            ("one", Value::Null),
            ("two", json!({})),
            ("three", json!({"remoteURL": "", "user": "u"})),
        ] {
            let shipyard = STANDARD.encode(SHIPYARD);
            let body = json!({"name": name, "shipyard": shipyard, "gitCredentials": credentials});
            assert_eq!(server.post(PROJECT, &body).await.status, 201);
            let shown = server.get(&format!("{PROJECT}/{name}")).await.json();
            assert_eq!(shown["isUpstreamAutoProvisioned"], true);
            assert_eq!(shown.get("gitCredentials"), None);
        }
        assert_eq!(server.get(UPSTREAM).await.status, 404);
    });
}

#[test]
fn a_project_is_made_elsewhere_and_no_secret_is_ever_shown() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let shown = server.get(&format!("{PROJECT}/tour")).await;
        let url = there.url("shop");
        assert_eq!(
            shown.json()["gitCredentials"],
            json!({"remoteURL": url, "user": "ada", "https": {"insecureSkipTLS": false}})
        );
        assert_eq!(shown.json()["isUpstreamAutoProvisioned"], false);
        assert_eq!(git(root.path(), &["ls-tree", "--name-only", "qa"]), "carts\nmetadata.yaml");
        let state = server.get(UPSTREAM).await;
        assert_eq!(
            state.json(),
            json!({"remoteURL": url, "user": "ada", "unsynced": [],
            "conflicts": [], "unreachable": null})
        );
        let listed = server.get(PROJECT).await;
        for answer in [&shown, &state, &listed] {
            assert!(!answer.body.contains("hunter2"), "{answer:?}");
        }
        // What was written is there, and says where.
        let file = json!({"resources": [{"resourceURI": "a.yaml", "resourceContent": "YQ=="}]});
        let written = server.post(&format!("{RESOURCES}/stage/qa/resource"), &file).await;
        assert_eq!(written.status, 201, "{written:?}");
        assert_eq!(written.json()["commitID"], git(root.path(), &["rev-parse", "qa"]));
        assert_eq!(written.json()["metadata"]["upstreamURL"], url);
    });
}

#[test]
fn what_is_wrong_with_an_upstream_is_said_as_keptn_does() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        let url = there.url("shop");
        let key = STANDARD.encode("-----BEGIN OPENSSH PRIVATE KEY-----");
        for (credentials, status, message) in [
            (credentials(&url, "hunter3"), 424, "Invalid git token"),
            (credentials(&there.url("other"), "hunter2"), 404, "Upstream repository not found"),
            (credentials("http://127.0.0.1:1/x.git", "t"), 404, "Upstream repository not found"),
            (credentials("git@host:x.git", "t"), 422, "Invalid RemoteURL: "),
            (credentials("https://a:hunter2@host/x", "t"), 422, "Invalid RemoteURL: "),
            (json!({"remoteURL": url, "ssh": {"privateKey": key}}), 400, "an http:// or https://"),
            (json!({"remoteURL": url, "https": {"certificate": "?"}}), 400, "Could not validate"),
            (json!({"remoteURL": url, "https": {}, "ssh": {}}), 400, "Could not validate payload"),
            (json!({"remoteURL": url, "token": "x"}), 400, ""),
        ] {
            let said = create(&server, credentials).await;
            assert_eq!(said.status, status, "{said:?}");
            assert!(said.message().contains(message), "{said:?}");
            assert!(!said.body.contains("hunter"), "{said:?}");
            assert_eq!(server.get(&format!("{PROJECT}/tour")).await.status, 404);
        }
        created(&server, &there).await;
        let again = json!({"name": "other", "shipyard": STANDARD.encode(SHIPYARD),
            "gitCredentials": credentials(&url, "hunter2")});
        let said = server.post(PROJECT, &again).await;
        assert_eq!(said.status, 409, "{said:?}");
        let message = "Project already exists with an already initialized GIT repository";
        assert!(said.message().contains(message), "{said:?}");
    });
}

#[test]
fn what_was_pushed_elsewhere_is_read_at_once() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let file = format!("{RESOURCES}/stage/qa/resource/metadata.yaml");
        let tip = pushed(root.path(), "qa");
        assert_eq!(server.get(&file).await.json()["metadata"]["version"], tip);
        // Nobody has fetched this one.
        let newer = pushed(root.path(), "qa");
        let at = server.get(&format!("{file}?gitCommitID={newer}")).await;
        assert_eq!((at.status, at.json()["metadata"]["version"].clone()), (200, json!(newer)));
        let unknown = server.get(&format!("{file}?gitCommitID={}", "1".repeat(40))).await;
        assert_eq!(unknown.status, 404);
        let listed = server.get(&format!("{RESOURCES}/stage/qa/resource")).await.json();
        assert_eq!(listed["resources"][0]["resourceURI"], "/carts/metadata.yaml");
        assert_eq!(listed["resources"][0]["metadata"]["version"], newer);
    });
}

#[test]
fn the_copy_here_cannot_be_pushed_to_and_says_where_to_push() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let refused = server.get("/git/tour.git/info/refs?service=git-receive-pack").await;
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains(&there.url("shop")), "{refused:?}");
    });
}

#[test]
fn a_token_that_is_no_longer_good_is_said_and_can_be_replaced() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let new = Some(("ada".to_owned(), "hunter3".to_owned()));
        let moved = GitServer::start(root.path(), Options { token: new, ..Options::default() });
        let moved = moved.unwrap();
        let update = |credentials: Value| {
            let (server, body) =
                (server.clone(), json!({"name": "tour", "gitCredentials": credentials}));
            async move { server.call("PUT", PROJECT, &body).await }
        };
        let stale = update(credentials(&moved.url("shop"), "hunter2")).await;
        assert_eq!((stale.status, stale.message().contains("Invalid git token")), (424, true));
        let set = update(credentials(&moved.url("shop"), "hunter3")).await;
        assert_eq!(set.status, 201, "{set:?}");
        let shown = server.get(&format!("{PROJECT}/tour")).await.json();
        assert_eq!(shown["gitCredentials"]["remoteURL"], moved.url("shop"));
        assert_eq!(server.get(UPSTREAM).await.json()["unsynced"], json!([]));
    });
}

/// The execution of a context, once it has been given its shipyard.
async fn resolved(server: &Server, context: &str) -> Value {
    let path =
        format!("/api/controlPlane/v1/sequence-execution?project=tour&keptnContext={context}");
    loop {
        let found = server.get(&path).await.json()["sequenceExecutions"][0].clone();
        if found["scope"]["gitcommitid"].is_string() || found["status"]["state"] == "finished" {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_trigger_is_answered_at_once_and_runs_on_the_newest_commit_or_says_that_it_does_not() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let tip = pushed(root.path(), "qa");
        let context = server.deliver("tour", "hello:1").await;
        let found = resolved(&server, &context).await;
        assert_eq!(found["scope"]["gitcommitid"], tip);
        assert_eq!(found["scope"].get("stale"), None);
        server.execute("deployment").await;
        // It says nothing, and the answer does not wait for it.
        there.set(Mode::Silent);
        pushed(root.path(), "qa");
        let sent = server.post(EVENT, &delivery("tour", "hello:2")).await;
        assert_eq!(sent.status, 200);
        there.set(Mode::HangUp);
        let context = sent.json()["keptnContext"].as_str().unwrap().to_owned();
        let found = resolved(&server, &context).await;
        assert_eq!(found["scope"]["gitcommitid"], tip);
        assert!(found["scope"]["stale"].is_string(), "{found}");
        let state = server.get(UPSTREAM).await.json();
        assert!(state["unreachable"]["reason"].is_string(), "{state}");
        // It is back.
        there.set(Mode::Serve);
        assert_eq!(server.post(&format!("{UPSTREAM}/sync"), &Value::Null).await.status, 200);
        assert_eq!(server.get(UPSTREAM).await.json()["unreachable"], Value::Null);
    });
}

#[test]
fn what_is_written_while_the_upstream_is_away_gets_there_by_itself() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        there.set(Mode::HangUp);
        let file = json!({"resourceContent": "YQ=="});
        let path = format!("{RESOURCES}/stage/qa/resource/a.yaml");
        let written = server.call("PUT", &path, &file).await;
        assert_eq!(written.status, 200, "{written:?}");
        let state = server.get(UPSTREAM).await.json();
        assert_eq!(state["unsynced"], json!([{"branch": "qa", "commits": 1}]));
        assert_eq!(server.get(&path).await.json()["resourceContent"], "YQ==");
        there.set(Mode::Serve);
        while server.get(UPSTREAM).await.json()["unsynced"] != json!([]) {
            tokio::task::yield_now().await;
        }
        assert_eq!(written.json()["commitID"], git(root.path(), &["rev-parse", "qa"]));
    });
}

#[test]
fn a_shipyard_that_was_pushed_elsewhere_is_in_force() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let text = SHIPYARD.replace("deployment }]", "evaluation }]");
        let path = root.path().join("shipyard.yaml");
        std::fs::write(&path, &text).unwrap();
        let blob = git(root.path(), &["hash-object", "-w", path.to_str().unwrap()]);
        let tree = format!("100644 blob {blob}\tshipyard.yaml\n");
        std::fs::write(&path, tree).unwrap();
        let tree = Command::new("git")
            .arg("--git-dir")
            .arg(root.path().join("shop.git"))
            .arg("mktree")
            .stdin(std::fs::File::open(&path).unwrap())
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        let commit = git(root.path(), &["commit-tree", "-p", "master", "-m", "x", tree.trim()]);
        git(root.path(), &["update-ref", "refs/heads/master", &commit]);
        let context = server.deliver("tour", "hello:1").await;
        resolved(&server, &context).await;
        assert!(server.open("evaluation").await["id"].is_string());
        assert_eq!(server.get(&format!("{PROJECT}/tour")).await.json()["shipyard"], text);
    });
}

#[test]
fn a_token_that_was_withdrawn_is_said_to_readers_and_stops_no_sequence() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        there.ask_for("ada", "hunter3");
        let file = format!("{RESOURCES}/stage/qa/resource/metadata.yaml");
        let read = server.get(&file).await;
        assert_eq!((read.status, read.message().contains("Invalid git token")), (424, true));
        let written = server.call("PUT", &file, &json!({"resourceContent": "YQ=="})).await;
        assert_eq!(written.status, 424, "{written:?}");
        let context = server.deliver("tour", "hello:1").await;
        let found = resolved(&server, &context).await;
        assert!(found["scope"]["stale"].as_str().unwrap().contains("Invalid git token"), "{found}");
        for answer in [read.body, written.body, found.to_string()] {
            assert!(!answer.contains("hunter2"), "{answer}");
        }
    });
}

#[test]
fn credentials_that_cannot_be_opened_are_said_and_can_be_set_again() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let project = tidegate_core::names::ProjectName::new("tour").unwrap();
        let upstream = server.engine.upstreams().upstream(&project).unwrap().unwrap();
        // As a server that has lost its key finds them.
        let other = tidegate_resources::upstream::SealingKey::new(&[9; 32]);
        let sealed =
            tidegate_resources::upstream::SealedUpstream::seal(&other, &project, &upstream);
        let file = server.engine.repositories().root().join("tour.git/upstream.json");
        std::fs::write(file, sealed.to_text()).unwrap();
        let read = server.get(&format!("{RESOURCES}/stage/qa/resource/metadata.yaml")).await;
        assert_eq!(read.status, 424, "{read:?}");
        let message = "Could not decode credentials for upstream repository";
        assert!(read.message().starts_with(message), "{read:?}");
        let shown = server.get(&format!("{PROJECT}/tour")).await.json();
        assert_eq!(shown["gitCredentials"]["remoteURL"], there.url("shop"), "it can still be seen");
        let body =
            json!({"name": "tour", "gitCredentials": credentials(&there.url("shop"), "hunter2")});
        assert_eq!(server.call("PUT", PROJECT, &body).await.status, 201);
        let read = server.get(&format!("{RESOURCES}/stage/qa/resource/metadata.yaml")).await;
        assert_eq!(read.status, 200);
    });
}

#[test]
fn fifty_triggers_right_after_a_push_run_on_its_commit_and_share_the_way_there() {
    on_server(|server| async move {
        let root = tempfile::tempdir().unwrap();
        let there = elsewhere(root.path());
        created(&server, &there).await;
        let (tip, before) = (pushed(root.path(), "qa"), there.fetches());
        let triggers: Vec<_> = (0..50)
            .map(|n| {
                let server = server.clone();
                tokio::spawn(async move { server.deliver("tour", &format!("hello:{n}")).await })
            })
            .collect();
        for trigger in triggers {
            let found = resolved(&server, &trigger.await.unwrap()).await;
            assert_eq!(found["scope"]["gitcommitid"], tip);
        }
        assert!(there.fetches() - before < 50, "they share fetches: {}", there.fetches() - before);
    });
}
