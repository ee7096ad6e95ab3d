//! The way from what a provider answered to an evaluation.

use std::collections::HashMap;

use super::objective::{self, Judged};
use super::total::{KeyFailure, Points, total};
use super::{
    Details, Evaluation, IndicatorResult, Past, SliAnswer, SliResult, SliStatus, Slo, Targets,
};
use crate::event::{Outcome, Scope, TaskResult};

/// What is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Whose gate it is.
    pub scope: &'a Scope,
    /// `slo.yaml` as it is stored; empty where there is none.
    pub slo: &'a str,
    /// What the provider measured.
    pub answer: &'a SliAnswer,
    /// Earlier evaluations of the same scope, newest first: all, or at least those that the file's
    /// [`super::Comparison`] takes.
    pub earlier: &'a [Past],
}

/// Judges what a provider measured. There is always an answer: what is wrong is part of it.
#[must_use]
pub fn evaluate(question: &Question<'_>) -> Evaluation {
    let Question { scope, slo: text, answer, earlier } = *question;
    if let Some(evaluation) = unanswered(answer) {
        return evaluation;
    }
    if text.is_empty() {
        // Keptn 1.4: what has no objectives passes, with score 0.
        let message = format!(
            "no evaluation performed by lighthouse because no SLO file configured for project {}",
            scope.project
        );
        let details = Details::blank(&answer.timeframe, TaskResult::Pass);
        return Evaluation { outcome: Outcome::PASS, message, details };
    }
    let slo = match Slo::parse(text) {
        Ok(slo) => slo,
        Err(error) => return Evaluation::errored(&answer.timeframe, error.message(scope)),
    };
    let evaluation = match slo.comparison.choose(earlier) {
        Ok(chosen) => judge(&slo, answer, &chosen),
        Err(error) => Evaluation::errored(&answer.timeframe, error.to_string()),
    };
    evaluation.of_file(text)
}

/// The provider did not come to an end of its own.
fn unanswered(answer: &SliAnswer) -> Option<Evaluation> {
    let message = match answer.status {
        SliStatus::Ended => return None,
        SliStatus::Aborted => "evaluation performed by lighthouse was aborted".to_owned(),
        SliStatus::Errored => {
            let why = &answer.message;
            format!("evaluation performed by lighthouse received an unexpected error: {why}")
        }
    };
    // Keptn 1.4: nothing was judged, and what was judged passes.
    let details = Details::blank(&answer.timeframe, TaskResult::Pass);
    Some(Evaluation { outcome: Outcome::ERROR, message, details })
}

/// Judges the objectives of a file that was read, against earlier evaluations that were chosen. The file's
/// text is for the caller to add.
pub(super) fn judge(slo: &Slo, answer: &SliAnswer, chosen: &[&Past]) -> Evaluation {
    let errored = |message: String| Evaluation::errored(&answer.timeframe, message);
    let objectives = match objectives(slo, answer, chosen) {
        Ok(objectives) => objectives,
        Err(Unjudged::Null(at)) => {
            return errored(format!(
                "the SLI provider sent null as value number {at}; it must send a metric and a value"
            ));
        }
        Err(Unjudged::Malformed(message)) => {
            let mut details = Details::blank(&answer.timeframe, TaskResult::Fail);
            details.compared_events = ids(chosen);
            return Evaluation { outcome: Outcome::FAIL, message, details };
        }
    };
    let targets = match slo.total_score {
        Ok(targets) => targets,
        Err(error) => return errored(error.to_string()),
    };
    if let Some(message) = beyond_json(slo, &objectives.indicators) {
        return errored(message);
    }
    let mut evaluation = summed(objectives, targets, answer);
    evaluation.details.compared_events = ids(chosen);
    if slo.objectives.is_empty() {
        evaluation.outcome.result = TaskResult::Fail;
        evaluation.message = "lighthouse failed because no SLO objective was provided".to_owned();
    } else if answer.failed {
        evaluation.outcome.result = TaskResult::Fail;
        evaluation.message =
            format!("lighthouse failed because SLI failed with message {}", answer.message);
    }
    evaluation
}

fn ids(chosen: &[&Past]) -> Vec<String> {
    chosen.iter().map(|past| past.id.clone()).collect()
}

/// All objectives, judged.
struct Objectives {
    points: Points,
    key_failure: Option<KeyFailure>,
    /// Empty where nothing was left over.
    message: String,
    /// None where there are no objectives.
    indicators: Option<Vec<IndicatorResult>>,
}

