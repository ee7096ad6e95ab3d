use std::io::Write as _;

use super::hook::pre_receive;
use super::{GitService, Hosting, PackLimits, service_line};
use crate::error::ResourceError;
use crate::fixture::{Sockshop, dev};

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages: [{name: dev, sequences: [{name: delivery, tasks: [{name: deployment}]}]}]
";

/// What the hook says to a push of one commit to a branch; none where it is accepted.
fn judged(shop: &Sockshop, reference: &str, new: &str) -> Option<String> {
    let old = "0".repeat(40);
    let (input, mut said) = (format!("{old} {new} {reference}\n"), Vec::new());
    let accepted = pre_receive(&shop.dir(), None, input.as_bytes(), &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(accepted, said.is_empty(), "{said}");
    (!accepted).then_some(said)
}

/// A commit on nothing whose tree is made of lines for `git mktree`.
fn commit(shop: &Sockshop, entries: &str) -> String {
    let tree = shop.tree(entries);
    shop.git(&["commit-tree", "-m", "pushed", &tree])
}

fn with_shipyard(shop: &Sockshop, text: &str) -> String {
    commit(shop, &format!("100644 blob {}\tshipyard.yaml\n", shop.blob(text)))
}

#[test]
fn only_the_default_branch_needs_a_shipyard() {
    let shop = Sockshop::new();
    let (good, without) = (with_shipyard(&shop, SHIPYARD), commit(&shop, ""));
    assert_eq!(judged(&shop, "refs/heads/master", &good), None);
    assert_eq!(judged(&shop, "refs/heads/dev", &without), None);
    assert_eq!(judged(&shop, "refs/heads/feature/x", &without), None);
    assert_eq!(judged(&shop, "refs/tags/v1", &without), None);
    let said = judged(&shop, "refs/heads/master", &without).unwrap();
    assert_eq!(said, "shipyard.yaml: it is missing, and no sequence could run\n");
}

#[test]
fn a_shipyard_is_refused_with_all_that_is_wrong() {
    let shop = Sockshop::new();
    let text = SHIPYARD.replace("name: delivery", "nam: delivery");
    let said = judged(&shop, "refs/heads/master", &with_shipyard(&shop, &text)).unwrap();
    assert!(said.starts_with("shipyard.yaml:3:"), "{said}");
    let text = SHIPYARD.replace("tasks", "task");
    let said = judged(&shop, "refs/heads/master", &with_shipyard(&shop, &text)).unwrap();
    assert_eq!(said, "shipyard.yaml:3:53: unknown key `task`; did you mean `tasks`?\n");
    let link = commit(&shop, &format!("120000 blob {}\tshipyard.yaml\n", shop.blob("/etc/passwd")));
    let said = judged(&shop, "refs/heads/master", &link).unwrap();
    assert!(said.contains("links are not followed"), "{said}");
    let large = with_shipyard(&shop, &"#".repeat(2 * 1024 * 1024));
    assert!(judged(&shop, "refs/heads/master", &large).unwrap().contains("is larger than"));
    let deep = with_shipyard(&shop, &format!("a: {}", "[".repeat(100_000)));
    assert!(judged(&shop, "refs/heads/master", &deep).is_some());
}

#[test]
fn what_is_no_branch_of_commits_is_refused() {
    let shop = Sockshop::new();
    let blob = shop.blob("x");
    assert!(judged(&shop, "refs/heads/dev", &blob).unwrap().contains("must be at a commit"));
    let good = with_shipyard(&shop, SHIPYARD);
    for reference in ["refs/notes/x", "refs/tidegate/keep/1", "HEAD", "refs/changes/1"] {
        let said = judged(&shop, reference, &good).unwrap();
        assert!(said.contains("push branches and tags only"), "{said}");
    }
    let said = judged(&shop, "refs/heads/dev", &"0".repeat(40)).unwrap();
    assert!(said.contains("cannot be deleted"), "{said}");
}

#[test]
fn too_many_branches_are_refused_and_the_answer_stays_short() {
    let shop = Sockshop::new();
    let good = with_shipyard(&shop, SHIPYARD);
    let line = |n| format!("{} {good} refs/heads/b{n}\n", "0".repeat(40));
    let input: String = (0..=super::hook::REFS_MAX).map(line).collect();
    let mut said = Vec::new();
    assert!(!pre_receive(&shop.dir(), None, input.as_bytes(), &mut said).unwrap());
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("this project would have more than 10000 branches"), "{said}");
    let input: String = (0..1000).map(|n| line(n).replace("heads", "other")).collect();
    let mut said = Vec::new();
    pre_receive(&shop.dir(), None, input.as_bytes(), &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.ends_with("and 980 more\n") && said.lines().count() == 21, "{said}");
}

#[test]
fn what_git_does_not_say_is_an_error_and_nothing_is_accepted() {
    let shop = Sockshop::new();
    for input in ["x\n", "a b c\n", &format!("{} zz refs/heads/dev\n", "0".repeat(40))] {
        assert!(pre_receive(&shop.dir(), None, input.as_bytes(), Vec::new()).is_err(), "{input}");
    }
}

#[test]
fn the_first_line_names_the_service() {
    let line = service_line(GitService::UploadPack);
    assert_eq!(line, b"001e# service=git-upload-pack\n0000");
    assert_eq!(GitService::named("git-receive-pack"), Some(GitService::ReceivePack));
    assert_eq!(GitService::named("git-shell"), None);
}

