use std::thread;

use super::RESOURCE_BYTES_MAX;
use crate::chart;
use crate::fixture::{Sockshop, carts, dev, git, now, path, service, stage};
use crate::{Obstacle, Place, ResourceError};

#[test]
fn files_of_one_call_are_one_commit_on_the_branch_of_the_place() {
    let shop = Sockshop::new().with_service("carts");
    let files = [
        (path("job/config.yaml"), b"first".to_vec()),
        (path("slo.yaml"), b"slo".to_vec()),
        (path("./job/config.yaml"), b"second".to_vec()),
    ];
    let commit = shop.repositories.write(&shop.name, &carts(), &files, now()).unwrap();
    assert_eq!(commit.as_str(), shop.git(&["rev-parse", "dev"]));
    assert_eq!(shop.git(&["log", "-1", "--format=%s", "dev"]), "Updated resource");
    assert_eq!(
        shop.git(&["diff-tree", "-r", "--name-status", "dev~1", "dev"]),
        "A\tcarts/job/config.yaml\nA\tcarts/slo.yaml"
    );
    assert_eq!(shop.git(&["show", "dev:carts/job/config.yaml"]), "second");
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[test]
fn each_place_has_its_own_file() {
    let shop = Sockshop::new().with_service("carts");
    for (place, text) in [(Place::Project, "project"), (dev(), "stage"), (carts(), "service")] {
        shop.write(&place, "slo.yaml", text);
    }
    assert_eq!(shop.git(&["show", "master:slo.yaml"]), "project");
    assert_eq!(shop.git(&["show", "dev:slo.yaml"]), "stage");
    assert_eq!(shop.git(&["show", "dev:carts/slo.yaml"]), "service");
}

#[test]
fn a_write_that_changes_nothing_is_a_commit_all_the_same() {
    let shop = Sockshop::new();
    let first = shop.write(&dev(), "a", "1");
    let second = shop.write(&dev(), "a", "1");
    assert_ne!(first, second);
    assert_eq!(shop.git(&["diff-tree", "-r", first.as_str(), second.as_str()]), "");
}

#[test]
fn an_empty_file_is_a_file() {
    let shop = Sockshop::new();
    shop.write(&dev(), "empty", "");
    assert_eq!(shop.read(&dev(), "empty", None), "");
}

#[test]
fn a_service_must_be_created_before_its_files() {
    let shop = Sockshop::new();
    let files = [(path("a"), vec![])];
    let error = shop.repositories.write(&shop.name, &carts(), &files, now()).unwrap_err();
    assert!(matches!(error, ResourceError::ServiceNotFound { .. }));
    assert!(error.to_string().starts_with("Service not found: carts in stage dev"), "{error}");
    let qa = Place::Service(stage("qa"), service("carts"));
    let error = shop.repositories.write(&shop.name, &qa, &files, now()).unwrap_err();
    assert!(matches!(error, ResourceError::StageNotFound { .. }));
}

#[test]
fn a_file_and_a_directory_cannot_have_one_name() {
    let shop = Sockshop::new();
    shop.write(&dev(), "dir/file", "1");
    let submodule = format!("160000 commit {}\tsub\n", shop.git(&["rev-parse", "dev"]));
    let tree = shop.git(&["ls-tree", "dev"]);
    shop.push_tree("dev", &format!("{tree}\n{submodule}"));
    let before = shop.git(&["rev-parse", "dev"]);
    for (names, expected) in [
        (vec!["dir"], Obstacle::Directory),
        (vec!["dir/file/below"], Obstacle::File),
        (vec!["dir/file/far/below"], Obstacle::File),
        (vec!["sub"], Obstacle::Submodule),
        (vec!["sub/file"], Obstacle::Submodule),
        (vec!["new/leaf", "new"], Obstacle::File),
    ] {
        let files: Vec<_> = names.iter().map(|name| (path(name), b"x".to_vec())).collect();
        match shop.repositories.write(&shop.name, &dev(), &files, now()) {
            Err(ResourceError::Obstructed { obstacle, .. }) => assert_eq!(obstacle, expected),
            other => panic!("{names:?}: {other:?}"),
        }
    }
    assert_eq!(shop.git(&["rev-parse", "dev"]), before);
}

#[test]
fn a_symbolic_link_is_replaced_and_never_written_through() {
    let shop = Sockshop::new();
    let target = shop.blob("../../outside");
    shop.push_tree("dev", &format!("120000 blob {target}\tlink\n"));
    let through = [(path("link/file"), b"x".to_vec())];
    let result = shop.repositories.write(&shop.name, &dev(), &through, now());
    assert!(
        matches!(result, Err(ResourceError::Obstructed { obstacle: Obstacle::SymbolicLink, .. })),
        "{result:?}"
    );
    shop.write(&dev(), "link", "plain");
    assert_eq!(shop.git(&["ls-tree", "--format=%(objectmode) %(path)", "dev"]), "100644 link");
    assert_eq!(shop.read(&dev(), "link", None), "plain");
}

#[test]
fn a_file_past_the_limit_is_refused() {
    let shop = Sockshop::new();
    let files = |bytes| [(path("big"), vec![0; bytes])];
    let write = |bytes| shop.repositories.write(&shop.name, &dev(), &files(bytes), now());
    let before = shop.git(&["rev-parse", "dev"]);
    assert!(matches!(write(RESOURCE_BYTES_MAX + 1), Err(ResourceError::TooLarge { .. })));
    assert_eq!(shop.git(&["rev-parse", "dev"]), before);
    write(RESOURCE_BYTES_MAX).unwrap();
    let read = shop.repositories.read(&shop.name, &dev(), &path("big"), None).unwrap();
    assert_eq!(read.len(), RESOURCE_BYTES_MAX);
}

#[test]
fn concurrent_writers_lose_nothing() {
    let shop = Sockshop::new();
    let before = shop.git(&["rev-parse", "dev"]);
    let mut answered: Vec<String> = thread::scope(|scope| {
        let writer = |writer| {
            let shop = &shop;
            move || -> Vec<String> {
                let file = format!("writer-{writer}");
                let write = |turn: u32| shop.write(&dev(), &file, &turn.to_string()).to_string();
                (0..10).map(write).collect()
            }
        };
        let writers: Vec<_> = (0..8).map(|n| scope.spawn(writer(n))).collect();
        writers.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    let log = shop.git(&["rev-list", "--first-parent", &format!("{before}..dev")]);
    let mut commits: Vec<String> = log.lines().map(str::to_owned).collect();
    assert_eq!(commits.len(), 80);
    commits.sort();
    answered.sort();
    assert_eq!(commits, answered);
    for writer in 0..8 {
        assert_eq!(shop.read(&dev(), &format!("writer-{writer}"), None), "9");
        let own = shop.git(&["log", "--format=%s", "dev", "--", &format!("writer-{writer}")]);
        assert_eq!(own.lines().count(), 10, "each value was on the branch in its turn");
    }
}

#[test]
fn another_program_that_writes_to_the_branch_loses_nothing_either() {
    const EACH: usize = 20;
    let shop = Sockshop::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut pushed = 0;
            while pushed < EACH {
                let tip = shop.git(&["rev-parse", "dev"]);
                let tree = format!("{tip}^{{tree}}");
                let commit = shop.git(&["commit-tree", "-p", &tip, "-m", "foreign", &tree]);
                let update = ["update-ref", "refs/heads/dev", &commit, &tip];
                pushed += usize::from(git(&shop.dir(), &update, "").is_ok());
            }
        });
        for turn in 0..EACH {
            shop.write(&dev(), "ours", &turn.to_string());
        }
    });
    let log = shop.git(&["log", "--first-parent", "--format=%s", "dev"]);
    let count = |message| log.lines().filter(|line| *line == message).count();
    assert_eq!((count("foreign"), count("Updated resource")), (EACH, EACH));
}

