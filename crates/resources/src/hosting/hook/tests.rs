//! Files of gates and remediations in a push.

use super::pre_receive;
use crate::fixture::Sockshop;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages: [{name: dev, sequences: [{name: delivery, tasks: [{name: deployment}]}]}]
";
const SLO: &str = "\
objectives: [{sli: error_rate, pass: [{criteria: ['<1']}]}]
total_score: {pass: 90%}
";
const BROKEN: &str = "objectives: 7\n";

/// What the hook says to a push, and whether it is accepted.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    accepted: bool,
    lines: Vec<String>,
}

fn push(shop: &Sockshop, old: Option<&str>, new: &str, branch: &str) -> Said {
    let zero = "0".repeat(40);
    let input = format!("{} {new} refs/heads/{branch}\n", old.unwrap_or(&zero));
    let mut said = Vec::new();
    let accepted = pre_receive(&shop.dir(), None, input.as_bytes(), &mut said).unwrap();
    let lines = String::from_utf8(said).unwrap().lines().map(str::to_owned).collect();
    Said { accepted, lines }
}

/// A commit of these files.
fn commit(shop: &Sockshop, files: &[(&str, &str)]) -> String {
    let tree = tree(shop, files);
    shop.git(&["commit-tree", "-m", "pushed", &tree])
}

fn tree<'a>(shop: &Sockshop, files: &[(&'a str, &'a str)]) -> String {
    let mut entries = String::new();
    let mut left = files.to_vec();
    while let Some((path, content)) = left.first().copied() {
        let Some((directory, _)) = path.split_once('/') else {
            entries.push_str(&format!("100644 blob {}\t{path}\n", shop.blob(content)));
            left.remove(0);
            continue;
        };
        let prefix = format!("{directory}/");
        let below = |(path, content): &(&'a str, &'a str)| {
            path.strip_prefix(prefix.as_str()).map(|path| (path, *content))
        };
        let inside: Vec<_> = left.iter().filter_map(below).collect();
        entries.push_str(&format!("040000 tree {}\t{directory}\n", tree(shop, &inside)));
        left.retain(|file| below(file).is_none());
    }
    shop.tree(&entries)
}

fn dev(shop: &Sockshop, files: &[(&str, &str)]) -> Said {
    push(shop, None, &commit(shop, files), "dev")
}

#[test]
fn what_no_gate_and_no_remediation_can_work_with_is_refused_with_its_place() {
    let shop = Sockshop::new();
    for (path, content, line) in [
        ("carts/slo.yaml", BROKEN, "carts/slo.yaml:1:13: objectives must be a list"),
        ("carts/slo.yaml", "~", "carts/slo.yaml:1:1: the file is null"),
        ("carts/prometheus/sli.yaml", "indicators: [a]\n", "carts/prometheus/sli.yaml:1:13: "),
        ("prometheus/sli.yaml", "indicators: {a: [b]}\n", "prometheus/sli.yaml:1:17: the query of"),
        ("job/sli.yaml", "indicators: 7\n", "job/sli.yaml:1:13: indicators must be a mapping"),
        ("carts/http-json/sli.yaml", "indicators: 7\n", "carts/http-json/sli.yaml:1:13: "),
        (
            "carts/remediation.yaml",
            "spec: {}\n",
            "carts/remediation.yaml:1:1: apiVersion is missing",
        ),
    ] {
        let said = dev(&shop, &[(path, content)]);
        assert!(!said.accepted, "{path}");
        assert_eq!(said.lines.len(), 1, "{said:?}");
        assert!(said.lines[0].starts_with(line), "{said:?}");
        assert!(said.lines[0].ends_with(" (branch dev)"), "{said:?}");
    }
    let large = "#".repeat(2 * 1024 * 1024);
    let said = dev(&shop, &[("carts/slo.yaml", &large)]);
    assert_eq!(said.lines, ["carts/slo.yaml: it is larger than 1048576 bytes (branch dev)"]);
    let deep = format!("a: {}", "[".repeat(100_000));
    assert!(!dev(&shop, &[("carts/slo.yaml", &deep)]).accepted);
}

