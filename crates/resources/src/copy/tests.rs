use std::sync::atomic::{AtomicBool, Ordering};

use super::copy_project;
use crate::fixture::{Sockshop, carts, dev, git, project};

#[test]
fn a_copy_has_every_branch_and_object_and_git_finds_nothing_wrong() {
    let shop = Sockshop::new().with_service("carts");
    for n in 0..20 {
        shop.write(&carts(), &format!("{n}.yaml"), &n.to_string());
    }
    shop.git(&["gc", "--quiet"]);
    shop.write(&dev(), "after", "packed");
    std::fs::write(shop.dir().join("refs/heads/dev.lock"), "").unwrap();
    let to = tempfile::tempdir().unwrap();
    assert!(copy_project(&shop.root(), &shop.name, to.path()).unwrap());
    let copy = to.path().join("sockshop.git");
    let ask = |args: &[&str]| git(&copy, args, "").unwrap();
    let refs = ["for-each-ref", "--format=%(refname) %(objectname)"];
    assert_eq!(ask(&refs), shop.git(&refs));
    assert_eq!(ask(&["fsck", "--strict", "--full", "--no-dangling"]), "");
    assert!(!copy.join("refs/heads/dev.lock").exists());
}

#[test]
fn a_copy_made_while_somebody_writes_and_packs_is_whole() {
    let shop = Sockshop::new().with_service("carts");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..150 {
                shop.write(&carts(), "slo.yaml", &n.to_string());
                if n % 30 == 7 {
                    shop.git(&["gc", "--quiet", "--prune=now"]);
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut copies = 0;
        while !done.load(Ordering::SeqCst) || copies == 0 {
            let to = tempfile::tempdir().unwrap();
            assert!(copy_project(&shop.root(), &shop.name, to.path()).unwrap());
            // All that a branch leads to. What was written since may be there in part.
            let reach = ["rev-list", "--objects", "--all", "--quiet"];
            assert_eq!(git(&to.path().join("sockshop.git"), &reach, "").unwrap(), "");
            copies += 1;
        }
    });
}

#[test]
fn a_project_without_a_repository_is_told_from_one_that_cannot_be_copied() {
    let shop = Sockshop::new();
    let to = tempfile::tempdir().unwrap();
    assert!(!copy_project(&shop.root(), &project("other"), to.path()).unwrap());
    std::fs::write(shop.dir().join("refs/heads/dev"), "0123456789012345678901234567890123456789\n")
        .unwrap();
    assert!(copy_project(&shop.root(), &shop.name, to.path()).is_err());
}
