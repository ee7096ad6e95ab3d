//! Quality gates as a whole.

mod edges;
mod properties;

use super::*;

/// Recorded behaviour of Keptn 1.4.5.
const RECORDED: &str = include_str!("../../../../../tests/vectors/quality-gate.json");

#[test]
fn every_recorded_evaluation_comes_out_the_same() {
    let report = vectors::run(RECORDED).unwrap();
    let differences: Vec<String> = report.differences.iter().map(ToString::to_string).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!((report.passed, report.failed), (251, 0));
}