#[test]
fn the_archive_of_a_chart_is_kept_as_files_and_read_as_an_archive() {
    let shop = Sockshop::new().with_service("carts");
    let chart = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| (path(name), text.as_bytes().to_vec()));
        chart::pack("whatever", &files.collect()).unwrap()
    };
    let write = |archive| {
        let files = [(path("helm/carts.tgz"), archive), (path("slo.yaml"), Vec::new())];
        shop.repositories.write(&shop.name, &carts(), &files, now())
    };
    let first = write(chart(&[("Chart.yaml", "1"), ("templates/a.yaml", "2")])).unwrap();
    write(chart(&[("Chart.yaml", "3")])).unwrap();
    assert_eq!(
        shop.git(&["diff-tree", "-r", "--name-status", "dev~1", "dev"]),
        "M\tcarts/helm/carts/Chart.yaml\nD\tcarts/helm/carts/templates/a.yaml"
    );
    let read = |at| shop.repositories.read(&shop.name, &carts(), &path("helm/carts.tgz"), at);
    let mut left = usize::MAX / 2;
    let files = chart::unpack(&read(None).unwrap(), &mut left).unwrap();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [(path("Chart.yaml"), b"3".to_vec())]);
    // Keptn 1.4 packs only what is newest.
    assert!(matches!(read(Some(&first)), Err(ResourceError::NotFound { .. })));
    assert_eq!(shop.read(&carts(), "helm/carts/templates/a.yaml", Some(&first)), "2");
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");

    let before = shop.git(&["rev-parse", "dev"]);
    let error = write(b"no archive".to_vec()).unwrap_err().to_string();
    assert!(error.starts_with("helm/carts.tgz is not the archive of a chart: it"), "{error}");
    assert_eq!(shop.git(&["rev-parse", "dev"]), before);

    shop.repositories.delete(&shop.name, &carts(), &path("helm/carts.tgz"), now()).unwrap();
    assert!(matches!(read(None), Err(ResourceError::NotFound { .. })));
}

