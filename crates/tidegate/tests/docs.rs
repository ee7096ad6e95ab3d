//! What the documents say about the tree is true.

use std::path::Path;

/// Every path and every function that `docs/architecture.md` names is there.
#[test]
fn the_architecture_page_names_only_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/architecture.md")).expect("the page");
    let mut paths = 0;
    for quoted in page.split('`').skip(1).step_by(2) {
        let is_path = quoted.starts_with("crates/") || quoted == "xtask";
        if is_path {
            assert!(root.join(quoted).exists(), "docs/architecture.md names {quoted}");
            paths += 1;
        }
    }
    assert!(paths > 30, "the page still names its paths in back quotes ({paths})");
    for (file, function) in [
        ("crates/core/src/sequence/vote.rs", "fn on_route("),
        ("crates/core/src/sequence/vote.rs", "fn by_event("),
        ("crates/core/src/sequence/vote.rs", "fn decide("),
        ("crates/core/src/approval/strategy.rs", "fn judge("),
        ("crates/core/src/sequence/ask.rs", "fn ask("),
        ("crates/core/src/sequence/lane.rs", "fn admit("),
        ("crates/core/src/sequence/control.rs", "fn control("),
        ("crates/core/src/sequence/complete.rs", "fn complete("),
        ("crates/engine/src/handle.rs", "fn vote("),
        ("crates/engine/src/handle.rs", "fn accept("),
        ("crates/engine/src/driver.rs", "fn turn("),
        ("crates/engine/src/machine.rs", "fn batch("),
    ] {
        assert!(page.contains(file), "the page still names {file}");
        let text = std::fs::read_to_string(root.join(file)).expect(file);
        let name = function.trim_start_matches("fn ").trim_end_matches('(');
        assert!(page.contains(name), "the page still names {name}");
        assert!(text.contains(function), "{file} has {function}");
    }
}

/// Every fault names tests, and each of them is there.
#[test]
fn the_page_of_faults_names_only_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/reference/faults.md")).expect("the page");
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        rows += 1;
        let cell = row.rsplit('|').nth(1).expect("a cell of tests");
        let quoted: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!quoted.is_empty() && quoted.len().is_multiple_of(2), "{row}");
        for pair in quoted.chunks(2) {
            let text = std::fs::read_to_string(root.join(pair[0])).expect(pair[0]);
            assert!(text.contains(&format!("fn {}(", pair[1])), "{} has {}", pair[0], pair[1]);
        }
    }
    assert!(rows > 20, "the table is still there ({rows})");
}

/// Every check in a browser names its file, and is declared there under its name.
#[test]
fn the_page_of_browser_checks_names_only_checks_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = root.join("docs/reference/browser-checks.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        rows += 1;
        let cell = row.split('|').nth(3).expect("a cell of checks");
        let quoted: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!quoted.is_empty() && quoted.len().is_multiple_of(2), "{row}");
        for pair in quoted.chunks(2) {
            let text = std::fs::read_to_string(root.join(pair[0])).expect(pair[0]);
            let is_declared = ['\'', '"']
                .iter()
                .any(|quote| text.contains(&format!("{quote}{}{quote}", pair[1])));
            assert!(is_declared, "{} declares {:?}", pair[0], pair[1]);
        }
    }
    assert!(rows > 25, "the table is still there ({rows})");
}

/// Links between documents lead somewhere.
#[test]
fn links_between_documents_lead_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/decisions/README.md"];
    for page in pages {
        let file = root.join(page);
        let text = std::fs::read_to_string(&file).expect(page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let folder = file.parent().expect("a page has a folder");
            assert!(folder.join(target).exists(), "{page} links to {target}");
        }
    }
}
