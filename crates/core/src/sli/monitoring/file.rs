//! A plan as files of Prometheus: targets for `file_sd_configs`, alerts for `rule_files`.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Alert, Plan};

/// What begins a file that people may open.
const HEAD: &str =
    "# Written by Tidegate, and written again by `keptn configure monitoring prometheus`.\n";

impl Plan {
    /// The targets, as a list that a scrape job with `file_sd_configs` reads: each brings its own `job`, path,
    /// interval and limit. Prometheus sees a change by itself.
    #[must_use]
    pub fn targets_file(&self) -> String {
        let targets = self.targets.iter().map(|target| {
            json!({
                "targets": [target.address],
                "labels": {
                    "job": target.job,
                    "__metrics_path__": target.path,
                    "__scrape_interval__": duration(target.interval),
                    "__scrape_timeout__": duration(target.timeout),
                },
            })
        });
        let list = Value::Array(targets.collect());
        format!("{list:#}\n")
    }

    /// The alerts, as a file of rules. One without alerts has no groups, which Prometheus takes. It reads the
    /// file when it is told to reload.
    #[must_use]
    pub fn rules_file(&self) -> String {
        let mut text = HEAD.to_owned();
        if self.groups.is_empty() {
            text.push_str("groups: []\n");
            return text;
        }
        text.push_str("groups:\n");
        for group in &self.groups {
            line(&mut text, 2, "- name", &group.name);
            text.push_str("    rules:\n");
            for alert in &group.alerts {
                rule(&mut text, alert);
            }
        }
        text
    }
}

fn rule(text: &mut String, alert: &Alert) {
    line(text, 6, "- alert", &alert.indicator);
    line(text, 8, "expr", &alert.expression);
    line(text, 8, "for", &duration(alert.after));
    let scope = &alert.scope;
    text.push_str("        labels:\n");
    for (key, value) in [
        ("severity", "webhook"),
        ("pod_name", &format!("{}-primary", scope.service)),
        ("service", scope.service.as_str()),
        ("project", scope.project.as_str()),
        ("stage", scope.stage.as_str()),
        ("deployment", "primary"),
    ] {
        line(text, 10, key, value);
    }
    text.push_str("        annotations:\n");
    line(text, 10, "summary", &alert.indicator);
    // The plural is Keptn's.
    line(text, 10, "descriptions", "Pod name {{ $labels.pod_name }}");
}

/// A JSON text is a YAML text, whatever is in it.
fn line(text: &mut String, indent: usize, key: &str, value: &str) {
    let value = Value::from(value);
    writeln!(text, "{:indent$}{key}: {value}", "").expect("a String takes every text");
}

/// As Prometheus writes lengths of time, in whole milliseconds.
fn duration(length: Duration) -> String {
    match (length.as_secs(), length.subsec_millis()) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, millis) => format!("{}ms", seconds * 1000 + u64::from(millis)),
    }
}
