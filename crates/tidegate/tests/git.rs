//! Projects cloned and pushed to with plain `git`, as a user does.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{SHIPYARD, Server, TOKEN, git, request};

/// An `slo.yaml` that nothing is to be said about.
const SLO: &str = "\
objectives: [{sli: error_rate, pass: [{criteria: ['<1']}]}]
total_score: {pass: 90%}
";

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

/// What a call of git prints that succeeds.
fn succeed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_push_is_seen_by_the_api_and_what_the_api_writes_is_pulled() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    clone.write("hello/slo.yaml", SLO);
    clone.commit();
    let pushed = clone.git(&["push", "-q"]);
    succeed(&pushed);
    assert_eq!(String::from_utf8_lossy(&pushed.stderr), "", "nothing is said to who pushes");
    assert_eq!(scene.resource("slo.yaml"), SLO);
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
fn fifty_deliveries_right_after_a_push_all_run_on_it() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    for round in 0..3 {
        clone.write("hello/notes.md", &round.to_string());
        clone.commit();
        succeed(&clone.git(&["push", "-q"]));
        let contexts: Vec<String> = std::thread::scope(|scope| {
            let trigger = |n| scene.server.deliver(&format!("hello:v{round}.{n}"));
            let all: Vec<_> = (0..50).map(|n| scope.spawn(move || trigger(n))).collect();
            all.into_iter().map(|one| one.join().expect("it is answered")).collect()
        });
        let path = "/api/controlPlane/v1/sequence-execution?project=tour&stage=qa&pageSize=200";
        let (code, page) = scene.server.get(path);
        assert_eq!(code, 200, "{page}");
        let executions = page["sequenceExecutions"].as_array().expect("a list");
        for context in contexts {
            let mine = executions.iter().find(|one| one["scope"]["keptnContext"] == *context);
            let scope = &mine.unwrap_or_else(|| panic!("{context}: {page}"))["scope"];
            assert_eq!(scope["gitcommitid"], clone.tip(), "{context}");
        }
    }
}

#[test]
fn a_gate_that_nothing_could_judge_by_is_refused_and_what_it_misreads_is_told() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    let before = clone.tip();
    clone.write("hello/slo.yaml", "objectives: 7\n");
    clone.write("hello/remediation.yaml", "spec: {}\n");
    clone.commit();
    let error = clone.refused(&["push"]);
    for said in [
        "remote: hello/slo.yaml:1:13: objectives must be a list",
        "remote: hello/remediation.yaml:1:1: apiVersion is missing",
        "pre-receive hook declined",
    ] {
        assert!(error.contains(said), "{said} in {error}");
    }
    assert_eq!(scene.clone("again", "qa").tip(), before);
    clone.write("hello/slo.yaml", &SLO.replace("total_score", "totalscore"));
    std::fs::remove_file(clone.path.join("hello/remediation.yaml")).expect("it was there");
    clone.commit();
    let pushed = clone.git(&["push"]);
    succeed(&pushed);
    let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
    assert!(
        said.contains("remote: warning: hello/slo.yaml:2:1: unknown key `totalscore`"),
        "{said}"
    );
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
    clone.write("hello/notes.md", "by hand");
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

/// Resident memory of the server, in MB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.split_whitespace().next().expect("a number").parse::<u64>().expect("a number") / 1024
}

fn gzip(bytes: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for piece in bytes {
        std::io::Write::write_all(&mut packed, &piece).expect("memory");
    }
    packed.finish().expect("memory")
}

