//! Projects cloned and pushed to with plain `git`, as a user does.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{SHIPYARD, Server, TOKEN, request};

/// A server with the project `tour`, and a place for clones.
struct Scene {
    directory: tempfile::TempDir,
    server: Server,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(&directory.path().join("data"));
        server.create_tour();
        Self { directory, server }
    }

    fn url(&self, token: &str) -> String {
        format!("http://ada:{token}@{}/git/tour.git", self.server.address)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A clone of a branch.
    fn clone(&self, name: &str, branch: &str) -> Clone {
        let path = self.path(name);
        let url = self.url(TOKEN);
        let text = path.to_str().expect("text");
        succeed(&git(self.directory.path(), &["clone", "-q", "-b", branch, &url, text]));
        Clone { path }
    }

    /// What a file of the service in `qa` holds, as the API reads it.
    fn resource(&self, file: &str) -> String {
        let path =
            format!("/api/resource-service/v1/project/tour/stage/qa/service/hello/resource/{file}");
        let (code, body) = self.server.get(&path);
        assert_eq!(code, 200, "{body}");
        let content = STANDARD.decode(body["resourceContent"].as_str().expect("text"));
        String::from_utf8(content.expect("base64")).expect("text")
    }

    fn write(&self, file: &str, content: &str) -> Value {
        let path = "/api/resource-service/v1/project/tour/stage/qa/service/hello/resource";
        let body = json!({"resources": [
            {"resourceURI": file, "resourceContent": STANDARD.encode(content)}]});
        let (code, body) = self.server.post(path, &body);
        assert_eq!(code, 201, "{body}");
        body["commitID"].clone()
    }
}

struct Clone {
    path: PathBuf,
}

impl Clone {
    fn git(&self, args: &[&str]) -> Output {
        git(&self.path, args)
    }

    fn write(&self, file: &str, content: &str) {
        let path = self.path.join(file);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it is made");
        std::fs::write(path, content).expect("it is written");
    }

    fn commit(&self) {
        succeed(&self.git(&["add", "-A"]));
        succeed(&self.git(&["commit", "-q", "-m", "by hand"]));
    }

    fn tip(&self) -> String {
        succeed(&self.git(&["rev-parse", "HEAD"]))
    }

    /// What a refused push says.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.git(args);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// What a call of git prints.
fn git(directory: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(directory).args([
        "-c",
        "user.name=ada",
        "-c",
        "user.email=ada@example.org",
    ]);
    command.args(args).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_TERMINAL_PROMPT", "0").output().expect("git starts")
}

fn succeed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_push_is_seen_by_the_api_and_what_the_api_writes_is_pulled() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    clone.write("hello/slo.yaml", "by hand");
    clone.commit();
    succeed(&clone.git(&["push", "-q"]));
    assert_eq!(scene.resource("slo.yaml"), "by hand");
    let commit = scene.write("job/config.yaml", "by the API");
    succeed(&clone.git(&["pull", "-q"]));
    assert_eq!(clone.tip(), commit.as_str().expect("text"));
    let written = std::fs::read_to_string(clone.path.join("hello/job/config.yaml"));
    assert_eq!(written.expect("it is there"), "by the API");
    let old = scene.path("shallow");
    let url = scene.url(TOKEN);
    let text = old.to_str().expect("text");
    succeed(&git(scene.directory.path(), &["clone", "-q", "--depth", "1", &url, text]));
    for version in ["protocol.version=0", "protocol.version=1", "protocol.version=2"] {
        succeed(&clone.git(&["-c", version, "fetch", "-q"]));
        succeed(&clone.git(&["-c", version, "ls-remote", "-q"]));
    }
}

#[test]
fn a_pushed_shipyard_is_in_force_for_the_next_delivery() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "master");
    clone.write("shipyard.yaml", &SHIPYARD.replacen("deployment", "smoke", 1));
    clone.commit();
    succeed(&clone.git(&["push", "-q"]));
    let context = scene.server.deliver("hello:v1");
    let open = scene.server.open("smoke");
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["shkeptncontext"], context);
    // A stage's files are another branch's: the tip of that one is what the sequence runs on.
    assert_eq!(open[0]["gitcommitid"], scene.clone("qa", "qa").tip());
}

#[test]
fn a_broken_shipyard_is_refused_with_its_line_and_changes_nothing() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "master");
    let before = clone.tip();
    for (content, said) in [
        ("apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages: 7\n", "shipyard.yaml:3:"),
        ("a: [", "shipyard.yaml:"),
        (
            &SHIPYARD.replacen("triggeredOn", "trigeredOn", 1),
            "unknown key `trigeredOn`; did you mean `triggeredOn`?",
        ),
        ("\u{0}", "shipyard.yaml:"),
    ] {
        clone.write("shipyard.yaml", content);
        clone.commit();
        let error = clone.refused(&["push"]);
        assert!(error.contains("remote: shipyard.yaml:") && error.contains(said), "{error}");
        assert!(error.contains("pre-receive hook declined"), "{error}");
    }
    std::fs::remove_file(clone.path.join("shipyard.yaml")).expect("it was there");
    clone.commit();
    let error = clone.refused(&["push"]);
    assert!(error.contains("remote: shipyard.yaml: it is missing"), "{error}");
    assert_eq!(scene.clone("again", "master").tip(), before);
    scene.server.deliver("hello:v1");
    assert_eq!(scene.server.open("deployment").len(), 1);
}

