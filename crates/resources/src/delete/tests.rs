use crate::fixture::{Sockshop, carts, dev, now, path};
use crate::{Obstacle, Place, ResourceError};

#[test]
fn a_deleted_file_is_gone_from_the_branch_and_stays_in_its_history() {
    let shop = Sockshop::new().with_service("carts");
    let before = shop.write(&carts(), "job/config.yaml", "1");
    shop.write(&carts(), "slo.yaml", "2");
    let commit =
        shop.repositories.delete(&shop.name, &carts(), &path("job/config.yaml"), now()).unwrap();
    assert_eq!(commit.as_str(), shop.git(&["rev-parse", "dev"]));
    assert_eq!(shop.git(&["log", "-1", "--format=%s", "dev"]), "Deleted resources");
    assert_eq!(
        shop.git(&["diff-tree", "-r", "--name-status", "dev~1", "dev"]),
        "D\tcarts/job/config.yaml"
    );
    assert_eq!(shop.read(&carts(), "job/config.yaml", Some(&before)), "1");
}

#[test]
fn only_a_file_can_be_deleted() {
    let shop = Sockshop::new();
    shop.write(&dev(), "dir/file", "1");
    let before = shop.git(&["rev-parse", "dev"]);
    for (name, expected) in [
        ("nothing", Obstacle::Nothing),
        ("dir", Obstacle::Directory),
        ("dir/file/x", Obstacle::Nothing),
    ] {
        match shop.repositories.delete(&shop.name, &dev(), &path(name), now()) {
            Err(ResourceError::NotFound { obstacle, .. }) => {
                assert_eq!(obstacle, expected, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(shop.git(&["rev-parse", "dev"]), before);
}

#[test]
fn a_service_stays_when_its_last_file_goes() {
    let shop = Sockshop::new().with_service("carts");
    shop.repositories.delete(&shop.name, &carts(), &path("metadata.yaml"), now()).unwrap();
    assert_eq!(shop.read(&carts(), "metadata.yaml", None), "");
    shop.write(&carts(), "slo.yaml", "1");
    shop.repositories.delete(&shop.name, &carts(), &path("metadata.yaml"), now()).unwrap();
    assert_eq!(shop.git(&["ls-tree", "-r", "--name-only", "dev", "carts"]), "carts/slo.yaml");
}

#[test]
fn a_project_may_lose_any_file() {
    let shop = Sockshop::new();
    for name in ["metadata.yaml", "shipyard.yaml"] {
        shop.repositories.delete(&shop.name, &Place::Project, &path(name), now()).unwrap();
    }
    assert_eq!(shop.git(&["ls-tree", "-r", "master"]), "");
    shop.write(&Place::Project, "shipyard.yaml", "again");
}