#[test]
fn what_nobody_can_have_meant_is_told_and_taken() {
    let shop = Sockshop::new();
    let odd = SLO.replace("total_score", "totalscore");
    let said = dev(&shop, &[("carts/slo.yaml", &odd), ("cart s/slo.yaml", BROKEN)]);
    assert!(said.accepted, "{said:?}");
    assert_eq!(said.lines.len(), 2, "{said:?}");
    assert!(said.lines[0].starts_with("warning: carts/slo.yaml:1:1: no target score"), "{said:?}");
    assert!(said.lines[1].starts_with("warning: carts/slo.yaml:2:1: unknown key"), "{said:?}");
    let misspelt = "apiVersion: spec.keptn.sh/0.1.4\nspec:\n  remediations:\n  - problemType: slow\n    \
                    actionOnOpen: [{action: scale}]\n";
    let said = dev(&shop, &[("carts/remediation.yaml", misspelt)]);
    assert_eq!((said.accepted, said.lines.len()), (true, 2), "{said:?}");
    let line = "warning: carts/remediation.yaml:5:5: unknown key `actionOnOpen`; did you mean";
    assert!(said.lines[1].starts_with(line), "{said:?}");
    let queries = "indicators: {slow: 'k6:summary.json'}\n";
    let said = dev(&shop, &[("carts/job/sli.yaml", queries)]);
    assert!(said.accepted, "{said:?}");
    assert!(said.lines[0].starts_with("warning: carts/job/sli.yaml:1:20: slow: "), "{said:?}");
    let queries = "indicators:\n  good: 'm:q?s=$SERVICE#$.v'\n  bad: 'm:a/../../admin#$.v'\n";
    for path in ["http-json/sli.yaml", "carts/http-json/sli.yaml"] {
        let said = dev(&shop, &[(path, queries)]);
        assert!(said.accepted && said.lines.len() == 1, "{said:?}");
        let line = format!("warning: {path}:3:8: bad: \"m:a/../../admin#$.v\" is no query");
        assert!(said.lines[0].starts_with(&line), "{said:?}");
        assert!(said.lines[0].contains("leads out of the endpoint"), "{said:?}");
    }
    let several = "indicators:\n  a: 'json:x.json#$.a'\n---\nother: 1\n";
    let said = dev(&shop, &[("carts/job/sli.yaml", several)]);
    let line = "warning: carts/job/sli.yaml:3:1: only the first document counts; take the others";
    assert!(said.accepted && said.lines.len() == 1, "{said:?}");
    assert!(said.lines[0].starts_with(line), "{said:?}");
    let link = format!("120000 blob {}\tslo.yaml\n", shop.blob("/etc/passwd"));
    let carts = shop.tree(&link);
    let root = shop.tree(&format!("040000 tree {carts}\tcarts\n"));
    let linked = shop.git(&["commit-tree", "-m", "pushed", &root]);
    let said = push(&shop, None, &linked, "dev");
    assert!(said.accepted && said.lines[0].contains("links are not followed"), "{said:?}");
    let good = dev(&shop, &[("carts/slo.yaml", SLO), ("carts/README.md", "{")]);
    assert_eq!(good, Said { accepted: true, lines: Vec::new() });
}

#[test]
fn what_was_there_before_keeps_nobody_from_pushing() {
    let shop = Sockshop::new();
    let old = commit(&shop, &[("carts/slo.yaml", BROKEN)]);
    let other = commit(&shop, &[("carts/slo.yaml", BROKEN), ("carts/helm/x.yaml", "1")]);
    assert!(push(&shop, Some(&old), &other, "dev").accepted);
    let gone = commit(&shop, &[("carts/README.md", "1")]);
    assert!(push(&shop, Some(&old), &gone, "dev").accepted);
    let renamed = commit(&shop, &[("orders/slo.yaml", BROKEN)]);
    assert!(!push(&shop, Some(&old), &renamed, "dev").accepted);
}

#[test]
fn a_branch_that_is_no_stage_may_hold_anything() {
    let shop = Sockshop::new();
    let master = commit(&shop, &[("shipyard.yaml", SHIPYARD)]);
    shop.git(&["update-ref", "refs/heads/master", &master]);
    let broken = commit(&shop, &[("carts/slo.yaml", BROKEN)]);
    assert!(push(&shop, None, &broken, "wip").accepted);
    assert!(!push(&shop, None, &broken, "dev").accepted);
    // A shipyard that comes with the push is the one that counts.
    let renamed = SHIPYARD.replace("name: dev,", "name: wip,");
    let renamed = commit(&shop, &[("shipyard.yaml", &renamed)]);
    let zero = "0".repeat(40);
    let input = format!("{master} {renamed} refs/heads/master\n{zero} {broken} refs/heads/wip\n");
    let mut said = Vec::new();
    assert!(!pre_receive(&shop.dir(), None, input.as_bytes(), &mut said).unwrap());
    assert!(String::from_utf8(said).unwrap().contains("(branch wip)"));
}

#[test]
fn the_projects_own_files_and_stages_that_are_directories_are_looked_at() {
    let shop = Sockshop::new();
    for (path, content, line) in [
        ("prometheus/sli.yaml", "indicators: 7\n", "prometheus/sli.yaml:1:13: "),
        (
            ".keptn-stages/dev/prometheus/sli.yaml",
            "indicators: 7\n",
            ".keptn-stages/dev/prometheus/",
        ),
        (".keptn-stages/dev/carts/slo.yaml", BROKEN, ".keptn-stages/dev/carts/slo.yaml:1:13: "),
    ] {
        let new = commit(&shop, &[("shipyard.yaml", SHIPYARD), (path, content)]);
        let said = push(&shop, None, &new, "master");
        assert!(!said.accepted && said.lines[0].starts_with(line), "{path}: {said:?}");
        assert_eq!(said.lines.len(), 1, "{said:?}");
    }
    // Services have no directories on the branch of the project.
    let new = commit(&shop, &[("shipyard.yaml", SHIPYARD), ("carts/slo.yaml", BROKEN)]);
    assert!(push(&shop, None, &new, "master").accepted);
}

#[test]
fn many_faults_are_told_in_few_lines() {
    let shop = Sockshop::new();
    let paths: Vec<String> = (0..50).map(|n| format!("service-{n}/slo.yaml")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), BROKEN)).collect();
    let said = dev(&shop, &files);
    assert_eq!((said.accepted, said.lines.len()), (false, 21));
    assert_eq!(said.lines[20], "and 30 more");
}
