use crate::ResourceError;
use crate::fixture::{Sockshop, dev, now, service, stage};

#[test]
fn a_service_is_a_directory_on_each_stage_and_not_on_the_default_branch() {
    let shop = Sockshop::new().with_service("carts");
    for branch in ["dev", "prod"] {
        assert_eq!(
            shop.git(&["log", "--format=%s", branch]),
            "Added service: carts\ncreated stage\ninitialized project"
        );
        assert_eq!(
            shop.git(&["show", &format!("{branch}:carts/metadata.yaml")]),
            "servicename: carts\ncreationtimestamp: 2023-03-01 10:11:12.123456789 +0000 UTC"
        );
    }
    assert_eq!(shop.git(&["ls-tree", "--name-only", "master"]), "metadata.yaml\nshipyard.yaml");
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[test]
fn a_repeat_completes_what_was_begun_and_then_says_that_the_service_exists() {
    let shop = Sockshop::new();
    let (carts, both) = (service("carts"), [stage("dev"), stage("prod")]);
    let create = |stages: &[_]| shop.repositories.create_service(&shop.name, stages, &carts, now());
    create(&both[..1]).unwrap();
    let dev_before = shop.git(&["rev-parse", "dev"]);
    create(&both).unwrap();
    assert_eq!(shop.git(&["rev-parse", "dev"]), dev_before);
    assert_eq!(shop.git(&["ls-tree", "--name-only", "prod", "carts/"]), "carts/metadata.yaml");
    let error = create(&both).unwrap_err();
    assert!(matches!(error, ResourceError::ServiceExists { .. }));
    assert!(error.to_string().starts_with("Service already exists: carts"), "{error}");
}

#[test]
fn an_unknown_stage_is_refused_before_any_stage_is_written() {
    let shop = Sockshop::new();
    let stages = [stage("dev"), stage("qa")];
    let before = shop.git(&["for-each-ref"]);
    let result = shop.repositories.create_service(&shop.name, &stages, &service("carts"), now());
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with("Stage not found: qa in project sockshop"), "{error}");
    assert_eq!(shop.git(&["for-each-ref"]), before);
}

#[test]
fn names_that_git_keeps_for_itself_are_refused() {
    let shop = Sockshop::new();
    for name in [".git.", "GIT~1", ".g\u{200d}it"] {
        let result =
            shop.repositories.create_service(&shop.name, &[stage("dev")], &service(name), now());
        assert!(matches!(result, Err(ResourceError::InvalidPath(_))), "{name}: {result:?}");
    }
}

#[test]
fn a_file_of_the_stage_is_not_made_a_service() {
    let shop = Sockshop::new();
    shop.write(&dev(), "carts", "a file");
    let stages = [stage("dev")];
    let result = shop.repositories.create_service(&shop.name, &stages, &service("carts"), now());
    assert!(matches!(result, Err(ResourceError::Obstructed { .. })), "{result:?}");
    assert_eq!(shop.read(&dev(), "carts", None), "a file");
}

#[test]
fn a_service_that_is_removed_leaves_every_stage_and_stays_in_their_history() {
    let shop = Sockshop::new().with_service("carts").with_service("orders");
    let before = shop.git(&["rev-parse", "dev"]);
    let stages = [stage("dev"), stage("prod"), stage("never-made")];
    let remove = || shop.repositories.delete_service(&shop.name, &stages, &service("carts"), now());
    remove().unwrap();
    for branch in ["dev", "prod"] {
        let files = shop.git(&["ls-tree", "-r", "--name-only", branch]);
        assert_eq!(files, "metadata.yaml\norders/metadata.yaml");
        let message = shop.git(&["log", "-1", "--format=%s", branch]);
        assert_eq!(message, "Removed service: carts");
    }
    assert!(shop.git(&["show", &format!("{before}:carts/metadata.yaml")]).contains("carts"));
    let tip = shop.git(&["rev-parse", "dev"]);
    remove().unwrap();
    assert_eq!(shop.git(&["rev-parse", "dev"]), tip, "there was nothing left to do");
}
