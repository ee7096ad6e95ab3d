//! What Keptn 1.4 takes without a word and nobody can have meant: misspelt keys, triggers that never
//! come, durations that are none. Whoever pushes a shipyard is told; one that is there already runs as
//! in Keptn.

use std::collections::BTreeSet;

use super::parse::{delay, field};
use crate::yaml::{self, Finding, Key, Node, Tree, meant, unknown_key};

/// Looks at a shipyard that [`super::Shipyard::parse`] has taken; of one that it has not, this may say
/// nothing. In the order of the file.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let Ok(file) = yaml::parse(text) else { return Vec::new() };
    let mut lint = Lint { sequences: BTreeSet::new(), findings: Vec::new() };
    lint.file(&file);
    let mut findings = lint.findings;
    findings.extend(yaml::several_documents(text));
    findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
    findings
}

struct Lint {
    /// `stage.sequence` of all there are.
    sequences: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Lint {
    fn file(&mut self, file: &Node) {
        self.keys(file, &["apiVersion", "kind", "metadata", "spec"]);
        let Some(spec) = find(file, "spec") else { return };
        self.keys(spec, &["stages"]);
        let stages = list(find(spec, "stages"));
        for stage in stages {
            for sequence in list(find(stage, "sequences")) {
                if let (Some(stage), Some(sequence)) = (name(stage), name(sequence)) {
                    self.sequences.insert(format!("{stage}.{sequence}"));
                }
            }
        }
        for stage in stages {
            self.keys(stage, &["name", "sequences"]);
            for sequence in list(find(stage, "sequences")) {
                self.keys(sequence, &["name", "triggeredOn", "tasks"]);
                for trigger in list(find(sequence, "triggeredOn")) {
                    self.trigger(trigger);
                }
                for task in list(find(sequence, "tasks")) {
                    self.task(task);
                }
            }
        }
    }

    fn trigger(&mut self, trigger: &Node) {
        self.keys(trigger, &["event", "selector"]);
        if let Some(selector) = find(trigger, "selector") {
            self.keys(selector, &["match"]);
        }
        let Some(event) = find(trigger, "event") else { return };
        let Tree::Text(text) = &event.tree else { return };
        let known =
            text.strip_suffix(".finished").is_some_and(|name| self.sequences.contains(name));
        if !known {
            let all = self.sequences.iter().map(|name| format!("{name}.finished"));
            let meant = meant(text, all);
            let problem =
                format!("{text:?} is the end of no sequence here, so it never comes{meant}");
            self.findings.push(Finding::new(event.place, problem));
        }
    }

    fn task(&mut self, task: &Node) {
        self.keys(task, &["name", "triggeredAfter", "properties"]);
        let Some(after) = find(task, "triggeredAfter") else { return };
        let Ok(text) = after.scalar("triggeredAfter") else { return };
        if delay(&text).is_none() {
            let problem =
                format!("{text:?} is no duration, so the task is not delayed; write 10m or 1h30m");
            self.findings.push(Finding::new(after.place, problem));
        }
    }

    fn keys(&mut self, node: &Node, known: &[&str]) {
        let unknown = |(key, _): &(Key, Node)| unknown_key(key.place, &key.text, known);
        self.findings.extend(entries(node).iter().filter_map(unknown));
    }
}

fn entries(node: &Node) -> &[(Key, Node)] {
    match &node.tree {
        Tree::Map(entries) => entries,
        _ => &[],
    }
}

fn find<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    field(entries(node), key)
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.tree) {
        Some(Tree::List(items)) => items,
        _ => &[],
    }
}

fn name(node: &Node) -> Option<String> {
    find(node, "name").and_then(|name| name.scalar("a name").ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        lint(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_key_is_found_with_what_was_meant() {
        let text = "\
apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata: {name: tour, anything: goes}
spec:
  stages:
    - name: qa
      sequnces:
        - name: delivery
    - name: production
      sequences:
        - name: delivery
          trigeredOn: [{event: qa.delivery.finished}]
          tasks:
            - name: approval
              propertys: {pass: manual}
            - name: deployment
              properties: {whatever: {is: here}}
              colour: red
";
        assert_eq!(
            found(text),
            [
                "7:7: unknown key `sequnces`; did you mean `sequences`?",
                "12:11: unknown key `trigeredOn`; did you mean `triggeredOn`?",
                "15:15: unknown key `propertys`; did you mean `properties`?",
                "18:15: unknown key `colour`",
            ]
        );
    }

    #[test]
    fn a_trigger_that_never_comes_and_a_duration_that_is_none_are_found() {
        let text = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{name: deployment, triggeredAfter: 10 minutes}]
    - name: production
      sequences:
        - name: delivery
          triggeredOn:
            - event: qa.delivry.finished
            - event: qa.delivery.started
            - event: qa.delivery.finished
              selector: {match: {result: pass}, mach: {}}
";
        assert_eq!(
            found(text),
            [
                "7:54: \"10 minutes\" is no duration, so the task is not delayed; write 10m or 1h30m",
                "12:22: \"qa.delivry.finished\" is the end of no sequence here, so it never comes; \
                 did you mean `qa.delivery.finished`?",
                "13:22: \"qa.delivery.started\" is the end of no sequence here, so it never comes; \
                 did you mean `qa.delivery.finished`?",
                "15:49: unknown key `mach`; did you mean `match`?",
            ]
        );
    }

    #[test]
    fn of_what_is_right_or_cannot_be_read_nothing_is_said() {
        for text in ["a: [", "7", "", "spec: {stages: 7}", "spec: {stages: [7, {sequences: [x]}]}"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
