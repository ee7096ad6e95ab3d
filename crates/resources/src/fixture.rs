//! A root directory with one project, and the real `git` to look at it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use tempfile::TempDir;
use tidegate_core::names::{CommitId, ProjectName, ServiceName, StageName};

use crate::{Place, Repositories, ResourcePath, StageLayout};

pub(crate) const SHIPYARD: &str = "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\n";

/// A project `sockshop` with the stages `dev` and `prod`, and no service yet.
pub(crate) struct Sockshop {
    root: TempDir,
    pub(crate) repositories: Repositories,
    pub(crate) name: ProjectName,
}

impl Sockshop {
    pub(crate) fn new() -> Self {
        let this = Self::without_project();
        this.repositories
            .create_project(&this.name, &[stage("dev"), stage("prod")], SHIPYARD, now())
            .unwrap();
        this
    }

    pub(crate) fn without_project() -> Self {
        Self::without_project_for(StageLayout::Branches)
    }

    pub(crate) fn without_project_for(stages: StageLayout) -> Self {
        let root = tempfile::tempdir().unwrap();
        let repositories = Repositories::open_for(&root.path().join("git"), stages).unwrap();
        Self { root, repositories, name: project("sockshop") }
    }

    pub(crate) fn with_service(self, name: &str) -> Self {
        self.repositories
            .create_service(&self.name, &[stage("dev"), stage("prod")], &service(name), now())
            .unwrap();
        self
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().join("git")
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root().join("sockshop.git")
    }

    pub(crate) fn write(&self, place: &Place, file: &str, content: &str) -> CommitId {
        let files = [(path(file), content.as_bytes().to_vec())];
        self.repositories.write(&self.name, place, &files, now()).unwrap()
    }

    pub(crate) fn read(&self, place: &Place, file: &str, at: Option<&CommitId>) -> String {
        let content = self.repositories.read(&self.name, place, &path(file), at).unwrap();
        String::from_utf8(content).unwrap()
    }

    /// What `git` prints, without the last line break.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.dir(), args, "").unwrap()
    }

    /// Puts a commit on a branch whose tree is made of lines for `git mktree`.
    pub(crate) fn push_tree(&self, branch: &str, entries: &str) {
        let tree = git(&self.dir(), &["mktree", "--missing"], entries).unwrap();
        let commit = self.git(&["commit-tree", "-p", branch, "-m", "pushed", &tree]);
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
    }

    /// Stores a file and answers with its id.
    pub(crate) fn blob(&self, content: &str) -> String {
        git(&self.dir(), &["hash-object", "-w", "--stdin"], content).unwrap()
    }

    /// Stores a directory and answers with its id.
    pub(crate) fn tree(&self, entries: &str) -> String {
        git(&self.dir(), &["mktree"], entries).unwrap()
    }
}

/// Runs the real `git` on a bare repository, or answers with what it complained about.
pub(crate) fn git(dir: &Path, args: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new("git")
        .arg("--git-dir")
        .arg(dir)
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "dev"), ("GIT_AUTHOR_EMAIL", "dev@example.org")])
        .envs([("GIT_COMMITTER_NAME", "dev"), ("GIT_COMMITTER_EMAIL", "dev@example.org")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    if output.status.success() && complaint.is_empty() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(complaint)
    }
}

pub(crate) fn now() -> Timestamp {
    "2023-03-01T10:11:12.123456789Z".parse().unwrap()
}

pub(crate) fn project(name: &str) -> ProjectName {
    ProjectName::new(name).unwrap()
}

pub(crate) fn stage(name: &str) -> StageName {
    StageName::new(name).unwrap()
}

pub(crate) fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

pub(crate) fn path(text: &str) -> ResourcePath {
    ResourcePath::new(text).unwrap()
}

pub(crate) fn dev() -> Place {
    Place::Stage(stage("dev"))
}

pub(crate) fn carts() -> Place {
    Place::Service(stage("dev"), service("carts"))
}
