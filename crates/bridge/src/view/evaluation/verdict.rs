//! What an evaluation says, in a heading and two sentences.

use jiff::Timestamp;
use tidegate_core::event::{Status as Done, TaskResult};
use tidegate_core::quality::{Slo, Targets};
use tidegate_core::yaml::Finding;

use super::judged::Judged;
use super::objective::{Objective, faults};
use crate::view::number::number;
use crate::view::svg::{Drawing, Look, Share, Svg};
use crate::view::{Status, Text, seconds_between, span};

/// How messages of Tidegate's gate begin a line about the file.
const ABOUT_THE_FILE: &str = "slo.yaml:";

/// What an evaluation says.
pub(crate) struct Verdict {
    pub(crate) status: Status,
    /// `Failed, 41.5 of 100`
    pub(crate) words: String,
    /// The limits of the total, and what was not met.
    pub(crate) lead: Text,
    /// Where the gate has decided otherwise than its objectives.
    pub(crate) apart: Option<&'static str>,
    pub(crate) bar: Option<Bar>,
    /// What else the gate has said.
    pub(crate) message: Text,
}

/// The score on its way from 0 to 100.
pub(crate) struct Bar {
    pub(crate) svg: Svg,
    /// The same in words.
    pub(crate) words: String,
}

impl Verdict {
    pub(crate) fn new(
        judged: &Judged,
        slo: Option<&Slo>,
        rows: &[Objective],
        findings: &[Finding],
    ) -> Self {
        let targets = slo.and_then(|slo| slo.total_score.ok());
        let score = judged.score();
        let words = match (judged.outcome.status, score) {
            (Done::Succeeded, Some(score)) => {
                format!("{}, {} of 100", judged.status().word(), number(score))
            }
            (Done::Succeeded, None) if judged.outcome.result == TaskResult::Pass => {
                "Passed without objectives".to_owned()
            }
            (Done::Succeeded, None) => format!("{}, nothing was judged", judged.status().word()),
            (Done::Aborted, _) => "Aborted".to_owned(),
            (Done::Errored | Done::Unknown, _) => "Failed, it could not be made".to_owned(),
        };
        let limits = targets.filter(|_| score.is_some()).map(|targets| limits(&targets));
        let parts = [limits.unwrap_or_default(), faults(rows)];
        let lead = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Self {
            status: judged.status(),
            words,
            lead: Text::line(lead),
            apart: apart(judged),
            bar: score.map(|score| bar(score, targets.as_ref(), judged.status())),
            message: Text::block(message(&judged.message, findings)),
        }
    }
}

fn limits(targets: &Targets) -> String {
    match targets.warning.filter(|warning| *warning < targets.pass) {
        Some(warning) => {
            format!(
                "It passes from {} on, and warns from {}.",
                number(targets.pass),
                number(warning)
            )
        }
        None => format!("It passes from {} on.", number(targets.pass)),
    }
}

/// Keptn 1.4: what the objectives say and what the gate says can differ.
fn apart(judged: &Judged) -> Option<&'static str> {
    let details = judged.details().filter(|details| details.indicator_results.is_some())?;
    if judged.outcome.status != Done::Succeeded || details.result == judged.outcome.result {
        return None;
    }
    Some(match details.result {
        TaskResult::Pass => {
            "By its objectives alone it would have passed; the message says what else counts."
        }
        TaskResult::Warning => {
            "By its objectives alone it would be a warning; the message says what else counts."
        }
        TaskResult::Fail => {
            "By its objectives alone it would have failed; the message says what else counts."
        }
    })
}

/// Findings are listed by themselves, with what the file says now and not what was cut for the message.
fn message(message: &str, findings: &[Finding]) -> String {
    let is_told = |line: &&str| !findings.is_empty() && line.starts_with(ABOUT_THE_FILE);
    message.lines().filter(|line| !is_told(line)).collect::<Vec<_>>().join("\n")
}

fn bar(score: f64, targets: Option<&Targets>, status: Status) -> Bar {
    let mut drawing = Drawing::begin("bar score");
    let whole = (Share::of(0, 1), Share::WHOLE);
    drawing.bar(Look { class: "ground", fill: None }, whole, (-6, 12), false);
    let class = match status.tone() {
        "pass" => "work t-pass",
        "warn" => "work t-warn",
        "fail" => "work t-fail",
        _ => "work t-quiet",
    };
    drawing.bar(Look { class, fill: None }, (Share::of(0, 1), share(score)), (-6, 12), false);
    let mut words = format!("Score {}", number(score));
    if let Some(targets) = targets {
        for (name, target) in [("warning", targets.warning), ("pass", Some(targets.pass))] {
            let Some(target) = target.filter(|target| target.is_finite()) else { continue };
            drawing.upright("limit", share(target));
            words.push_str(&format!(", {name} {}", number(target)));
        }
    }
    Bar { svg: drawing.finish(), words }
}

/// Per cents of the width. A score can lie beyond both ends, where weights are negative.
#[allow(clippy::cast_possible_truncation, reason = "it saturates, and is clamped")]
fn share(score: f64) -> Share {
    Share::of((score * 1000.0) as i64, 100_000)
}

/// From when to when was measured: as told, and how long that is.
pub(crate) fn timeframe(start: &str, end: &str) -> Option<(Text, Text, String)> {
    if start.is_empty() && end.is_empty() {
        return None;
    }
    let long = match (start.parse::<Timestamp>(), end.parse::<Timestamp>()) {
        (Ok(start), Ok(end)) => span(seconds_between(start, end)),
        _ => String::new(),
    };
    let told = |text: &str| match text.parse::<Timestamp>() {
        Ok(at) => Text::line(at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string()),
        Err(_) => Text::line(text),
    };
    Some((told(start), told(end), long))
}
