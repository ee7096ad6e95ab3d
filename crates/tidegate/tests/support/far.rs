//! Project `far`, whose files are kept elsewhere: on a server whose power never fails, but which cannot
//! always be reached.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_gitserver::{GitServer, Mode, Options};

use crate::support::{self, Dice, SHIPYARD, TOKEN, post, request, until};

const PROJECT: &str = "far";

/// The server elsewhere, with what users have pushed there.
pub(crate) struct Far {
    server: GitServer,
    root: TempDir,
}

impl Far {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a place for a repository");
        let server = GitServer::start(root.path(), Options::default()).expect("a free port");
        server.make(PROJECT, "main");
        Self { server, root }
    }

    /// Creates the project.
    pub(crate) fn create(&self, address: SocketAddr) {
        let url = self.server.url(PROJECT);
        let body = json!({"name": PROJECT, "shipyard": STANDARD.encode(SHIPYARD),
            "gitCredentials": {"remoteURL": url, "user": "ada", "https": {"token": "t"}}});
        let made = post(address, "/api/controlPlane/v1/project", &body);
        assert!(matches!(made, Some((201, _))), "{made:?}");
    }

    /// Behaves otherwise, by chance: mostly well.
    pub(crate) fn change(&self, dice: &mut Dice) {
        let modes = [Mode::Serve, Mode::Serve, Mode::HangUp, Mode::HangUpAfterPush];
        self.server.set(modes[dice.below(modes.len())]);
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn leave(&self) {
        self.server.set(Mode::HangUp);
    }

    pub(crate) fn recover(&self) {
        self.server.set(Mode::Serve);
    }

    /// The repository of the server elsewhere.
    fn repository(&self) -> PathBuf {
        self.root.path().join(format!("{PROJECT}.git"))
    }

    /// Users push a file there, whatever they know of each other.
    pub(crate) fn push(&self, name: &str) {
        let clone = tempfile::tempdir().expect("a place for a clone");
        let from = self.repository();
        let from = from.to_str().expect("a plain path");
        let git = |arguments: &[&str]| support::git(clone.path(), arguments).status.success();
        assert!(git(&["clone", "-q", "-b", "qa", from, "."]), "git clones");
        std::fs::write(clone.path().join(name), name).expect("it is written");
        assert!(git(&["add", name]) && git(&["commit", "-q", "-m", name]), "git commits");
        while !git(&["push", "-q"]) {
            assert!(git(&["pull", "-q", "--rebase"]), "git pulls");
        }
    }

    /// Waits until everything is there; answers with the files that are not, and with what does not fit.
    pub(crate) fn missing(&self, address: SocketAddr, files: &BTreeSet<String>) -> Vec<String> {
        self.recover();
        let path = format!("/api/tidegate/v1/project/{PROJECT}/upstream");
        let state = until("the upstream to have everything", || {
            let answer = request(address, "GET", &path, &[("x-token", TOKEN)], b"")?;
            let (_, state) = answer.json();
            (state["unsynced"] == json!([])).then_some(state)
        });
        let there = git(&self.repository(), &["ls-tree", "-r", "--name-only", "qa"]);
        let there: BTreeSet<&str> = there.lines().collect();
        let mut missing: Vec<String> =
            files.iter().filter(|file| !there.contains(file.as_str())).cloned().collect();
        if state["conflicts"] != json!([]) {
            missing.push(format!("{} do not fit", state["conflicts"]));
        }
        missing
    }
}

/// Writes a file of project `far` by the API; the commit, where it was answered.
pub(crate) fn write(address: SocketAddr, name: &str) -> Option<String> {
    let body = json!({"resources": [
        {"resourceURI": name, "resourceContent": STANDARD.encode(name)}]});
    let path = format!("/api/resource-service/v1/project/{PROJECT}/stage/qa/resource");
    match post(address, &path, &body)? {
        (201, answer) => answer["commitID"].as_str().map(str::to_owned),
        _ => None,
    }
}

/// A delivery in project `far`.
pub(crate) fn delivery() -> Value {
    let mut body = support::delivery("hello:far");
    body["data"]["project"] = json!(PROJECT);
    body
}

/// What `git` prints about a repository.
fn git(repository: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("--git-dir").arg(repository).args(arguments).output();
    let output = output.expect("git is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
