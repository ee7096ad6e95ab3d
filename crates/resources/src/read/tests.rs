use super::LIST_ENTRIES_MAX;
use crate::fixture::{Sockshop, carts, dev, path, service, stage};
use crate::write::RESOURCE_BYTES_MAX;
use crate::{Branch, Obstacle, Place, ResourceError};
use tidegate_core::names::CommitId;

fn obstacle(shop: &Sockshop, file: &str) -> Obstacle {
    match shop.repositories.read(&shop.name, &dev(), &path(file), None) {
        Err(ResourceError::NotFound { obstacle, .. }) => obstacle,
        other => panic!("{file}: {other:?}"),
    }
}

fn listed(shop: &Sockshop, place: &Place, at: Option<&CommitId>) -> Vec<String> {
    let files = shop.repositories.list(&shop.name, place, at).unwrap();
    files.iter().map(ToString::to_string).collect()
}

#[test]
fn an_old_commit_keeps_what_it_held() {
    let shop = Sockshop::new().with_service("carts");
    let old = shop.write(&carts(), "slo.yaml", "old");
    let new = shop.write(&carts(), "slo.yaml", "new");
    shop.write(&carts(), "sli.yaml", "later");
    assert_eq!(shop.read(&carts(), "slo.yaml", None), "new");
    assert_eq!(shop.read(&carts(), "slo.yaml", Some(&old)), "old");
    assert_eq!(shop.read(&carts(), "slo.yaml", Some(&new)), "new");
    assert_eq!(listed(&shop, &carts(), Some(&old)), ["metadata.yaml", "slo.yaml"]);
    let gone = shop.repositories.read(&shop.name, &carts(), &path("sli.yaml"), Some(&old));
    assert!(matches!(gone, Err(ResourceError::NotFound { obstacle: Obstacle::Nothing, .. })));
}

#[test]
fn a_commit_must_be_in_the_repository_and_must_be_a_commit() {
    let shop = Sockshop::new();
    let repositories = &shop.repositories;
    let tree = CommitId::new(&shop.git(&["rev-parse", "dev^{tree}"])).unwrap();
    for id in [tree, CommitId::new(&"ab".repeat(20)).unwrap()] {
        let result = repositories.read(&shop.name, &dev(), &path("metadata.yaml"), Some(&id));
        assert!(matches!(result, Err(ResourceError::CommitNotFound { .. })), "{result:?}");
        assert!(!repositories.contains(&shop.name, &id).unwrap());
    }
    let tip = repositories.tip(&shop.name, Branch::Stage(&stage("dev"))).unwrap();
    assert!(repositories.contains(&shop.name, &tip).unwrap());
}

#[test]
fn what_is_no_file_is_not_found_and_the_error_says_why() {
    let shop = Sockshop::new();
    let (file, target) = (shop.blob("file"), shop.blob("../metadata.yaml"));
    let inner = shop.tree(&format!("100644 blob {file}\tfile\n"));
    let commit = shop.git(&["rev-parse", "dev"]);
    shop.push_tree(
        "dev",
        &format!(
            "100644 blob {file}\tfile\n040000 tree {inner}\tdir\n\
             120000 blob {target}\tlink\n160000 commit {commit}\tsub\n"
        ),
    );
    for (path, expected) in [
        ("none", Obstacle::Nothing),
        ("dir/none", Obstacle::Nothing),
        ("none/below/that", Obstacle::Nothing),
        ("file/below", Obstacle::Nothing),
        ("dir", Obstacle::Directory),
        ("link", Obstacle::SymbolicLink),
        ("link/below", Obstacle::SymbolicLink),
        ("sub", Obstacle::Submodule),
        ("sub/below", Obstacle::Submodule),
    ] {
        assert_eq!(obstacle(&shop, path), expected, "{path}");
    }
    assert_eq!(shop.read(&dev(), "dir/file", None), "file");
    assert_eq!(listed(&shop, &dev(), None), ["dir/file", "file"]);
}

#[test]
fn the_message_begins_with_keptns_and_names_everything() {
    let shop = Sockshop::new().with_service("carts");
    let result = shop.repositories.read(&shop.name, &carts(), &path("slo.yaml"), None);
    assert_eq!(
        result.unwrap_err().to_string(),
        "Resource not found: slo.yaml of service carts in stage dev in project sockshop: \
         there is no such file"
    );
}

