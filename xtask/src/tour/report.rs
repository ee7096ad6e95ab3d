//! What happened, for whoever wants to read it: each step with every event of what it began.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The report of a tour.
#[derive(Default)]
pub(super) struct Report(String);

impl Report {
    /// Adds a step. Its events are newest first, a list for each context.
    pub(super) fn step(
        &mut self,
        title: &str,
        took: Duration,
        failure: Option<&str>,
        logs: &[(String, Vec<Value>)],
    ) {
        let text = &mut self.0;
        let how = failure.unwrap_or("passed");
        text.push_str(&format!("## {title}\n\n{how}, {:.1} s\n\n", took.as_secs_f64()));
        for (context, events) in logs {
            text.push_str(&format!(
                "{context}\n\n| time | type | stage | source | result | message |\n"
            ));
            text.push_str("|---|---|---|---|---|---|\n");
            for event in events.iter().rev() {
                text.push_str(&row(event));
            }
            text.push('\n');
        }
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, &self.0).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn row(event: &Value) -> String {
    let data = &event["data"];
    let mut row = "|".to_owned();
    let kind = event["type"].as_str().unwrap_or_default().trim_start_matches("sh.keptn.event.");
    let cells = [
        text(&event["time"]),
        kind,
        text(&data["stage"]),
        text(&event["source"]),
        text(&data["result"]),
        text(&data["message"]).lines().next().unwrap_or_default(),
    ];
    for cell in cells {
        let cell = cell.replace('|', "\\|");
        write!(row, " {cell} |").expect("a String takes every text");
    }
    row + "\n"
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_told_in_the_order_of_their_time_and_fit_into_the_table() {
        let event = |kind: &str, message: &str| {
            json!({"type": format!("sh.keptn.event.{kind}"), "time": "10:00", "source": "s",
                "data": {"stage": "qa", "result": "pass", "message": message}})
        };
        let mut report = Report::default();
        let events = vec![event("test.finished", "a|b\nc"), event("test.triggered", "")];
        report.step("step 2", Duration::from_millis(1_500), None, &[("id".to_owned(), events)]);
        let expected = "## step 2\n\npassed, 1.5 s\n\nid\n\n\
             | time | type | stage | source | result | message |\n|---|---|---|---|---|---|\n\
             | 10:00 | test.triggered | qa | s | pass |  |\n\
             | 10:00 | test.finished | qa | s | pass | a\\|b |\n\n";
        assert_eq!(report.0, expected);
    }
}
