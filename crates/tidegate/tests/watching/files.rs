//! What the dashboard and the rules ask a Prometheus for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use crate::exposition::{Exposition, Sample};

/// Labels that Prometheus adds itself.
const ADDED: [&str; 3] = ["instance", "job", "le"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every expression of the dashboard, those of its variables included.
pub(crate) fn dashboard() -> Vec<String> {
    let text =
        fs::read_to_string(root().join("deploy/grafana/tidegate.json")).expect("it is there");
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut found = Vec::new();
    collect(&dashboard, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if key == "expr" => found.push(text.to_owned()),
                    // `label_values(metric, label)`
                    Some(text) if key == "definition" => {
                        let inner = text.trim_start_matches("label_values(").trim_end_matches(')');
                        let (metric, label) = inner.rsplit_once(", ").expect("metric and label");
                        found.push(format!("sum by ({label}) ({metric})"));
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn rules_text() -> String {
    fs::read_to_string(root().join("deploy/prometheus/tidegate.rules.yaml")).expect("it is there")
}

/// Every expression of the rules.
pub(crate) fn rules() -> Vec<String> {
    let text = rules_text();
    let rules = text.split("expr:").skip(1);
    // What follows an expression are further keys of its rule.
    rules.map(|rest| rest.split("labels:").next().unwrap_or_default().replace('\n', " ")).collect()
}

/// The names of the alerts.
pub(crate) fn alert_names() -> Vec<String> {
    let text = rules_text();
    text.lines()
        .filter_map(|line| Some(line.trim().strip_prefix("- alert: ")?.to_owned()))
        .collect()
}

/// What an expression uses.
pub(crate) struct Used {
    pub(crate) selectors: Vec<Selector>,
    /// The labels that it groups by.
    pub(crate) grouped: BTreeSet<String>,
}

/// A metric, and what its labels shall be.
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
}

impl Used {
    pub(crate) fn of(expression: &str) -> Self {
        let names =
            Regex::new(r"\b((?:tidegate|process)_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?").expect("valid");
        let label = Regex::new(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#).expect("valid");
        let group = Regex::new(r"\b(?:by|on|without)\s*\(([^)]*)\)").expect("valid");
        let selectors = names.captures_iter(expression).map(|found| {
            let inside = found.get(2).map_or("", |labels| labels.as_str());
            let labels = label.captures_iter(inside);
            let labels = labels.map(|label| (label[1].to_owned(), label[2].to_owned())).collect();
            Selector { name: found[1].to_owned(), labels }
        });
        let grouped = group.captures_iter(expression).flat_map(|found| {
            let labels = found[1].split(',').map(|label| label.trim().to_owned());
            labels.filter(|label| !label.is_empty()).collect::<Vec<_>>()
        });
        Self { selectors: selectors.collect(), grouped: grouped.collect() }
    }
}

/// The metric has the label; and of a label with few values, each that is named.
pub(crate) fn check_label(samples: &[&Sample], label: &str, values: &str, place: &str) {
    if ADDED.contains(&label) {
        return;
    }
    let known: BTreeSet<&str> =
        samples.iter().filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect();
    assert!(!known.is_empty(), "no label {label} for {place}");
    if label == "age" {
        for value in values.split('|') {
            assert!(known.contains(value), "no {label} {value} for {place}: {known:?}");
        }
    }
}

/// A label that an expression groups by is one of what it asks for.
pub(crate) fn check_grouped(shown: &Exposition, used: &Used, label: &str, expression: &str) {
    let has =
        |name: &str| shown.samples(name).iter().any(|sample| sample.labels.contains_key(label));
    let known = ADDED.contains(&label) || used.selectors.iter().any(|selector| has(&selector.name));
    assert!(known, "nothing has the label {label} of {expression}");
}