#[tokio::test]
async fn a_request_that_is_no_push_is_refused_and_never_hangs() {
    let shop = Sockshop::new();
    let program = std::env::current_exe().unwrap();
    let hosting = Hosting::new(shop.repositories.clone(), program).unwrap();
    let unknown_digests = format!(
        "0077{} {} refs/heads/x\0object-format=sha256\n0000",
        "0".repeat(40),
        "1".repeat(40)
    );
    for (garbage, is_push) in [
        (&b""[..], false),
        (b"0000", true),
        (b"garbage", false),
        (b"000", false),
        (b"0009push0000", false),
        (b"0032", false),
        (b"ffff", false),
        (b"\x89PNG\r\n\x1a\n", false),
        (unknown_digests.as_bytes(), false),
        (&[0xff; 4096], false),
    ] {
        let mut request = tempfile::tempfile().unwrap();
        request.write_all(garbage).unwrap();
        std::io::Seek::rewind(&mut request).unwrap();
        let (hosting, name) = (hosting.clone(), shop.name.clone());
        let received = tokio::task::spawn_blocking(move || hosting.receive(&name, request));
        let received = received.await.unwrap().unwrap();
        assert_eq!(received.moved, []);
        match received.answer {
            Ok(_) => assert!(is_push, "{garbage:?}"),
            Err(ResourceError::NotAPush) => assert!(!is_push, "{garbage:?}"),
            Err(error) => panic!("{garbage:?}: {error}"),
        }
    }
    assert_eq!(shop.repositories.projects().unwrap(), std::slice::from_ref(&shop.name));
}

#[tokio::test]
async fn many_objects_become_one_pack_and_all_of_them_are_there() {
    let shop = Sockshop::new().with_service("carts");
    let hosting = Hosting::new(shop.repositories.clone(), "/nowhere".into()).unwrap();
    let pack = async |limits| {
        let (hosting, name) = (hosting.clone(), shop.name.clone());
        tokio::task::spawn_blocking(move || hosting.pack(&name, limits)).await.unwrap().unwrap()
    };
    let files = || {
        let count = shop.git(&["count-objects", "-v"]);
        let number = |key: &str| {
            let line = count.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().parse::<usize>().unwrap()
        };
        (number("count:"), number("packs:"))
    };
    let mut commits = Vec::new();
    for round in 0..3 {
        for n in 0..20 {
            commits.push(shop.write(&dev(), "slo.yaml", &format!("{round}.{n}")));
        }
        assert!(files().0 >= 60, "{:?}", files());
        assert!(!pack(PackLimits::default()).await, "so few stay as they are");
        assert!(pack(PackLimits { loose: 0, packs: 0 }).await);
        assert_eq!(files(), (0, 1));
    }
    for (n, commit) in commits.iter().enumerate() {
        let expected = format!("{}.{}", n / 20, n % 20);
        assert_eq!(shop.read(&dev(), "slo.yaml", Some(commit)), expected);
    }
    // Nothing new: the pack that is there stays.
    assert!(pack(PackLimits { loose: 0, packs: 0 }).await);
    assert_eq!(files(), (0, 1));
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[tokio::test]
async fn what_a_push_that_was_cut_off_has_left_is_packed_and_not_lost() {
    let shop = Sockshop::new().with_service("carts");
    let hosting = Hosting::new(shop.repositories.clone(), "/nowhere".into()).unwrap();
    let pack = async || {
        let (hosting, name) = (hosting.clone(), shop.name.clone());
        let limits = PackLimits { loose: 0, packs: 0 };
        tokio::task::spawn_blocking(move || hosting.pack(&name, limits)).await.unwrap().unwrap()
    };
    pack().await;
    let packs = shop.dir().join("objects/pack");
    let kept = std::fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> =
        kept.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect();
    std::fs::write(kept[0].with_extension("keep"), "receive-pack 4242 on nowhere\n").unwrap();
    std::fs::write(packs.join("tmp_pack_x"), "half").unwrap();
    std::fs::write(packs.join(".tmp-7-pack-x.pack"), "half").unwrap();
    std::fs::create_dir(shop.dir().join("objects/tmp_objdir-incoming-x")).unwrap();
    let newest = shop.write(&dev(), "slo.yaml", "1");
    pack().await;
    assert_eq!(shop.read(&dev(), "slo.yaml", Some(&newest)), "1");
    assert_eq!(shop.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
    let left = std::fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    assert!(
        left.iter().all(|name| name.starts_with("pack-") && !name.ends_with(".keep")),
        "{left:?}"
    );
    assert!(!shop.dir().join("objects/tmp_objdir-incoming-x").exists());
}

#[tokio::test]
async fn without_a_hook_nothing_is_received() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Sockshop::new();
    let hosting = Hosting::new(shop.repositories.clone(), "/nowhere".into()).unwrap();
    let hook = shop.root().join("hooks/pre-receive");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (request, name) = (hosting.request_file().unwrap(), shop.name.clone());
    let received = tokio::task::spawn_blocking(move || hosting.receive(&name, request));
    let error = received.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("cannot be executed"), "{error}");
}

#[test]
fn what_is_too_large_to_be_read_again_and_again_is_refused() {
    let shop = Sockshop::new();
    let tree = shop.tree("");
    let message = "x".repeat(2 * 1024 * 1024);
    let file = shop.root().join("message");
    std::fs::write(&file, message).unwrap();
    let large = shop.git(&["commit-tree", "-F", file.to_str().unwrap(), &tree]);
    let said = judged(&shop, "refs/heads/dev", &large).unwrap();
    assert!(said.contains("of at most 1048576 bytes"), "{said}");
    let blob = shop.blob("x");
    let said = judged(&shop, "refs/tags/v1", &blob).unwrap();
    assert!(said.contains("a tag must be at a commit"), "{said}");
}