#[test]
fn a_chart_takes_the_place_of_an_archive_that_somebody_pushed() {
    let shop = Sockshop::new();
    let blob = shop.blob("raw");
    let helm = shop.tree(&format!("100644 blob {blob}\tcarts.tgz\n"));
    shop.push_tree("dev", &format!("040000 tree {helm}\thelm\n"));
    assert_eq!(shop.read(&dev(), "helm/carts.tgz", None), "raw");
    let archive = chart::pack("carts", &[(path("Chart.yaml"), Vec::new())].into()).unwrap();
    let files = [(path("helm/carts.tgz"), archive)];
    shop.repositories.write(&shop.name, &dev(), &files, now()).unwrap();
    assert_eq!(shop.git(&["ls-tree", "-r", "--name-only", "dev"]), "helm/carts/Chart.yaml");
}

#[test]
fn an_archive_elsewhere_is_a_file_like_any_other() {
    let shop = Sockshop::new();
    shop.write(&dev(), "charts/carts.tgz", "no archive");
    assert_eq!(shop.read(&dev(), "charts/carts.tgz", None), "no archive");
}

#[test]
fn too_many_files_at_once_are_refused() {
    let shop = Sockshop::new();
    let files: Vec<_> =
        (0..=super::WRITE_FILES_MAX).map(|n| (path(&format!("f{n}")), Vec::new())).collect();
    let error = shop.repositories.write(&shop.name, &dev(), &files, now()).unwrap_err();
    assert!(matches!(error, ResourceError::TooManyAtOnce(1001)), "{error}");
}

#[test]
fn the_default_branch_is_no_stage() {
    let shop = Sockshop::new();
    let master = Place::Stage(stage("master"));
    let error = shop.repositories.write(&shop.name, &master, &[(path("a"), vec![])], now());
    assert!(matches!(error, Err(ResourceError::StageNotFound { .. })), "{error:?}");
    let error = shop.repositories.read(&shop.name, &master, &path("shipyard.yaml"), None);
    assert!(matches!(error, Err(ResourceError::StageNotFound { .. })), "{error:?}");
}