#[test]
fn history_is_never_rewritten_and_branches_never_go() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    let tip = clone.tip();
    succeed(&clone.git(&["commit", "-q", "--amend", "-m", "another past"]));
    let error = clone.refused(&["push", "--force"]);
    assert!(error.contains("remote rejected"), "{error}");
    for branch in ["qa", "master", "production"] {
        let error = clone.refused(&["push", "origin", "--delete", branch]);
        assert!(error.contains("cannot be deleted"), "{error}");
    }
    let error = clone.refused(&["push", "origin", "HEAD:refs/tidegate/keep/1"]);
    assert!(error.contains("rejected"), "{error}");
    let error = clone.refused(&["push", "origin", "HEAD:refs/notes/x"]);
    assert!(error.contains("push branches and tags only"), "{error}");
    assert_eq!(scene.clone("again", "qa").tip(), tip);
}

#[test]
fn a_push_that_did_not_pull_what_the_api_wrote_is_refused_and_nothing_is_lost() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    let commit = scene.write("slo.yaml", "by the API");
    clone.write("hello/sli.yaml", "by hand");
    clone.commit();
    let error = clone.refused(&["push"]);
    assert!(error.contains("fetch first"), "{error}");
    succeed(&clone.git(&["pull", "-q", "--rebase"]));
    succeed(&clone.git(&["push", "-q"]));
    assert_eq!(
        (scene.resource("slo.yaml"), scene.resource("sli.yaml")),
        ("by the API".into(), "by hand".into())
    );
    let old = scene.resource(&format!("slo.yaml?gitCommitID={}", commit.as_str().expect("text")));
    assert_eq!(old, "by the API");
}

#[test]
fn only_who_has_a_token_gets_in_and_asking_without_one_is_no_attempt() {
    let scene = Scene::new();
    let address = scene.server.address;
    let refs = "/git/tour.git/info/refs?service=git-upload-pack";
    for _ in 0..20 {
        let answer = request(address, "GET", refs, &[], b"").expect("it answers");
        assert_eq!(answer.code, 401);
        assert!(
            answer.head.to_ascii_lowercase().contains("www-authenticate: basic"),
            "{}",
            answer.head
        );
    }
    let wrong = git(scene.directory.path(), &["ls-remote", &scene.url("wrong")]);
    assert!(!wrong.status.success());
    succeed(&git(scene.directory.path(), &["ls-remote", &scene.url(TOKEN)]));
    for path in ["/git/nowhere.git", "/git/..%2Ftour.git", "/git/_unmapped.git"] {
        let path = format!("{path}/info/refs?service=git-upload-pack");
        let answer = request(address, "GET", &path, &[("x-token", TOKEN)], b"");
        assert_eq!(answer.expect("it answers").code, 404, "{path}");
    }
    let dumb = request(address, "GET", "/git/tour.git/info/refs", &[("x-token", TOKEN)], b"");
    assert_eq!(dumb.expect("it answers").code, 403);
}

#[test]
fn what_is_pushed_is_recorded_with_who_pushed_it() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    clone.write("hello/slo.yaml", "by hand");
    clone.commit();
    succeed(&clone.git(&["push", "-q"]));
    let export = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["audit", "export", "--project", "tour", "--data-dir"])
        .arg(&scene.server.data)
        .output()
        .expect("the binary starts");
    let text = String::from_utf8_lossy(&export.stdout).into_owned();
    let pushed = text
        .lines()
        .find(|line| line.contains("\"pushed\""))
        .unwrap_or_else(|| panic!("{text} {export:?}"));
    assert!(pushed.contains(&clone.tip()) && pushed.contains("\"qa\""), "{pushed}");
}

#[test]
fn writers_at_once_lose_nothing() {
    let scene = Scene::new();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let scene = &scene;
            scope.spawn(move || {
                let clone = scene.clone(&format!("clone-{writer}"), "qa");
                for n in 0..5 {
                    clone.write(&format!("hello/by-hand/{writer}-{n}"), "x");
                    clone.commit();
                    while !clone.git(&["push", "-q"]).status.success() {
                        succeed(&clone.git(&["pull", "-q", "--rebase"]));
                    }
                }
            });
            scope.spawn(move || {
                for n in 0..10 {
                    scene.write(&format!("by-api/{writer}-{n}"), "x");
                }
            });
        }
    });
    let clone = scene.clone("all", "qa");
    let count =
        |directory| std::fs::read_dir(clone.path.join(directory)).expect("it is there").count();
    assert_eq!((count("hello/by-hand"), count("hello/by-api")), (15, 30));
    let repository = scene.server.data.join("git/tour.git");
    assert_eq!(succeed(&git(&repository, &["fsck", "--strict", "--full", "--no-dangling"])), "");
}
