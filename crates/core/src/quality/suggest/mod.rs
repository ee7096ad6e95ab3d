//! Criteria that a service's own history proposes: each bound is one that nearly all evaluations that passed
//! would have kept to, so it fails what is unusual and little else.

mod bound;
mod edit;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use super::aggregate::percentile;
use super::{Objective, Operator, Past, Rule, Slo, SloError, Target};
use crate::event::TaskResult;
use bound::Bound;

/// Fewest evaluations that passed with a value before a bound is proposed.
pub const SAMPLES_MIN: usize = 20;
/// Which part of the evaluations that passed shall keep to a bound.
const KEPT: f64 = 0.99;
/// What names of indicators say of which more is better. `throughput` is one that every Prometheus provider
/// of Keptn knows; of all other ones less is.
const MORE_IS_BETTER: [&str; 5] = ["throughput", "availability", "success", "coverage", "apdex"];

/// A file with what its history proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggested {
    /// One for each indicator that has a history and no bound, in the order of the file, then by name.
    pub suggestions: Vec<Suggestion>,
    /// The file with those that could be written into it. Nothing of it is touched, only lengthened.
    pub text: String,
}

/// One criterion that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The indicator.
    pub sli: String,
    /// The criterion, such as `<=220`.
    pub criterion: String,
    /// What says on which side the bound is.
    pub because: Because,
    /// How many values of evaluations that passed it is made of: at least [`SAMPLES_MIN`].
    pub passed: usize,
    /// How many of these it would have failed.
    pub false_alarms: usize,
    /// How many values of evaluations that failed there are.
    pub failed: usize,
    /// How many of these it would have failed, too.
    pub caught: usize,
    /// Whether it is in the text. If not, no place for it could be found that leaves all else as it is.
    pub written: bool,
}

/// What says whether less or more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Other criteria of the objective.
    Criteria,
    /// The name of the indicator says that more is better.
    Name,
    /// Nothing: less is better of most.
    Nothing,
}

/// Proposes a fixed criterion for each indicator that has none on its better side and was measured in enough
/// evaluations that passed: the 99th percentile of their values, or the first where more is better, rounded to
/// two digits away from them. Where an objective says how it compares with what was before, the bound comes on
/// top of that.
///
/// # Errors
/// The text is no `slo.yaml`.
pub fn suggest(text: &str, history: &[Past]) -> Result<Suggested, SloError> {
    let slo = Slo::parse(text)?;
    let measured = measured(history);
    let listed: HashSet<&str> = slo.indicators().collect();
    let mut suggested = Suggested { suggestions: Vec::new(), text: text.to_owned() };
    let mut seen = HashSet::new();
    for (index, objective) in slo.objectives.iter().enumerate() {
        let Some(measured) = measured.get(objective.sli.as_str()) else { continue };
        // Only the first of two objectives gets the value.
        if seen.insert(&objective.sli) {
            let place = match objective.pass.is_empty() {
                true => edit::Place::Pass(index),
                false => edit::Place::Groups(index),
            };
            suggested.add(&objective.sli, Some(objective), measured, place);
        }
    }
    for (sli, measured) in &measured {
        if !listed.contains(sli) {
            suggested.add(sli, None, measured, edit::Place::New);
        }
    }
    Ok(suggested)
}

/// Values of one indicator.
#[derive(Debug, Default)]
struct Measured {
    passed: Vec<f64>,
    failed: Vec<f64>,
}

/// What was measured, by indicator. What somebody has declared invalid proves nothing.
fn measured(history: &[Past]) -> BTreeMap<&str, Measured> {
    let mut all: BTreeMap<&str, Measured> = BTreeMap::new();
    for past in history.iter().filter(|past| !past.invalidated) {
        let values = past.indicators.iter().filter_map(|indicator| indicator.value.as_ref());
        for value in values.filter(|value| value.success && value.value.is_finite()) {
            let measured = all.entry(&value.metric).or_default();
            match past.result {
                TaskResult::Pass => measured.passed.push(value.value),
                TaskResult::Fail => measured.failed.push(value.value),
                TaskResult::Warning => {}
            }
        }
    }
    all
}

impl Suggested {
    fn add(
        &mut self,
        sli: &str,
        objective: Option<&Objective>,
        measured: &Measured,
        place: edit::Place,
    ) {
        if measured.passed.len() < SAMPLES_MIN {
            return;
        }
        let (side, because) = side(sli, objective);
        if objective.is_some_and(|objective| is_bounded(objective, side)) {
            return;
        }
        let fraction = match side {
            Side::AtMost => KEPT,
            Side::AtLeast => 1.0 - KEPT,
        };
        let Some(bound) = Bound::around(percentile(&measured.passed, fraction), side) else {
            return;
        };
        let written = edit::add(&self.text, &place, sli, &bound.criterion());
        let beyond = |values: &[f64]| values.iter().filter(|value| !bound.holds(**value)).count();
        self.suggestions.push(Suggestion {
            sli: sli.to_owned(),
            criterion: bound.criterion(),
            because,
            passed: measured.passed.len(),
            false_alarms: beyond(&measured.passed),
            failed: measured.failed.len(),
            caught: beyond(&measured.failed),
            written: written.is_some(),
        });
        if let Some(text) = written {
            self.text = text;
        }
    }
}

impl Suggestion {
    /// The part of the evaluations that passed that it would have failed, in percent.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "there are far less than 2^53 values")]
    pub fn false_alarm_percent(&self) -> f64 {
        100.0 * self.false_alarms as f64 / self.passed as f64
    }
}

/// On which side of a bound the good values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtMost,
    AtLeast,
}

impl Side {
    /// None where a criterion says nothing of it.
    fn of(rule: Rule) -> Option<Self> {
        match rule.operator {
            Operator::Less | Operator::LessOrEqual => Some(Self::AtMost),
            Operator::Greater | Operator::GreaterOrEqual => Some(Self::AtLeast),
            Operator::Equal => None,
        }
    }
}

fn side(sli: &str, objective: Option<&Objective>) -> (Side, Because) {
    let rules = objective.into_iter().flat_map(rules);
    if let Some(side) = rules.filter_map(Side::of).next() {
        return (side, Because::Criteria);
    }
    let name = sli.to_lowercase();
    match MORE_IS_BETTER.iter().any(|word| name.contains(word)) {
        true => (Side::AtLeast, Because::Name),
        false => (Side::AtMost, Because::Nothing),
    }
}

/// What the criteria of an objective say, those that let it pass first.
fn rules(objective: &Objective) -> impl Iterator<Item = Rule> {
    let groups = objective.pass.iter().chain(&objective.warning);
    groups.flat_map(|group| &group.criteria).filter_map(|criterion| criterion.rule.ok())
}

/// Whether somebody has set a bound there, or a single good value.
fn is_bounded(objective: &Objective, side: Side) -> bool {
    let criteria = objective.pass.iter().flat_map(|group| &group.criteria);
    criteria.filter_map(|criterion| criterion.rule.ok()).any(|rule| {
        let is_fixed = matches!(rule.target, Target::Fixed(_));
        is_fixed && Side::of(rule).is_none_or(|of| of == side)
    })
}
