//! Criteria, and which of them were met.

use tidegate_core::quality::{Group, IndicatorResult, Operator, Rule, Target, TargetResult};

use crate::view::number::{Wanted, number};
use crate::view::{Status, Text};

/// One criterion as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// As it is written in the file.
    pub(crate) text: Text,
    /// The number that a relative one came to.
    pub(crate) target: Option<String>,
    pub(crate) met: Met,
}

/// Whether a criterion was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    No,
    /// There was nothing to compare with, which counts as met.
    Nothing,
    /// There was no value, or nobody asks.
    Unjudged,
}

/// Criteria of which all must be met; one of several such groups is enough.
pub(crate) type Limits = Vec<Vec<Limit>>;

/// The criteria of an objective, as they were judged. `groups`: as its file groups them, where that is known;
/// `compares`: whether there was anything to compare with.
pub(crate) fn limits(
    targets: Option<&[TargetResult]>,
    groups: Option<&[Group]>,
    is_judged: bool,
    compares: bool,
) -> Limits {
    let limits: Vec<Limit> = targets
        .unwrap_or_default()
        .iter()
        .map(|target| {
            let relative = is_relative(&target.criteria);
            let met = match (is_judged, relative && !compares, target.violated) {
                (false, ..) => Met::Unjudged,
                (true, true, _) => Met::Nothing,
                (true, false, true) => Met::No,
                (true, false, false) => Met::Yes,
            };
            let told = relative && matches!(met, Met::Yes | Met::No);
            Limit {
                text: Text::line(&target.criteria),
                target: told.then(|| number(target.target_value)),
                met,
            }
        })
        .collect();
    let sizes: Vec<usize> =
        groups.unwrap_or_default().iter().map(|group| group.criteria.len()).collect();
    if sizes.iter().sum::<usize>() != limits.len() {
        // What cannot be matched with the file is one list.
        return if limits.is_empty() { Vec::new() } else { vec![limits] };
    }
    let mut rest = limits.into_iter();
    let grouped = sizes.into_iter().map(|size| rest.by_ref().take(size).collect::<Vec<_>>());
    grouped.filter(|group| !group.is_empty()).collect()
}

fn is_relative(criterion: &str) -> bool {
    Rule::parse(criterion).is_ok_and(|rule| matches!(rule.target, Target::Relative { .. }))
}

/// Whether less is better or more is, as the first criterion of an objective has it.
pub(crate) fn wanted(indicator: &IndicatorResult) -> Option<Wanted> {
    let targets = [&indicator.pass_targets, &indicator.warning_targets];
    let first = targets.into_iter().flatten().flatten().next()?;
    match Rule::parse(&first.criteria).ok()?.operator {
        Operator::Less | Operator::LessOrEqual => Some(Wanted::Less),
        Operator::Greater | Operator::GreaterOrEqual => Some(Wanted::More),
        Operator::Equal => None,
    }
}

/// How an objective was met, where there was a value to judge.
pub(crate) fn status_of(indicator: &IndicatorResult) -> Status {
    Status::of_result(indicator.status.as_str())
}

/// The criteria that were not met, in a few words; all of them where none was judged.
pub(crate) fn broken(limits: &Limits) -> String {
    let all = || limits.iter().flatten();
    let not_met: Vec<String> = all().filter(|limit| limit.met == Met::No).map(told).collect();
    let shown = if not_met.is_empty() { all().map(told).collect() } else { not_met };
    shown.join(", ")
}

fn told(limit: &Limit) -> String {
    match &limit.target {
        Some(target) => format!("{} of before, which is {target}", limit.text),
        None => limit.text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::quality::Slo;

    use super::*;

    fn target(criteria: &str, target_value: f64, violated: bool) -> TargetResult {
        TargetResult { criteria: criteria.to_owned(), target_value, violated }
    }

    #[test]
    fn a_limit_is_met_broken_or_has_nothing_to_compare_with() {
        let targets = [target("<0.4", 0.4, true), target("<=+10%", 0.33, false)];
        let met = |judged, compares| {
            let limits = limits(Some(&targets), None, judged, compares);
            limits.concat().iter().map(|limit| limit.met).collect::<Vec<_>>()
        };
        assert_eq!(met(true, true), [Met::No, Met::Yes]);
        assert_eq!(met(true, false), [Met::No, Met::Nothing]);
        assert_eq!(met(false, true), [Met::Unjudged, Met::Unjudged]);
        let limits = limits(Some(&targets), None, true, true);
        assert_eq!(limits[0][0].target, None, "a fixed one says it itself");
        assert_eq!(limits[0][1].target.as_deref(), Some("0.33"));
        assert_eq!(broken(&limits), "<0.4");
    }

    #[test]
    fn criteria_stand_as_the_file_groups_them_where_they_can_be_matched() {
        let slo = "objectives: [{sli: a, pass: [{criteria: ['<1', '>0']}, {criteria: ['=5']}]}]";
        let slo = Slo::parse(slo).unwrap();
        let groups = Some(slo.objectives[0].pass.as_slice());
        let three = [target("<1", 1.0, true), target(">0", 0.0, false), target("=5", 5.0, false)];
        let sizes = |targets: &[TargetResult]| {
            let limits = limits(Some(targets), groups, true, true);
            limits.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&three), [2, 1]);
        assert_eq!(sizes(&three[..2]), [2], "what does not fit is one list");
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
