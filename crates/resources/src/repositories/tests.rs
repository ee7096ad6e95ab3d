use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::fixture::{Sockshop, dev, now, project, stage};
use crate::{Branch, Repositories, ResourceError};

#[test]
fn the_root_is_for_this_user_alone() {
    let shop = Sockshop::without_project();
    let mode = std::fs::metadata(shop.root()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn projects_are_listed_by_name_and_other_files_are_not() {
    let shop = Sockshop::new();
    shop.repositories.create_project(&project("a"), &[], "x", now()).unwrap();
    std::fs::create_dir(shop.root().join("Not a project.git")).unwrap();
    assert_eq!(shop.repositories.projects().unwrap(), [project("a"), project("sockshop")]);
}

#[test]
fn the_default_branch_is_the_one_that_head_names() {
    let shop = Sockshop::new();
    shop.git(&["branch", "-m", "master", "main"]);
    shop.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    let tip = shop.repositories.tip(&shop.name, Branch::Default).unwrap();
    assert_eq!(tip.as_str(), shop.git(&["rev-parse", "main"]));
    shop.git(&["symbolic-ref", "HEAD", "refs/heads/none"]);
    let error = shop.repositories.tip(&shop.name, Branch::Default).unwrap_err();
    assert!(matches!(error, ResourceError::DefaultBranchNotFound(_)), "{error}");
    let error = shop.repositories.tip(&shop.name, Branch::Stage(&stage("qa"))).unwrap_err();
    assert!(matches!(error, ResourceError::StageNotFound { .. }), "{error}");
}

/// libgit2 syncs objects and branches exactly where its `core.fsyncObjectFiles` is true.
fn writes_are_synced(shop: &Sockshop) -> bool {
    let project = shop.repositories.project(&shop.name).unwrap();
    project.repo.config().unwrap().get_bool("core.fsyncObjectFiles").unwrap()
}

#[test]
fn the_repository_cannot_switch_syncing_off() {
    let shop = Sockshop::new();
    assert!(writes_are_synced(&shop));
    std::fs::write(
        shop.dir().join("config"),
        "[core]\nrepositoryformatversion = 0\nbare = true\nfsyncObjectFiles = false\n",
    )
    .unwrap();
    assert!(writes_are_synced(&shop));
}

/// The home directory is read once per process, so a test runs itself in another, where it is told
/// to do the inner part. Answers whether this is that process.
fn again_at_home(test: &str, configuration: &str) -> bool {
    const INNER: &str = "TIDEGATE_TEST_AT_HOME";
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitconfig"), configuration).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("repositories::tests::{test}")])
        .env("HOME", home.path())
        .env(INNER, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

#[test]
fn the_configuration_of_the_host_does_not_count() {
    let hostile = "[core]\nfsyncObjectFiles = false\nlogAllRefUpdates = always\n[x]\nmark = 1\n";
    if again_at_home("the_configuration_of_the_host_does_not_count", hostile) {
        with_hostile_home();
    }
}

#[test]
fn a_configuration_of_the_host_that_cannot_be_read_fails_the_start() {
    let name = "a_configuration_of_the_host_that_cannot_be_read_fails_the_start";
    if again_at_home(name, "[core\n") {
        let root = tempfile::tempdir().unwrap();
        let error = Repositories::open(&root.path().join("git")).unwrap_err();
        assert!(matches!(error, ResourceError::HostConfiguration(_)), "{error}");
        assert!(error.to_string().contains(".gitconfig"), "{error}");
    }
}

fn with_hostile_home() {
    let default = git2::Config::open_default().unwrap();
    assert_eq!(default.get_i32("x.mark").unwrap(), 1, "the hostile file is where libgit2 looks");
    let shop = Sockshop::new();
    let project = shop.repositories.project(&shop.name).unwrap();
    assert!(project.repo.config().unwrap().get_i32("x.mark").is_err());
    assert!(writes_are_synced(&shop));
    shop.write(&dev(), "a", "1");
    assert!(!shop.dir().join("logs").exists(), "no reflog was switched on");
}