#[test]
fn a_listing_walks_the_directories_in_order() {
    let shop = Sockshop::new().with_service("carts");
    for file in ["a.txt", "a/z", "a/b/c", "a-b", ".gitignore"] {
        shop.write(&carts(), file, "x");
    }
    let own = [".gitignore", "a/b/c", "a/z", "a-b", "a.txt", "metadata.yaml"];
    assert_eq!(listed(&shop, &carts(), None), own);
    let stage: Vec<String> = own.iter().map(|file| format!("carts/{file}")).collect();
    let stage = [stage, vec!["metadata.yaml".to_owned()]].concat();
    assert_eq!(listed(&shop, &dev(), None), stage);
    assert_eq!(listed(&shop, &Place::Project, None), ["metadata.yaml", "shipyard.yaml"]);
}

#[test]
fn pushed_files_without_a_proper_path_are_left_out_of_a_listing() {
    let shop = Sockshop::new();
    let file = shop.blob("x");
    let mut deep = shop.tree(&format!("100644 blob {file}\tdeep\n"));
    for _ in 0..40 {
        deep = shop.tree(&format!("040000 tree {deep}\td\n"));
    }
    shop.push_tree(
        "dev",
        &format!(
            "040000 tree {deep}\td\n100644 blob {file}\ta~b\n100644 blob {file}\tx..y\n\
             100644 blob {file}\tgood\n"
        ),
    );
    assert_eq!(listed(&shop, &dev(), None), ["good"]);
}

#[test]
fn a_listing_is_bounded_also_where_directories_repeat_without_end() {
    let shop = Sockshop::new();
    let file = shop.blob("x");
    let flat = |files: usize| -> String {
        (0..files).map(|n| format!("100644 blob {file}\tf{n:05}\n")).collect()
    };
    shop.push_tree("dev", &flat(LIST_ENTRIES_MAX));
    assert_eq!(listed(&shop, &dev(), None).len(), LIST_ENTRIES_MAX);
    shop.push_tree("dev", &flat(LIST_ENTRIES_MAX + 1));
    let result = shop.repositories.list(&shop.name, &dev(), None);
    assert!(matches!(result, Err(ResourceError::TooMany { .. })), "{result:?}");

    // 10^12 files in a dozen objects.
    let mut bomb = shop.tree(&format!("100644 blob {file}\tx\n"));
    for _ in 0..12 {
        let entries: String = (0..10).map(|n| format!("040000 tree {bomb}\t{n}\n")).collect();
        bomb = shop.tree(&entries);
    }
    shop.push_tree("dev", &format!("040000 tree {bomb}\tbomb\n"));
    let result = shop.repositories.list(&shop.name, &dev(), None);
    assert!(matches!(result, Err(ResourceError::TooMany { .. })), "{result:?}");
}

#[test]
fn a_pushed_file_past_the_limit_is_not_loaded() {
    let shop = Sockshop::new();
    let big = shop.blob(&"x".repeat(RESOURCE_BYTES_MAX + 1));
    shop.push_tree("dev", &format!("100644 blob {big}\tbig\n"));
    let result = shop.repositories.read(&shop.name, &dev(), &path("big"), None);
    assert!(
        matches!(result, Err(ResourceError::TooLarge { bytes, .. }) if bytes == RESOURCE_BYTES_MAX + 1)
    );
}

#[test]
fn project_stage_and_service_must_exist() {
    let shop = Sockshop::new();
    let read = |project: &str, place: &Place| {
        let project = crate::fixture::project(project);
        shop.repositories.read(&project, place, &path("a"), None).unwrap_err().to_string()
    };
    assert!(read("hardware", &dev()).starts_with("Project not found: hardware"));
    let qa = Place::Service(stage("qa"), service("carts"));
    assert!(read("sockshop", &qa).starts_with("Stage not found: qa in project sockshop"));
    assert!(read("sockshop", &carts()).starts_with("Service not found: carts in stage dev"));
}

#[test]
fn what_git_has_packed_reads_and_grows_as_before() {
    let shop = Sockshop::new().with_service("carts");
    let old = shop.write(&carts(), "slo.yaml", "old");
    shop.git(&["pack-refs", "--all"]);
    shop.git(&["repack", "-adq"]);
    shop.git(&["prune-packed", "-q"]);
    assert_eq!(shop.read(&carts(), "slo.yaml", None), "old");
    shop.write(&carts(), "slo.yaml", "new");
    assert_eq!(shop.read(&carts(), "slo.yaml", None), "new");
    assert_eq!(shop.read(&carts(), "slo.yaml", Some(&old)), "old");
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}