/// Why no objective counts.
enum Unjudged {
    /// Which of the provider's values is null, counted from 1.
    Null(usize),
    /// A pass criterion is none: the message.
    Malformed(String),
}

fn objectives(slo: &Slo, answer: &SliAnswer, chosen: &[&Past]) -> Result<Objectives, Unjudged> {
    if slo.objectives.is_empty() {
        let points = Points { maximum: 100.0, achieved: 0.0 };
        let message = String::new();
        return Ok(Objectives { points, key_failure: None, message, indicators: None });
    }
    let mut values: Vec<SliResult> = Vec::with_capacity(answer.values.len());
    for (index, value) in answer.values.iter().enumerate() {
        values.push(value.clone().ok_or(Unjudged::Null(index + 1))?);
    }
    let history = history(chosen);
    let mut points = Points { maximum: 0.0, achieved: 0.0 };
    let (mut last_failure, mut indicators) = (None, Vec::with_capacity(slo.objectives.len()));
    for objective in &slo.objectives {
        let before = history
            .get(objective.sli.as_str())
            .and_then(|found| slo.comparison.aggregate.of(found));
        let result = take(&mut values, &objective.sli);
        let Judged { indicator, key_failure } = objective::judge(objective, result, before)
            .map_err(|error| {
                Unjudged::Malformed(format!("error with {}: {error}", objective.name()))
            })?;
        if !objective.pass.is_empty() {
            points.maximum += objective::weight(objective);
        }
        // Keptn 1.4: an objective whose pass criteria are all empty is met, and counts nothing.
        if indicator.pass_targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            points.achieved += indicator.score;
        }
        // The last one is named.
        last_failure = key_failure.or(last_failure);
        indicators.push(indicator);
    }
    let message = left_over(&values);
    Ok(Objectives { points, key_failure: last_failure, message, indicators: Some(indicators) })
}

/// What was measured before, by indicator, newest first.
fn history<'a>(chosen: &[&'a Past]) -> HashMap<&'a str, Vec<f64>> {
    let mut history: HashMap<&str, Vec<f64>> = HashMap::new();
    for value in chosen.iter().flat_map(|past| &past.indicators).filter_map(|i| i.value.as_ref()) {
        if value.success {
            history.entry(&value.metric).or_default().push(value.value);
        }
    }
    history
}

/// A value feeds one objective. Keptn 1.4: the last value takes the place of the one that is taken.
fn take(values: &mut Vec<SliResult>, metric: &str) -> Option<SliResult> {
    let index = values.iter().position(|value| value.metric == metric)?;
    Some(values.swap_remove(index))
}

fn left_over(values: &[SliResult]) -> String {
    let mut names = String::new();
    for value in values {
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(&value.metric);
    }
    if names.is_empty() {
        return names;
    }
    format!(
        "Lighthouse received additional SLIs, which are not specified as SLO: {names} . Please consider \
         using them as an SLO."
    )
}

/// Numbers that JSON has no form for. Keptn 1.4 then sends an event without data, which nobody can read.
fn beyond_json(slo: &Slo, indicators: &Option<Vec<IndicatorResult>>) -> Option<String> {
    let judged = slo.objectives.iter().zip(indicators.as_deref().unwrap_or_default());
    judged.into_iter().find_map(|(objective, indicator)| {
        let mut targets =
            [&indicator.pass_targets, &indicator.warning_targets].into_iter().flatten().flatten();
        let name = objective.name();
        if let Some(target) = targets.find(|target| !target.target_value.is_finite()) {
            let criteria = &target.criteria;
            return Some(format!(
                "error with {name}: the target of {criteria:?} is no finite number; write a number"
            ));
        }
        let value = indicator.value.as_ref()?;
        let finite = value.value.is_finite() && value.compared_value.is_finite();
        (!finite).then(|| {
            format!(
                "error with {name}: the value, or what it is compared with, is no finite number; mend \
                 the query"
            )
        })
    })
}

fn summed(objectives: Objectives, targets: Targets, answer: &SliAnswer) -> Evaluation {
    let Objectives { points, key_failure, message, indicators } = objectives;
    let total = total(targets, points, key_failure.as_ref());
    let mut details = Details::blank(&answer.timeframe, total.result);
    details.score = total.score;
    details.indicator_results = indicators;
    Evaluation {
        outcome: Outcome { result: total.result, ..Outcome::PASS },
        // Keptn 1.4: that values were left over is told only where nothing else is.
        message: total.message.unwrap_or(message),
        details,
    }
}
