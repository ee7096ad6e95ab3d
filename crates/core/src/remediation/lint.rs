//! What Keptn 1.4 takes in a `remediation.yaml` without a word, and what then does not happen. Whoever writes
//! such a file is told; it is worked by as in Keptn.

use super::Remediations;
use crate::yaml::{self, Finding, Key, Node, Tree, field, unknown_key};

const FILE: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
const SPEC: [&str; 1] = ["remediations"];
const REMEDIATION: [&str; 2] = ["problemType", "actionsOnOpen"];
const ACTION: [&str; 4] = ["name", "action", "description", "value"];

/// Looks at a file that [`Remediations::parse`] has taken; of one that it has not, this says nothing. In the
/// order of the file.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let (Ok(_), Ok(file)) = (Remediations::parse(text), yaml::parse_file(text)) else {
        return Vec::new();
    };
    let mut lint = Lint::default();
    lint.file(&file);
    lint.findings.extend(yaml::several_documents(text));
    lint.findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
    lint.findings
}

#[derive(Default)]
struct Lint {
    findings: Vec<Finding>,
}

impl Lint {
    fn push(&mut self, node: &Node, problem: impl Into<String>) {
        self.findings.push(Finding::new(node.place, problem));
    }

    fn file(&mut self, file: &Node) {
        self.keys(file, &FILE);
        let spec = field(entries(file), "spec");
        let listed = spec.and_then(|spec| field(entries(spec), "remediations"));
        if let Some(spec) = spec {
            self.keys(spec, &SPEC);
        }
        let all = listed.map(items).unwrap_or_default();
        if all.is_empty() {
            let problem = "it has no remediations, so nothing is done about any problem; write them as a list \
                           below spec.remediations";
            self.push(listed.or(spec).unwrap_or(file), problem);
        }
        let mut types = Vec::<String>::new();
        for remediation in all {
            if let Some(kind) = self.remediation(remediation) {
                if types.contains(&kind) {
                    let problem = format!(
                        "only the first remediation for problems of type {kind:?} counts; add these \
                         actions to it, or take them away"
                    );
                    self.push(remediation, problem);
                }
                types.push(kind);
            }
        }
    }

    /// Its type; none where it is passed over.
    fn remediation(&mut self, node: &Node) -> Option<String> {
        self.keys(node, &REMEDIATION);
        let fields = entries(node);
        let Some(listed) = field(fields, "actionsOnOpen").filter(|node| node.tree != Tree::Null)
        else {
            let problem = "it does not say what to do, so it is passed over; write actionsOnOpen with a list \
                           of actions";
            self.push(node, problem);
            return None;
        };
        let actions = items(listed);
        if actions.is_empty() {
            let problem = "it has no actions, so a remediation of such a problem fails at once; write one, or \
                           take it away";
            self.push(listed, problem);
        }
        for action in actions {
            self.action(action);
        }
        let kind = text(fields, "problemType");
        if kind.is_empty() {
            let problem = "without a problemType it is for every problem that has no root cause, whatever its \
                           title; write problemType, or problemType: default for what nothing else is for";
            self.push(node, problem);
        }
        Some(kind)
    }

    fn action(&mut self, node: &Node) {
        self.keys(node, &ACTION);
        if text(entries(node), "action").is_empty() {
            let problem = "nobody can take it, so get-action ends errored here; write action: and the word \
                           that executors know it by, such as scale";
            self.push(node, problem);
        }
    }

    fn keys(&mut self, node: &Node, known: &[&str]) {
        let unknown = |(key, _): &(Key, Node)| unknown_key(key.place, &key.text, known);
        self.findings.extend(entries(node).iter().filter_map(unknown));
    }
}

fn entries(node: &Node) -> &[(Key, Node)] {
    node.entries("a mapping").unwrap_or_default()
}

fn items(node: &Node) -> &[Node] {
    node.items("a list").unwrap_or_default()
}

/// Empty where nothing is written.
fn text(fields: &[(Key, Node)], name: &str) -> String {
    let text = field(fields, name).and_then(|node| node.scalar(name).ok()).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        lint(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_that_means_what_it_says_is_left_alone() {
        let text = "\
apiVersion: spec.keptn.sh/0.1.4
kind: Remediation
metadata: { name: carts, anything: else }
spec:
  remediations:
    - problemType: slow
      actionsOnOpen:
        - { action: scale, name: S, description: d, value: { problemtype: 1 } }
    - problemType: default
      actionsOnOpen: [{ action: 7 }]
";
        assert_eq!(said(text), [""; 0]);
    }

    #[test]
    fn what_is_misspelt_is_told_with_what_was_meant_and_what_comes_of_it() {
        let text = "\
apiVersion: spec.keptn.sh/0.1.4
spec:
  remediations:
  - problemtype: slow
    actionOnOpen:
    - {action: scale}
  - problemType: slow
    actionsOnOpen:
    - {actoin: scale, name: x}
";
        let said = said(text);
        let starts = [
            "4:5: unknown key `problemtype`; did you mean `problemType`?",
            "4:5: it does not say what to do, so it is passed over; write actionsOnOpen",
            "5:5: unknown key `actionOnOpen`; did you mean `actionsOnOpen`?",
            "9:7: nobody can take it, so get-action ends errored here; write action: and",
            "9:8: unknown key `actoin`; did you mean `action`?",
        ];
        assert_eq!(said.len(), starts.len(), "{said:#?}");
        for (said, start) in said.iter().zip(starts) {
            assert!(said.starts_with(start), "{said}");
        }
    }

    #[test]
    fn what_has_no_effect_is_told_where_it_stands() {
        let head = "apiVersion: spec.keptn.sh/0.1.4\n";
        let list = format!("{head}spec:\n  remediations:\n");
        for (text, says) in [
            (head.to_owned(), "1:1: it has no remediations"),
            (format!("{head}spec: {{}}\n"), "2:7: it has no remediations"),
            (format!("{head}spec: {{remediations: []}}\n"), "2:22: it has no remediations"),
            (
                format!("{head}spec: {{remediation: [a]}}\n"),
                "2:8: unknown key `remediation`; did you mean `remediations`?",
            ),
            (
                format!("{list}  - {{problemType: a, actionsOnOpen: []}}\n"),
                "4:37: it has no actions, so a remediation of such a problem fails at once",
            ),
            (
                format!("{list}  - {{actionsOnOpen: [{{action: a}}]}}\n"),
                "4:5: without a problemType it is for every problem that has no root cause",
            ),
            (
                format!(
                    "{list}  - &r {{problemType: a, actionsOnOpen: [{{action: a}}]}}\n  - *r\n"
                ),
                "only the first remediation for problems of type \"a\" counts",
            ),
            (
                format!("{list}  - {{problemType: a, actionsOnOpen: [{{action: ' '}}]}}\n"),
                "4:38: nobody can take it",
            ),
        ] {
            let said = said(&text);
            assert!(said.iter().any(|one| one.contains(says)), "{text}: {said:#?}");
        }
    }

    #[test]
    fn of_a_file_that_cannot_be_read_nothing_is_said() {
        assert!(lint("spec: [").is_empty() && lint("kind: Remediation\n").is_empty());
    }
}
