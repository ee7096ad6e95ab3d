//! Against a real Git behind HTTP.

mod ways;

use std::path::PathBuf;

use tempfile::TempDir;
use tidegate_core::names::CommitId;
use tidegate_gitserver::{GitServer, Mode, Options};
use tokio::runtime::Runtime;

use super::create::Attempt;
use super::{
    Access, HttpAccess, SealingKey, Status, Synced, Upstream, UpstreamSettings, Upstreams,
};
use crate::fixture::{SHIPYARD, Sockshop, dev, git, now, path, service, stage};
use crate::{Branch, Place, ResourceError, StageLayout};

/// A project `sockshop`, and the server that its upstream is to be on.
struct Elsewhere {
    shop: Sockshop,
    server: GitServer,
    upstreams: Upstreams,
    /// The repository of the upstream.
    there: PathBuf,
    runtime: Runtime,
    root: TempDir,
}

impl Elsewhere {
    /// The upstream is empty.
    fn new() -> Self {
        Self::with(Options::default(), UpstreamSettings::default())
    }

    fn with(options: Options, settings: UpstreamSettings) -> Self {
        Self::of(Sockshop::without_project(), options, settings)
    }

    fn of(shop: Sockshop, options: Options, settings: UpstreamSettings) -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = GitServer::start(root.path(), options).unwrap();
        let there = server.make("shop", "main");
        let key = SealingKey::new(&[7; 32]);
        let upstreams = Upstreams::new(shop.repositories.clone(), key, settings);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self { shop, server, upstreams, there, runtime, root }
    }

    fn created() -> Self {
        let this = Self::new();
        this.create().unwrap();
        this
    }

    fn upstream(&self, token: &str) -> Upstream {
        let access = HttpAccess { token: token.to_owned(), ..HttpAccess::default() };
        Upstream::new(&self.server.url("shop"), "", Access::Http(access)).unwrap()
    }

    fn create(&self) -> Result<(), ResourceError> {
        self.create_at(&self.upstream("hunter2"), Attempt::First)
    }

    fn create_at(&self, upstream: &Upstream, attempt: Attempt) -> Result<(), ResourceError> {
        let _guard = self.runtime.enter();
        let stages = [stage("dev"), stage("prod")];
        let name = &self.shop.name;
        let made = self.upstreams.create_project(name, upstream, &stages, SHIPYARD, now(), attempt);
        made.map(drop)
    }

    fn synchronise(&self) -> Synced {
        let _guard = self.runtime.enter();
        self.upstreams.synchronise(&self.shop.name, now()).unwrap()
    }

    /// Writes a file of stage `dev`; the commit, and whether the upstream has it.
    fn write(&self, file: &str, content: &str) -> Result<(String, bool), ResourceError> {
        self.write_after(file, content, || {})
    }

    /// The same, and something else happens between the fetch and the push, once.
    fn write_after(
        &self,
        file: &str,
        content: &str,
        meanwhile: impl FnOnce(),
    ) -> Result<(String, bool), ResourceError> {
        let _guard = self.runtime.enter();
        let mut meanwhile = Some(meanwhile);
        let files = [(path(file), content.as_bytes().to_vec())];
        let done = self.upstreams.write(&self.shop.name, now(), |repositories| {
            let commit = repositories.write(&self.shop.name, &dev(), &files, now())?;
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile();
            }
            Ok(commit)
        })?;
        Ok((done.value.to_string(), done.is_synced))
    }

    /// Somebody else commits a file to a branch of the upstream, on top of what is there or instead.
    fn pushed(&self, branch: &str, file: &str, content: &str) -> String {
        self.pushed_on(branch, &[&format!("refs/heads/{branch}")], file, content)
    }

    fn pushed_on(&self, branch: &str, parents: &[&str], file: &str, content: &str) -> String {
        let ask = |args: &[&str], input: &str| git(&self.there, args, input).unwrap();
        let blob = ask(&["hash-object", "-w", "--stdin"], content);
        let listed = match parents {
            [parent, ..] => ask(&["ls-tree", parent], ""),
            [] => String::new(),
        };
        let kept = listed.lines().filter(|line| line.split('\t').nth(1) != Some(file));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        let tree = ask(&["mktree"], &format!("{kept}100644 blob {blob}\t{file}\n"));
        let mut args = vec!["commit-tree", "-m", "by hand"];
        for parent in parents {
            args.extend(["-p", parent]);
        }
        args.push(&tree);
        let commit = ask(&args, "");
        ask(&["update-ref", &format!("refs/heads/{branch}"), &commit], "");
        commit
    }

    /// What `git` says about the upstream.
    fn there(&self, args: &[&str]) -> String {
        git(&self.there, args, "").unwrap()
    }

    /// The file `a.yaml` of stage `dev` at a commit that was given out.
    fn read_at(&self, commit: &str) -> String {
        self.shop.read(&dev(), "a.yaml", Some(&CommitId::new(commit).unwrap()))
    }

    fn status(&self) -> Status {
        self.upstreams.status(&self.shop.name).unwrap().unwrap()
    }

    /// The upstream refuses pushes to a branch as a protected one.
    fn protect(&self, branch: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let hook = self.there.join("hooks/update");
        std::fs::create_dir_all(self.there.join("hooks")).unwrap();
        let text = format!(
            "#!/bin/sh\n[ $1 != refs/heads/{branch} ] || {{ echo it is protected; exit 1; }}\n"
        );
        std::fs::write(&hook, text).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_empty_upstream_gets_keptns_layout() {
    let elsewhere = Elsewhere::created();
    let branches = elsewhere.there(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "dev\nmaster\nprod");
    assert_eq!(
        elsewhere.there(&["log", "--format=%s", "master"]),
        "Updated resource\ninitialized project"
    );
    assert_eq!(elsewhere.there(&["ls-tree", "--name-only", "dev"]), "metadata.yaml");
    assert_eq!(elsewhere.there(&["log", "-1", "--format=%s", "dev"]), "created stage");
    assert_eq!(
        elsewhere.there(&["rev-parse", "master"]),
        elsewhere.shop.git(&["rev-parse", "master"])
    );
    let status = elsewhere.status();
    assert_eq!((status.unsynced, status.conflicts), (vec![], vec![]));
    let kept = std::fs::read_to_string(elsewhere.shop.dir().join("upstream.json")).unwrap();
    assert!(!kept.contains("hunter2"), "it is sealed: {kept}");
}

#[test]
fn what_is_in_an_upstream_stays_and_its_default_branch_is_ours() {
    let elsewhere = Elsewhere::new();
    elsewhere.pushed_on("main", &[], "README.md", "hello");
    elsewhere.pushed_on("feature", &["main"], "x", "y");
    elsewhere.create().unwrap();
    let files = elsewhere.there(&["ls-tree", "--name-only", "main"]);
    assert_eq!(files, "README.md\nmetadata.yaml\nshipyard.yaml");
    assert_eq!(elsewhere.there(&["ls-tree", "--name-only", "prod"]), "README.md\nmetadata.yaml");
    assert_eq!(elsewhere.shop.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(elsewhere.shop.read(&Place::Project, "README.md", None), "hello");
    assert_eq!(elsewhere.shop.git(&["cat-file", "-p", "feature:x"]), "y");
    let branches = elsewhere.there(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "dev\nfeature\nmain\nprod");
}

#[test]
fn an_upstream_that_is_a_project_or_has_a_stage_already_is_left_as_it_is() {
    let elsewhere = Elsewhere::new();
    elsewhere.pushed_on("main", &[], "metadata.yaml", "projectName: other\n");
    let said = elsewhere.create().unwrap_err();
    assert!(matches!(said, ResourceError::UpstreamInitialized { .. }), "{said}");
    assert!(
        said.to_string()
            .starts_with("Project already exists with an already initialized GIT repository")
    );
    // An empty one is what an attempt of Keptn may have left.
    elsewhere.pushed_on("main", &[], "metadata.yaml", "");
    elsewhere.pushed_on("prod", &["main"], "x", "y");
    let said = elsewhere.create().unwrap_err();
    assert!(matches!(said, ResourceError::StageExists { .. }), "{said}");
    assert_eq!(elsewhere.there(&["rev-list", "--count", "--all"]), "2", "nothing was pushed");
    assert!(!elsewhere.shop.dir().exists());
    elsewhere.there(&["update-ref", "-d", "refs/heads/prod"]);
    elsewhere.create().unwrap();
}

#[test]
fn an_upstream_that_cannot_be_used_makes_no_project() {
    let token = Some(("keptnuser".to_owned(), "hunter2".to_owned()));
    let elsewhere =
        Elsewhere::with(Options { token, ..Options::default() }, UpstreamSettings::default());
    let said = elsewhere.create_at(&elsewhere.upstream("hunter3"), Attempt::First).unwrap_err();
    assert!(matches!(said, ResourceError::Unauthorized { .. }), "{said}");
    assert!(
        said.to_string().starts_with("Invalid git token") && !said.to_string().contains("hunter")
    );
    let missing = Access::Http(HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() });
    let missing = Upstream::new(&elsewhere.server.url("other"), "", missing).unwrap();
    let said = elsewhere.create_at(&missing, Attempt::First).unwrap_err();
    assert!(matches!(said, ResourceError::UpstreamNotFound { .. }), "{said}");
    elsewhere.server.set(Mode::HangUp);
    let said = elsewhere.create().unwrap_err();
    assert!(said.to_string().starts_with("Upstream repository not found"), "{said}");
    let left = std::fs::read_dir(elsewhere.shop.root()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["writer.config"], "nothing is left behind");
}

#[test]
fn a_project_that_was_pushed_before_a_crash_is_taken_over_after_it() {
    let elsewhere = Elsewhere::created();
    std::fs::remove_dir_all(elsewhere.shop.dir()).unwrap();
    let upstream = elsewhere.upstream("hunter2");
    elsewhere.create_at(&upstream, Attempt::First).unwrap_err();
    let dev = elsewhere.there(&["rev-parse", "dev"]);
    // The stages come after the default branch; one of them did not get there.
    elsewhere.there(&["update-ref", "-d", "refs/heads/prod"]);
    elsewhere.create_at(&upstream, Attempt::Again).unwrap();
    assert_eq!(elsewhere.there(&["rev-parse", "dev"]), dev);
    assert_eq!(elsewhere.there(&["ls-tree", "--name-only", "prod"]), "metadata.yaml");
    assert_eq!(
        elsewhere.there(&["rev-parse", "master"]),
        elsewhere.shop.git(&["rev-parse", "master"])
    );
    assert_eq!(elsewhere.status().unsynced, []);
    // With another shipyard it is somebody else's.
    std::fs::remove_dir_all(elsewhere.shop.dir()).unwrap();
    elsewhere.pushed("master", "shipyard.yaml", "apiVersion: 1");
    let said = elsewhere.create_at(&upstream, Attempt::Again).unwrap_err();
    assert!(matches!(said, ResourceError::UpstreamInitialized { .. }), "{said}");
}

#[test]
fn a_write_pushes_its_branch_alone_whatever_became_of_the_others() {
    let elsewhere = Elsewhere::created();
    let before = elsewhere.there(&["rev-parse", "prod", "master"]);
    let (commit, synced) = elsewhere.write("a.yaml", "1").unwrap();
    assert!(synced);
    assert_eq!(elsewhere.there(&["rev-parse", "dev"]), commit);
    assert_eq!(elsewhere.there(&["rev-parse", "prod", "master"]), before);
    // Nobody here has seen this one.
    let by_hand = elsewhere.pushed("prod", "b.yaml", "2");
    let (commit, synced) = elsewhere.write("a.yaml", "3").unwrap();
    assert!(synced);
    assert_eq!(elsewhere.there(&["rev-parse", "dev", "prod"]), format!("{commit}\n{by_hand}"));
}

#[test]
fn what_others_push_is_seen_at_the_next_look() {
    let elsewhere = Elsewhere::created();
    let tip = elsewhere.pushed("dev", "a.yaml", "1");
    elsewhere.pushed_on("new", &["dev"], "b", "2");
    let Synced::Done { moved } = elsewhere.synchronise() else { panic!("it is there") };
    assert_eq!(moved.into_iter().collect::<Vec<_>>(), ["dev", "new"]);
    assert_eq!(elsewhere.shop.read(&dev(), "a.yaml", None), "1");
    let here = elsewhere.shop.repositories.tip(&elsewhere.shop.name, Branch::Stage(&stage("dev")));
    assert_eq!(here.unwrap().to_string(), tip);
    // A branch that is gone there stays here until somebody writes to it.
    elsewhere.there(&["update-ref", "-d", "refs/heads/new"]);
    elsewhere.synchronise();
    assert_eq!(elsewhere.shop.git(&["cat-file", "-p", "new:b"]), "2");
    assert_eq!(elsewhere.status().unsynced, []);
}

#[test]
fn whoever_is_faster_comes_first_and_nothing_is_lost() {
    let elsewhere = Elsewhere::created();
    let mut by_hand = String::new();
    let meanwhile = || by_hand = elsewhere.pushed("dev", "b.yaml", "2");
    let (commit, synced) = elsewhere.write_after("a.yaml", "1", meanwhile).unwrap();
    assert!(synced);
    assert_eq!(elsewhere.there(&["rev-parse", "dev", "dev~1"]), format!("{commit}\n{by_hand}"));
    assert_eq!(elsewhere.shop.git(&["rev-parse", "dev"]), commit);
    assert_eq!(elsewhere.shop.read(&dev(), "b.yaml", None), "2");
}

#[test]
fn what_is_written_while_the_upstream_is_away_gets_there_when_it_is_back() {
    let elsewhere = Elsewhere::created();
    elsewhere.server.set(Mode::HangUp);
    let (first, synced) = elsewhere.write("a.yaml", "1").unwrap();
    assert!(!synced);
    elsewhere.write("a.yaml", "2").unwrap();
    let status = elsewhere.status();
    assert_eq!(status.unsynced, [("dev".to_owned(), 2)]);
    assert!(status.unreachable.is_some());
    assert!(matches!(elsewhere.synchronise(), Synced::Unreachable(_)));
    // Somebody else goes on there meanwhile.
    let by_hand = elsewhere.pushed("dev", "b.yaml", "3");
    elsewhere.server.set(Mode::Serve);
    elsewhere.synchronise();
    assert_eq!(elsewhere.there(&["rev-parse", "dev~2"]), by_hand, "pushed history stays as it is");
    assert_eq!(
        elsewhere.there(&["log", "--format=%s", "-2", "dev"]),
        "Updated resource\nUpdated resource"
    );
    assert_eq!(elsewhere.there(&["cat-file", "-p", "dev:a.yaml"]), "2");
    let status = elsewhere.status();
    assert_eq!((status.unsynced, status.unreachable, status.conflicts), (vec![], None, vec![]));
    // It was answered, so it can be read.
    assert_eq!(elsewhere.read_at(&first), "1");
}

#[test]
fn a_push_of_which_nobody_knows_the_outcome_is_there_once() {
    let elsewhere = Elsewhere::created();
    elsewhere.server.set(Mode::HangUpAfterPush);
    let (commit, synced) = elsewhere.write("a.yaml", "1").unwrap();
    assert!(!synced);
    assert_eq!(elsewhere.there(&["rev-parse", "dev"]), commit);
    elsewhere.server.set(Mode::Serve);
    elsewhere.synchronise();
    assert_eq!(elsewhere.there(&["rev-parse", "dev"]), commit);
    assert_eq!(elsewhere.status().unsynced, []);
}

#[test]
fn a_commit_that_does_not_fit_gets_a_branch_of_its_own() {
    let elsewhere = Elsewhere::created();
    elsewhere.server.set(Mode::HangUp);
    let (ours, _) = elsewhere.write("a.yaml", "ours").unwrap();
    elsewhere.write("c.yaml", "fits").unwrap();
    elsewhere.pushed("dev", "a.yaml", "theirs");
    elsewhere.server.set(Mode::Serve);
    elsewhere.synchronise();
    assert_eq!(elsewhere.shop.read(&dev(), "a.yaml", None), "theirs");
    assert_eq!(elsewhere.there(&["cat-file", "-p", "dev:c.yaml"]), "fits");
    let status = elsewhere.status();
    let branch = format!("tidegate/conflict/dev/{}", &ours[..12]);
    assert_eq!(status.conflicts, [branch.as_str()]);
    assert_eq!(status.unsynced, []);
    assert_eq!(elsewhere.shop.git(&["cat-file", "-p", &format!("{branch}:a.yaml")]), "ours");
    let there = elsewhere.there(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(there, "dev\nmaster\nprod", "it is not pushed");
    assert_eq!(elsewhere.read_at(&ours), "ours");
    for none in ["dev", "tidegate/conflict/../dev", "tidegate/conflict/", "tidegate/conflict/ "] {
        assert!(!elsewhere.upstreams.drop_conflict(&elsewhere.shop.name, none).unwrap(), "{none}");
    }
    assert!(elsewhere.upstreams.drop_conflict(&elsewhere.shop.name, &branch).unwrap());
    assert_eq!(elsewhere.status().conflicts, Vec::<String>::new());
    assert_eq!(elsewhere.read_at(&ours), "ours");
}

#[test]
fn a_history_that_was_rewritten_is_followed_and_what_was_given_out_stays() {
    let elsewhere = Elsewhere::created();
    let (commit, _) = elsewhere.write("a.yaml", "1").unwrap();
    let other = elsewhere.pushed_on("dev", &["dev~1"], "b.yaml", "2");
    elsewhere.synchronise();
    assert_eq!(elsewhere.shop.git(&["rev-parse", "dev"]), other);
    assert_eq!(elsewhere.status().unsynced, []);
    assert_eq!(elsewhere.read_at(&commit), "1");
    elsewhere.shop.git(&["gc", "--quiet", "--prune=now"]);
    assert_eq!(elsewhere.read_at(&commit), "1");
    // Even one that has nothing in common.
    elsewhere.pushed_on("dev", &[], "c.yaml", "3");
    elsewhere.synchronise();
    assert_eq!(elsewhere.shop.read(&dev(), "c.yaml", None), "3");
}

#[test]
fn what_a_protected_branch_does_not_take_is_undone_and_said() {
    let elsewhere = Elsewhere::created();
    elsewhere.protect("dev");
    let before = elsewhere.shop.git(&["rev-parse", "dev"]);
    let said = elsewhere.write("a.yaml", "1").unwrap_err();
    assert!(matches!(said, ResourceError::UpstreamRefused { .. }), "{said}");
    assert!(said.to_string().contains("it is protected"), "{said}");
    assert_eq!(elsewhere.shop.git(&["rev-parse", "dev"]), before);
    assert_eq!(elsewhere.status().unsynced, []);
    // Several branches are pushed together: none of them gets it.
    let _guard = elsewhere.runtime.enter();
    let name = &elsewhere.shop.name;
    let said = elsewhere.upstreams.write(name, now(), |repositories| {
        let stages = [stage("prod"), stage("dev")];
        repositories.create_service(name, &stages, &service("carts"), now())
    });
    assert!(matches!(said, Err(ResourceError::UpstreamRefused { .. })), "{said:?}");
    assert_eq!(elsewhere.there(&["ls-tree", "--name-only", "prod"]), "metadata.yaml");
    assert_eq!(elsewhere.shop.git(&["ls-tree", "--name-only", "prod"]), "metadata.yaml");
}

#[test]
fn what_was_written_meanwhile_and_is_refused_stays_and_is_shown() {
    let elsewhere = Elsewhere::created();
    elsewhere.server.set(Mode::HangUp);
    elsewhere.write("a.yaml", "1").unwrap();
    elsewhere.server.set(Mode::Serve);
    elsewhere.protect("dev");
    elsewhere.synchronise();
    assert_eq!(elsewhere.status().unsynced, [("dev".to_owned(), 1)]);
    assert_eq!(elsewhere.shop.read(&dev(), "a.yaml", None), "1");
}

#[test]
fn whoever_is_never_first_is_told_so_and_leaves_nothing() {
    let elsewhere = Elsewhere::created();
    let _guard = elsewhere.runtime.enter();
    let (name, files) = (&elsewhere.shop.name, [(path("a.yaml"), b"1".to_vec())]);
    let mut tries = 0;
    let said = elsewhere.upstreams.write(name, now(), |repositories| {
        tries += 1;
        let commit = repositories.write(name, &dev(), &files, now())?;
        elsewhere.pushed("dev", "b.yaml", &tries.to_string());
        Ok(commit)
    });
    assert!(matches!(said, Err(ResourceError::Contended { .. })), "{said:?}");
    assert_eq!(tries, 5, "as often as Keptn");
    elsewhere.synchronise();
    assert_eq!(elsewhere.there(&["ls-tree", "--name-only", "dev"]), "b.yaml\nmetadata.yaml");
    assert_eq!(elsewhere.shop.git(&["rev-parse", "dev"]), elsewhere.there(&["rev-parse", "dev"]));
    assert_eq!(elsewhere.status().unsynced, []);
}

#[test]
fn a_copy_knows_its_upstream_and_needs_the_key() {
    let elsewhere = Elsewhere::created();
    let to = tempfile::tempdir().unwrap();
    let name = &elsewhere.shop.name;
    assert!(crate::copy_project(&elsewhere.shop.root(), name, to.path()).unwrap());
    let copy = crate::Repositories::open(to.path()).unwrap();
    let with = |key: u8| {
        let key = SealingKey::new(&[key; 32]);
        Upstreams::new(copy.clone(), key, UpstreamSettings::default()).status(name)
    };
    let status = with(7).unwrap().unwrap();
    assert_eq!((status.upstream, status.unsynced), (elsewhere.upstream("hunter2"), vec![]));
    assert!(matches!(with(8), Err(ResourceError::BrokenSeal(_))));
}

#[test]
fn stages_that_are_directories_are_pushed_with_the_default_branch() {
    let shop = Sockshop::without_project_for(StageLayout::Directories);
    let elsewhere = Elsewhere::of(shop, Options::default(), UpstreamSettings::default());
    elsewhere.create().unwrap();
    let branches = elsewhere.there(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "master");
    let (commit, synced) = elsewhere.write("a.yaml", "1").unwrap();
    assert!(synced);
    assert_eq!(elsewhere.there(&["rev-parse", "master"]), commit);
    assert_eq!(elsewhere.there(&["cat-file", "-p", "master:.keptn-stages/dev/a.yaml"]), "1");
    std::fs::remove_dir_all(elsewhere.shop.dir()).unwrap();
    let upstream = elsewhere.upstream("hunter2");
    elsewhere.create_at(&upstream, Attempt::Again).unwrap();
    assert_eq!(elsewhere.shop.read(&dev(), "a.yaml", None), "1");
}
