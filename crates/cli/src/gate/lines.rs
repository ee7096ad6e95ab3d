//! An evaluation as people read it: a line for each objective, with why it ended so.

use std::collections::HashSet;

use tidegate_core::event::TaskResult;
use tidegate_core::quality::{
    Group, IndicatorResult, IndicatorStatus, Objective, Past, Rule, Slo, Target, TargetResult,
};

use crate::tone::{Span, Tone};

/// What the columns of [`objectives`] are.
pub(crate) const HEADER: [&str; 6] = ["OBJECTIVE", "RESULT", "VALUE", "POINTS", "CRITERIA", "WHY"];

/// A result in its colour.
pub(crate) fn result(result: TaskResult) -> Span {
    let tone = match result {
        TaskResult::Pass => Tone::Good,
        TaskResult::Warning => Tone::Attention,
        TaskResult::Fail => Tone::Bad,
    };
    Span::new(result.as_str(), tone)
}

/// A score and what it is worth: `score 50 (90 passes, 75 warns)`.
pub(crate) fn score(score: f64, slo: &Slo) -> String {
    match slo.total_score {
        Ok(targets) => {
            let warns = targets.warning.map(|warning| format!(", {warning} warns"));
            format!("score {score} ({} passes{})", targets.pass, warns.unwrap_or_default())
        }
        Err(_) => format!("score {score}"),
    }
}

/// A row for each objective, in the order of the file. `chosen`: the evaluations that were compared with.
pub(crate) fn objectives(
    slo: &Slo,
    indicators: &[IndicatorResult],
    chosen: &[&Past],
) -> Vec<[Span; 6]> {
    let known: HashSet<&str> = chosen
        .iter()
        .flat_map(|past| &past.indicators)
        .filter_map(|indicator| indicator.value.as_ref().filter(|value| value.success))
        .map(|value| value.metric.as_str())
        .collect();
    let judged = slo.objectives.iter().zip(indicators);
    judged.map(|(objective, indicator)| row(objective, indicator, &known)).collect()
}

fn row(objective: &Objective, indicator: &IndicatorResult, known: &HashSet<&str>) -> [Span; 6] {
    let measured = indicator.value.as_ref().filter(|value| value.success);
    let value = measured.map_or_else(|| "-".to_owned(), |value| value.value.to_string());
    let informs = objective.pass.is_empty();
    let points = match informs {
        true => "-".to_owned(),
        false => format!("{} of {}", indicator.score, objective.weight),
    };
    let key = if objective.key_sli { " (key)" } else { "" };
    [
        Span::new(format!("{}{key}", objective.name()), Tone::Strong),
        status(indicator.status),
        Span::from(value),
        Span::from(points),
        Span::from(criteria(objective)),
        Span::from(why(objective, indicator, known.contains(objective.sli.as_str()))),
    ]
}

fn status(status: IndicatorStatus) -> Span {
    let tone = match status {
        IndicatorStatus::Pass => Tone::Good,
        IndicatorStatus::Warning => Tone::Attention,
        IndicatorStatus::Fail => Tone::Bad,
        IndicatorStatus::Info => Tone::Muted,
    };
    Span::new(status.as_str(), tone)
}

/// `<600 and <=+10% or <100; warns: <800`
fn criteria(objective: &Objective) -> String {
    let texts = |groups: &[Group]| {
        let group = |group: &Group| {
            let criteria: Vec<&str> = group.criteria.iter().map(|c| c.text.as_str()).collect();
            criteria.join(" and ")
        };
        groups.iter().map(group).collect::<Vec<_>>().join(" or ")
    };
    match (objective.pass.is_empty(), objective.warning.is_empty()) {
        (true, _) => "-".to_owned(),
        (false, true) => texts(&objective.pass),
        (false, false) => {
            format!("{}; warns: {}", texts(&objective.pass), texts(&objective.warning))
        }
    }
}

/// `known`: whether it was measured before.
fn why(objective: &Objective, indicator: &IndicatorResult, known: bool) -> String {
    let Some(value) = &indicator.value else { return "no value; it only informs".to_owned() };
    if !value.success {
        return match value.message.as_str() {
            "" => "no value: its success is not true".to_owned(),
            message => format!("no value: {message}"),
        };
    }
    if objective.pass.is_empty() {
        return "it only informs".to_owned();
    }
    let list = |targets: &Option<Vec<TargetResult>>, violated: bool| {
        let targets = targets.iter().flatten().filter(|target| target.violated == violated);
        targets.map(|target| told(target, known)).collect::<Vec<_>>().join(", ")
    };
    let part = |verb: &str, list: String| match list.as_str() {
        "" => String::new(),
        list => format!("{verb} {list}"),
    };
    let (pass, warning) = (&indicator.pass_targets, &indicator.warning_targets);
    let parts = match indicator.status {
        IndicatorStatus::Pass => [part("meets", list(pass, false)), String::new()],
        IndicatorStatus::Warning => {
            [part("misses", list(pass, true)), part("meets", list(warning, false))]
        }
        IndicatorStatus::Fail | IndicatorStatus::Info => {
            [part("misses", list(pass, true)), part("misses", list(warning, true))]
        }
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A criterion, and for a relative one the number that it stands for.
fn told(target: &TargetResult, known: bool) -> String {
    let criterion = &target.criteria;
    match Rule::parse(criterion).map(|rule| rule.target) {
        Ok(Target::Relative { .. }) if known => format!("{criterion} ({})", target.target_value),
        Ok(Target::Relative { .. }) => format!("{criterion} (nothing to compare with)"),
        Ok(Target::Fixed(_)) | Err(_) => criterion.clone(),
    }
}
