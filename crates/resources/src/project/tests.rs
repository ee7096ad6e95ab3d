use crate::fixture::{SHIPYARD, Sockshop, dev, git, now, path, project, service, stage};
use crate::{Branch, Place, Repositories, ResourceError, StageLayout};

#[test]
fn a_new_project_has_keptns_layout() {
    let shop = Sockshop::new();
    assert_eq!(shop.git(&["symbolic-ref", "HEAD"]), "refs/heads/master");
    assert_eq!(
        shop.git(&["for-each-ref", "--format=%(refname)"]),
        "refs/heads/dev\nrefs/heads/master\nrefs/heads/prod"
    );
    let messages = |branch| shop.git(&["log", "--format=%s", branch]);
    assert_eq!(messages("master"), "Updated resource\ninitialized project");
    assert_eq!(messages("dev"), "created stage\ninitialized project");
    assert_eq!(messages("prod"), "created stage\ninitialized project");
    let files = |branch| shop.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", branch]);
    assert_eq!(files("master"), "100644 metadata.yaml\n100644 shipyard.yaml");
    assert_eq!(files("dev"), "100644 metadata.yaml");
    assert_eq!(shop.git(&["show", "master:shipyard.yaml"]), SHIPYARD.trim_end());
    assert_eq!(
        shop.git(&["show", "dev:metadata.yaml"]),
        "projectName: sockshop\n\
         creationTimestamp: 2023-03-01 10:11:12.123456789 +0000 UTC\n\
         isUsingDirectoryStructure: false"
    );
    assert_eq!(
        shop.git(&["log", "-1", "--format=%an <%ae> %aI, %cn <%ce> %cI", "master"]),
        "keptn <keptn@keptn.sh> 2023-03-01T10:11:12+00:00, \
         keptn <keptn@keptn.sh> 2023-03-01T10:11:12+00:00"
    );
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[test]
fn the_answer_is_the_tip_of_the_default_branch() {
    let shop = Sockshop::without_project();
    let tip = shop.repositories.create_project(&shop.name, &[stage("qa")], "x", now()).unwrap();
    assert_eq!(tip.as_str(), shop.git(&["rev-parse", "master"]));
    assert_eq!(shop.repositories.tip(&shop.name, Branch::Default).unwrap(), tip);
}

#[test]
fn a_second_project_of_the_name_is_refused_and_changes_nothing() {
    let shop = Sockshop::new();
    let before = shop.git(&["for-each-ref"]);
    let error = shop.repositories.create_project(&shop.name, &[], "y", now()).unwrap_err();
    assert!(matches!(error, ResourceError::ProjectExists(_)));
    assert!(error.to_string().starts_with("Project already exists: sockshop"), "{error}");
    assert_eq!(shop.git(&["for-each-ref"]), before);
}

#[test]
fn stages_that_collide_are_refused_before_anything_is_made() {
    let shop = Sockshop::without_project();
    for stages in [vec![stage("qa"), stage("qa")], vec![stage("master")]] {
        let error = shop.repositories.create_project(&shop.name, &stages, "x", now()).unwrap_err();
        assert!(error.to_string().starts_with("Stage already exists"), "{error}");
    }
    assert!(shop.repositories.projects().unwrap().is_empty());
}

#[test]
fn a_creation_that_fails_half_way_leaves_nothing() {
    let shop = Sockshop::without_project();
    // Longer than a file name can be, together with the suffix of the lock.
    let stages = [stage("qa"), stage(&"x".repeat(253))];
    let result = shop.repositories.create_project(&shop.name, &stages, "x", now());
    assert!(matches!(result, Err(ResourceError::Git(_))), "{result:?}");
    let left: Vec<_> = std::fs::read_dir(shop.root()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [shop.root().join("writer.config")]);
}

#[test]
fn a_removed_project_is_gone_and_its_name_is_free() {
    let shop = Sockshop::new();
    shop.repositories.remove_project(&shop.name).unwrap();
    assert!(shop.repositories.projects().unwrap().is_empty());
    let error = shop.repositories.tip(&shop.name, Branch::Default).unwrap_err();
    assert!(error.to_string().starts_with("Project not found: sockshop"), "{error}");
    shop.repositories.remove_project(&shop.name).expect("an unknown project is no error");
    shop.repositories.create_project(&shop.name, &[], "x", now()).unwrap();
}

#[test]
fn debris_of_a_crash_is_swept_when_the_root_is_opened() {
    let shop = Sockshop::new();
    let half_made = shop.root().join(".unfinished-7/refs/heads");
    std::fs::create_dir_all(&half_made).unwrap();
    let lock = shop.dir().join("refs/heads/dev.lock");
    let object = shop.dir().join("objects/tmp_object_git2_a1b2c3");
    std::fs::write(&lock, "").unwrap();
    std::fs::write(&object, "").unwrap();
    let files = [(path("a"), b"1".to_vec())];
    let blocked = shop.repositories.write(&shop.name, &dev(), &files, now());
    assert!(matches!(blocked, Err(ResourceError::Contended { .. })), "{blocked:?}");

    let again = Repositories::open(&shop.root()).unwrap();
    assert!(!half_made.exists() && !shop.root().join(".unfinished-7").exists());
    assert!(!lock.exists() && !object.exists());
    again.write(&shop.name, &dev(), &files, now()).unwrap();
    assert_eq!(again.projects().unwrap(), [project("sockshop")]);
}

#[test]
fn the_reserved_project_cannot_be_created() {
    let shop = Sockshop::without_project();
    let unmapped = tidegate_core::names::ProjectName::unmapped();
    let result = shop.repositories.create_project(&unmapped, &[], "x", now());
    assert!(matches!(result, Err(ResourceError::ProjectExists(_))));
}

#[test]
fn git_can_clone_what_was_made_and_has_nothing_to_complain_about() {
    let shop = Sockshop::new().with_service("carts");
    shop.write(&Place::Project, "readme.md", "hello");
    let clone = shop.root().join("clone");
    // The helper fails on any warning, such as that about a deprecated setting.
    git(&shop.dir(), &["push", "--quiet", "--all", &init(&clone)], "").unwrap();
    assert_eq!(git(&clone, &["show", "master:readme.md"], "").unwrap(), "hello");
}

fn init(dir: &std::path::Path) -> String {
    let text = dir.to_str().unwrap();
    git(dir, &["init", "--quiet", "--bare", "--initial-branch=master"], "").unwrap();
    text.to_owned()
}

/// A project whose stages are directories.
fn with_directories() -> (tempfile::TempDir, Repositories) {
    let root = tempfile::tempdir().unwrap();
    let repositories = Repositories::open_for(root.path(), StageLayout::Directories).unwrap();
    let stages = [stage("dev"), stage("prod")];
    repositories.create_project(&project("sockshop"), &stages, SHIPYARD, now()).unwrap();
    (root, repositories)
}

#[test]
fn stages_may_be_directories_of_the_default_branch() {
    let (root, repositories) = with_directories();
    let name = project("sockshop");
    let ask = |args: &[&str]| git(&root.path().join("sockshop.git"), args, "").unwrap();
    assert_eq!(ask(&["for-each-ref", "--format=%(refname)"]), "refs/heads/master");
    assert_eq!(
        ask(&["log", "--format=%s", "master"]),
        "Updated resource\nAdded stage: prod\nAdded stage: dev\ninitialized project"
    );
    assert!(ask(&["show", "master:metadata.yaml"]).ends_with("isUsingDirectoryStructure: true"));
    assert_eq!(
        ask(&["show", "master:.keptn-stages/dev/metadata.yaml"]),
        "stagename: dev\ncreationtimestamp: 2023-03-01 10:11:12.123456789 +0000 UTC"
    );
    let service = service("carts");
    let stages = [stage("dev"), stage("prod")];
    repositories.create_service(&name, &stages, &service, now()).unwrap();
    assert!(repositories.create_service(&name, &stages, &service, now()).is_err(), "it is there");
    let at = |name: &str| Place::Service(stage(name), service.clone());
    let file = [(path("a/b.yaml"), b"1".to_vec())];
    let commit = repositories.write(&name, &at("dev"), &file, now()).unwrap();
    assert_eq!(ask(&["show", "master:.keptn-stages/dev/carts/a/b.yaml"]), "1");
    assert_eq!(repositories.tip(&name, Branch::Stage(&stage("prod"))).unwrap(), commit);
    let read = |place: &Place| repositories.read(&name, place, &path("a/b.yaml"), None);
    assert_eq!(read(&at("dev")).unwrap(), b"1");
    assert!(matches!(read(&at("prod")), Err(ResourceError::NotFound { .. })));
    let list = |place: &Place| {
        let files = repositories.list(&name, place, None).unwrap();
        files.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(list(&Place::Project), ["metadata.yaml", "shipyard.yaml"]);
    let dev = Place::Stage(stage("dev"));
    assert_eq!(list(&dev), ["carts/a/b.yaml", "carts/metadata.yaml", "metadata.yaml"]);
    assert_eq!(list(&at("dev")), ["a/b.yaml", "metadata.yaml"]);
    repositories.delete(&name, &at("dev"), &path("a/b.yaml"), now()).unwrap();
    repositories.delete_service(&name, &stages, &service, now()).unwrap();
    assert_eq!(list(&dev), ["metadata.yaml"]);
    let nowhere = Place::Stage(stage("nowhere"));
    let said = repositories.write(&name, &nowhere, &file, now()).unwrap_err();
    assert!(matches!(said, ResourceError::StageNotFound { .. }), "{said}");
    assert_eq!(ask(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[test]
fn a_project_keeps_its_layout_whatever_new_ones_get() {
    let (root, repositories) = with_directories();
    drop(repositories);
    let repositories = Repositories::open(root.path()).unwrap();
    let name = project("sockshop");
    let file = [(path("a.yaml"), b"1".to_vec())];
    repositories.write(&name, &dev(), &file, now()).unwrap();
    let ask = |args: &[&str]| git(&root.path().join("sockshop.git"), args, "").unwrap();
    assert_eq!(ask(&["show", "master:.keptn-stages/dev/a.yaml"]), "1");
    repositories.create_project(&project("other"), &[stage("qa")], SHIPYARD, now()).unwrap();
    let other = git(&root.path().join("other.git"), &["rev-parse", "--verify", "-q", "qa"], "");
    assert!(other.is_ok(), "a branch");
}
