//! One objective and one value.

use super::total::KeyFailure;
use super::{
    CriterionError, Group, IndicatorResult, IndicatorStatus, Objective, SliResult, Target,
    TargetResult,
};

/// What one objective made of one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    /// What the event tells of it.
    pub(super) indicator: IndicatorResult,
    /// Where it is a key objective and was not met.
    pub(super) key_failure: Option<KeyFailure>,
}

/// Judges a value, where there is one; `before`: the aggregate of what was measured before.
///
/// # Errors
/// A pass criterion is none. Keptn 1.4 notices it only where there is a value to judge.
pub(super) fn judge(
    objective: &Objective,
    result: Option<SliResult>,
    before: Option<f64>,
) -> Result<Judged, CriterionError> {
    let blank =
        IndicatorResult { display_name: objective.display_name.clone(), ..Default::default() };
    if objective.pass.is_empty() {
        let indicator = IndicatorResult {
            value: result,
            status: IndicatorStatus::Info,
            ..unjudged(objective, before, blank)
        };
        return Ok(Judged { indicator, key_failure: None });
    }
    match result {
        Some(result) if result.success => with_value(objective, result, before, blank),
        failed => Ok(without_value(objective, failed, before, blank)),
    }
}

fn with_value(
    objective: &Objective,
    mut result: SliResult,
    before: Option<f64>,
    blank: IndicatorResult,
) -> Result<Judged, CriterionError> {
    let value = result.value;
    let (passes, pass_targets) = meets(&objective.pass, value, before)?;
    // Keptn 1.4: a warning criterion that is none is not met, and nobody hears of it.
    let (warns, warning_targets) =
        meets(&objective.warning, value, before).unwrap_or((false, Some(Vec::new())));
    if compares(objective) {
        result.compared_value = before.unwrap_or_default();
    }
    let weight = weight(objective);
    let (status, score) = if passes {
        (IndicatorStatus::Pass, weight)
    } else if warns {
        (IndicatorStatus::Warning, 0.5 * weight)
    } else {
        (IndicatorStatus::Fail, 0.0)
    };
    let failed = objective.key_sli && status == IndicatorStatus::Fail;
    let key_failure = failed.then(|| KeyFailure {
        name: objective.display_name.clone(),
        reason: "failed evaluation with score 0.000000".to_owned(),
    });
    let indicator = IndicatorResult {
        score,
        value: Some(result),
        pass_targets,
        warning_targets,
        key_sli: objective.key_sli,
        status,
        ..blank
    };
    Ok(Judged { indicator, key_failure })
}

fn without_value(
    objective: &Objective,
    failed: Option<SliResult>,
    before: Option<f64>,
    blank: IndicatorResult,
) -> Judged {
    let result = failed.unwrap_or_else(|| SliResult {
        metric: objective.sli.clone(),
        message: "no value received from SLI provider".to_owned(),
        ..SliResult::default()
    });
    let key_failure = objective.key_sli.then(|| KeyFailure {
        name: objective.display_name.clone(),
        reason: result.message.clone(),
    });
    let indicator = IndicatorResult {
        value: Some(result),
        status: IndicatorStatus::Fail,
        ..unjudged(objective, before, blank)
    };
    Judged { indicator, key_failure }
}

#[allow(clippy::cast_precision_loss, reason = "as Go does")]
pub(super) fn weight(objective: &Objective) -> f64 {
    objective.weight as f64
}

/// Keptn 1.4: the value tells what it was compared with where any criterion was looked at.
fn compares(objective: &Objective) -> bool {
    let first = |groups: &[Group]| {
        groups.iter().flat_map(|group| &group.criteria).next().is_some_and(|c| c.rule.is_ok())
    };
    first(&objective.pass) || first(&objective.warning)
}

/// Whether one of the groups is met, and how each criterion was: all are looked at. No criteria at all are
/// null, not an empty list.
fn meets(
    groups: &[Group],
    value: f64,
    before: Option<f64>,
) -> Result<(bool, Option<Vec<TargetResult>>), CriterionError> {
    let (mut met, mut targets) = (false, Vec::new());
    for group in groups {
        let mut all = true;
        for criterion in &group.criteria {
            let rule = criterion.rule?;
            let target = match (rule.target, before) {
                (Target::Fixed(number), _) => Some(number),
                (target @ Target::Relative { .. }, Some(before)) => Some(target.number(before)),
                // Nothing to compare with satisfies.
                (Target::Relative { .. }, None) => None,
            };
            let violated = target.is_some_and(|target| !rule.holds(value, target));
            all &= !violated;
            let criteria = criterion.text.clone();
            let target_value = target.unwrap_or_default();
            targets.push(TargetResult { criteria, target_value, violated });
        }
        met |= all;
    }
    Ok((met, (!targets.is_empty()).then_some(targets)))
}

/// All criteria are told as violated. Keptn 1.4: with what was measured before as the target of a relative
/// one, and without those that are none.
fn unjudged(objective: &Objective, before: Option<f64>, blank: IndicatorResult) -> IndicatorResult {
    let told = |groups: &[Group]| {
        let criteria = groups.iter().flat_map(|group| &group.criteria);
        let told = criteria.filter_map(|criterion| {
            let target_value = match criterion.rule.ok()?.target {
                Target::Fixed(number) => number,
                Target::Relative { .. } => before.unwrap_or_default(),
            };
            Some(TargetResult { criteria: criterion.text.clone(), target_value, violated: true })
        });
        Some(told.collect())
    };
    IndicatorResult {
        pass_targets: told(&objective.pass),
        warning_targets: told(&objective.warning),
        ..blank
    }
}
