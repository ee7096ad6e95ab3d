//! What Keptn 1.4 takes in an `slo.yaml` without a word, and judges otherwise than it reads. Whoever writes
//! such a file is told; it is evaluated as in Keptn.

mod criteria;
mod objectives;
#[cfg(test)]
mod tests;

use super::slo::{Fields, decode, is_null};
use super::{Aggregate, Comparison, Include, NumberError, Slo, Targets, TargetsError};
use crate::go::float_text;
use crate::yaml::source::{Content, Written, first_document, further_document};
use crate::yaml::{Finding, Place, meant, unknown_key};

const FILE: [&str; 5] = ["spec_version", "filter", "comparison", "objectives", "total_score"];
const COMPARISON: [&str; 4] = [
    "compare_with",
    "include_result_with_score",
    "number_of_comparison_results",
    "aggregate_function",
];
const TOTAL: [&str; 2] = ["pass", "warning"];

/// Looks at a file that [`Slo::parse`] has taken; of one that it has not, this says nothing. In the order of
/// the file.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let (Ok(slo), Ok(file)) = (Slo::parse(text), first_document(text)) else { return Vec::new() };
    let mut lint = Lint { findings: Vec::new() };
    let start = Place { line: 1, column: 1 };
    if text.is_empty() {
        let problem = "an empty file counts as none, so every evaluation passes with score 0; write \
                       objectives and a total_score";
        lint.push(start, problem);
        return lint.findings;
    }
    let fields = Fields::known(file.as_ref());
    lint.keys(file.as_ref(), &FILE);
    if let Some(comparison) = fields.find("comparison").filter(|node| !is_null(node)) {
        lint.comparison(comparison, &slo.comparison);
    }
    let listed = fields.find("objectives");
    lint.objectives(listed.map_or(start, |node| node.place), listed, &slo);
    lint.total(start, fields.find("total_score"), &slo);
    if let Some(place) = further_document(text) {
        lint.push(place, "only the first document counts; take the others away");
    }
    let mut findings = lint.findings;
    findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
    findings
}

struct Lint {
    findings: Vec<Finding>,
}

fn items(node: Option<&Written>) -> &[Written] {
    match node.map(|node| &node.content) {
        Some(Content::List(items)) => items,
        _ => &[],
    }
}

/// Empty where nothing is written.
fn text(node: &Written) -> String {
    decode::text(node, "a text").ok().flatten().unwrap_or_default()
}

impl Lint {
    fn push(&mut self, place: Place, problem: impl Into<String>) {
        self.findings.push(Finding::new(place, problem));
    }

    fn keys(&mut self, node: Option<&Written>, known: &[&str]) {
        let Some(Content::Map(entries)) = node.map(|node| &node.content) else { return };
        let names = entries.iter().map(|(key, _)| (key.place, text(key)));
        let unknown = names.filter(|(_, name)| name != "<<");
        self.findings.extend(unknown.filter_map(|(place, name)| unknown_key(place, &name, known)));
    }

    fn comparison(&mut self, node: &Written, comparison: &Comparison) {
        self.keys(Some(node), &COMPARISON);
        let fields = Fields::known(Some(node));
        let place = |name| fields.find(name).map_or(node.place, |node| node.place);
        let with = fields.find("compare_with").map(text).unwrap_or_default();
        let number = fields.find("number_of_comparison_results").filter(|node| !is_null(node));
        let given = number.and_then(|node| decode::integer(node, "").ok()).unwrap_or_default();
        match with.as_str() {
            "single_result" => {
                if let Some(node) = number.filter(|_| given != 1) {
                    self.push(
                        node.place,
                        "single_result compares with one evaluation, whatever stands here; write \
                         compare_with: several_results",
                    );
                }
            }
            "several_results" if given == 0 => self.push(
                place("compare_with"),
                "without number_of_comparison_results it is compared with the last 3 evaluations; say \
                 how many",
            ),
            "several_results" => {
                if comparison.limit() == Err(NumberError) {
                    self.push(
                        place("number_of_comparison_results"),
                        "with this number every evaluation ends errored; write one from 1 to 100",
                    );
                }
            }
            other => {
                let words = ["single_result", "several_results"].map(str::to_owned);
                let meant = if other.is_empty() {
                    "; write compare_with: single_result or several_results".to_owned()
                } else {
                    meant(other, words.into_iter())
                };
                self.push(
                    place("compare_with"),
                    format!(
                        "compare_with is {other:?}, so it is compared with the last 3 evaluations{meant}"
                    ),
                );
            }
        }
        let include = fields.find("include_result_with_score").map(text).unwrap_or_default();
        let all = include.is_empty() || include.to_lowercase() == "all";
        if comparison.include == Include::All && !all {
            let words = ["all", "pass", "pass_or_warn"].map(str::to_owned);
            let meant = meant(&include, words.into_iter());
            self.push(
                place("include_result_with_score"),
                format!(
                    "{include:?} counts as all, failed and errored evaluations among them{meant}"
                ),
            );
        }
        if let Aggregate::Unknown(name) = &comparison.aggregate {
            self.push(
                place("aggregate_function"),
                format!(
                    "{name:?} is no aggregate function, so what was measured before counts as 0; write \
                     avg, p50, p90 or p95"
                ),
            );
        }
    }

    fn total(&mut self, start: Place, node: Option<&Written>, slo: &Slo) {
        self.keys(node, &TOTAL);
        let fields = Fields::known(node);
        let whole = node.map_or(start, |node| node.place);
        let place = |name| fields.find(name).map_or(whole, |node| node.place);
        let targets = match slo.total_score {
            Ok(targets) => targets,
            Err(error) => {
                let place = match error {
                    TargetsError::Missing => whole,
                    TargetsError::Pass => place("pass"),
                    TargetsError::Warning => place("warning"),
                };
                let hint = error.hint();
                return self
                    .push(place, format!("{error}, so every evaluation ends errored; {hint}"));
            }
        };
        let Targets { pass, warning } = targets;
        // Negative weights can lead beyond 100.
        let bounded = slo.objectives.iter().all(|objective| objective.weight > 0);
        if !pass.is_finite() || bounded && pass > 100.0 {
            let problem = format!("no score reaches {}; write at most 100%", float_text(pass));
            self.push(place("pass"), problem);
        } else if bounded && pass <= 0.0 {
            self.push(place("pass"), "every score reaches this; write more than 0%");
        }
        let Some(warning) = warning else { return };
        if !warning.is_finite() || warning >= pass {
            self.push(
                place("warning"),
                "no score is a warning: what reaches this has passed; write less than pass",
            );
        }
    }
}