#[test]
fn bombs_are_refused_and_memory_stays_small() {
    let scene = Scene::new();
    let address = scene.server.address;
    let token = ("x-token", TOKEN);
    // 200 MiB of zeros.
    let bomb = gzip((0..200).map(|_| vec![0; 1 << 20]));
    for service in ["git-upload-pack", "git-receive-pack"] {
        let path = format!("/git/tour.git/{service}");
        let headers = [token, ("content-encoding", "gzip")];
        let answer = request(address, "POST", &path, &headers, &bomb).expect("it answers");
        assert_eq!(answer.code, 413, "{service}: {}", answer.text());
        let answer = request(address, "POST", &path, &headers, &bomb[..bomb.len() / 2]);
        assert!(answer.expect("it answers").code >= 400, "{service}");
        let odd = [token, ("content-encoding", "br")];
        let answer = request(address, "POST", &path, &odd, b"x").expect("it answers");
        assert_eq!(answer.code, 415, "{service}");
    }
    let clone = scene.clone("clone", "qa");
    // Noise, so that the pack is as large.
    let mut dice = support::Dice(7);
    let mut noise = vec![0; 110 << 20];
    for piece in noise.chunks_mut(8) {
        piece.copy_from_slice(&(dice.roll(u64::MAX)).to_ne_bytes()[..piece.len()]);
    }
    std::fs::write(clone.path.join("noise"), noise).expect("there is room");
    clone.commit();
    let error = clone.refused(&["push"]);
    assert!(error.contains("413") || error.contains("larger than"), "{error}");
    assert!(resident(&scene.server) < 150, "{} MB", resident(&scene.server));
    let (code, _) = scene.server.get("/api/controlPlane/v1/project/tour");
    assert_eq!(code, 200);
}

#[test]
fn hostile_trees_are_refused_or_never_followed() {
    let scene = Scene::new();
    let clone = scene.clone("clone", "qa");
    let blob = succeed(&clone.git(&["hash-object", "-w", "--stdin"]));
    let mut refused = 0;
    for entry in [".git", ".GIT", "..", ".", "git~1", ".git\u{200c}"] {
        let tree = tree(&clone, &format!("100644 blob {blob}\t{entry}\n"));
        let Some(tree) = tree else { continue };
        let commit = succeed(&clone.git(&["commit-tree", "-p", "HEAD", "-m", "hostile", &tree]));
        let error = clone.refused(&["push", "origin", &format!("{commit}:refs/heads/qa")]);
        assert!(error.contains("remote rejected") || error.contains("fsck"), "{entry}: {error}");
        refused += 1;
    }
    assert!(refused >= 4, "only {refused} of these trees could be made");
    std::os::unix::fs::symlink("/etc/passwd", clone.path.join("hello/slo.yaml")).expect("a link");
    std::os::unix::fs::symlink("../../..", clone.path.join("hello/up")).expect("a link");
    clone.commit();
    succeed(&clone.git(&["push", "-q"]));
    for file in ["slo.yaml", "up%252Fconfig", "up"] {
        let path =
            format!("/api/resource-service/v1/project/tour/stage/qa/service/hello/resource/{file}");
        let (code, body) = scene.server.get(&path);
        assert_eq!(code, 404, "{body}");
        assert!(
            body["message"].as_str().expect("text").contains("links are not followed"),
            "{body}"
        );
    }
}

/// A tree of these lines; none where this Git does not make one.
fn tree(clone: &Clone, lines: &str) -> Option<String> {
    use std::io::Write as _;
    let mut child = Command::new("git")
        .current_dir(&clone.path)
        .args(["-c", "core.protectHFS=false", "-c", "core.protectNTFS=false", "mktree"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("git starts");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn a_hundred_thousand_branches_change_nothing_for_anybody() {
    let scene = Scene::new();
    let repository = scene.server.data.join("git/tour.git");
    let tip = succeed(&git(&repository, &["rev-parse", "qa"]));
    let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for n in 0..100_000 {
        packed.push_str(&format!("{tip} refs/heads/x/{n:06}\n"));
    }
    std::fs::write(repository.join("packed-refs"), packed).expect("there is room");
    scene.write("slo.yaml", "1");
    assert_eq!(scene.resource("slo.yaml"), "1");
    scene.server.deliver("hello:v1");
    assert_eq!(scene.server.open("deployment").len(), 1);
    let clone = scene.path("one");
    let (url, text) = (scene.url(TOKEN), clone.to_str().expect("text"));
    let single = ["clone", "-q", "--single-branch", "-b", "qa", &url, text];
    succeed(&git(scene.directory.path(), &single));
    let clone = Clone { path: clone };
    clone.write("hello/sli.yaml", "2");
    clone.commit();
    succeed(&clone.git(&["push", "-q"]));
    let error = clone.refused(&["push", "origin", "HEAD:refs/heads/one-more"]);
    assert!(error.contains("more than 10000 branches and tags"), "{error}");
    assert!(resident(&scene.server) < 150, "{} MB", resident(&scene.server));
}
