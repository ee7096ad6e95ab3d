//! What a changed `slo.yaml` would have decided over evaluations that have been. The values that were measured
//! then are judged again, oldest first; each is compared with those before it as they would have ended.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};

use super::evaluate::judge;
use super::{IndicatorResult, IndicatorStatus, NumberError, Past, SliAnswer, SliResult, Slo};
use crate::event::TaskResult;

/// How an evaluation of the past would have ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The id of its event.
    pub id: String,
    /// How it has ended.
    pub before: Verdict,
    /// How it would have.
    pub after: After,
}

/// How an evaluation ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// `data.result`
    pub result: TaskResult,
    /// `data.evaluation.score`
    pub score: f64,
}

/// How an evaluation would have ended.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    /// So.
    Judged {
        /// The verdict.
        verdict: Verdict,
        /// What the evaluation would have said.
        message: String,
        /// Where the result is another one: the objectives that changed it. None: the targets of the total
        /// did.
        changes: Vec<Change>,
    },
    /// As it has: nothing was judged, for there was no file, no provider, or an error. It keeps its place
    /// among those that are compared with.
    Kept,
    /// Nobody knows: nothing was measured then for these indicators, which now must pass. It keeps its place
    /// with the result that it has.
    Unmeasured(Vec<String>),
}

/// One objective that is met otherwise than it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its indicator.
    pub sli: String,
    /// What people call it; may be empty.
    pub display_name: String,
    /// How it was met; none where the objective is new.
    pub before: Option<Met>,
    /// How it would have been; none where the objective is gone.
    pub after: Option<Met>,
}

/// How an objective is met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Met {
    /// Whether.
    pub status: IndicatorStatus,
    /// What it adds to the score.
    pub score: f64,
    /// Whether it is known as a key objective.
    pub key_sli: bool,
}

/// Judges a history again, oldest first.
///
/// # Errors
/// The file compares with a number of evaluations that no datastore gives: every evaluation would be errored.
pub fn replay(slo: &Slo, history: &[Past]) -> Result<Vec<Replayed>, NumberError> {
    let limit = slo.comparison.limit()?;
    // Newest first; only those that count.
    let mut chosen: VecDeque<&Past> = VecDeque::with_capacity(limit + 1);
    let mut replayed = Vec::with_capacity(history.len());
    for past in history {
        let before = Verdict { result: past.result, score: past.score };
        let after = again(slo, past, chosen.make_contiguous());
        let result = match &after {
            After::Judged { verdict, .. } => verdict.result,
            After::Kept | After::Unmeasured(_) => past.result,
        };
        if !past.invalidated && slo.comparison.include.takes(result) {
            chosen.push_front(past);
            chosen.truncate(limit);
        }
        replayed.push(Replayed { id: past.id.clone(), before, after });
    }
    Ok(replayed)
}

fn again(slo: &Slo, past: &Past, chosen: &[&Past]) -> After {
    if past.indicators.is_empty() {
        return After::Kept;
    }
    let measured: Vec<&SliResult> =
        past.indicators.iter().filter_map(|i| i.value.as_ref()).collect();
    let known: HashSet<&str> = measured.iter().map(|value| value.metric.as_str()).collect();
    let scored = slo.objectives.iter().filter(|objective| !objective.pass.is_empty());
    let unmeasured: Vec<String> = scored
        .filter(|objective| !known.contains(objective.sli.as_str()))
        .map(|objective| objective.sli.clone())
        .collect();
    if !unmeasured.is_empty() {
        return After::Unmeasured(unmeasured);
    }
    let evaluation = judge(slo, &answer(slo, past, &measured), chosen);
    let verdict = Verdict { result: evaluation.outcome.result, score: evaluation.details.score };
    let changes = match verdict.result.cmp(&past.result) {
        Ordering::Equal => Vec::new(),
        moved => {
            let indicators = evaluation.details.indicator_results.unwrap_or_default();
            changes(slo, &past.indicators, &indicators, moved)
        }
    };
    After::Judged { verdict, message: evaluation.message, changes }
}

/// What the provider would have answered: only what it would have been asked for.
fn answer(slo: &Slo, past: &Past, measured: &[&SliResult]) -> SliAnswer {
    // What Keptn says of a provider that could measure nothing.
    const FAILED: &str = "lighthouse failed because SLI failed with message ";
    let failed = past.message.strip_prefix(FAILED);
    let asked: HashSet<&str> = slo.indicators().collect();
    let values = measured
        .iter()
        .filter(|value| asked.contains(value.metric.as_str()))
        .map(|value| Some(SliResult { compared_value: 0.0, ..(*value).clone() }));
    SliAnswer {
        failed: failed.is_some(),
        message: failed.unwrap_or_default().to_owned(),
        values: values.collect(),
        ..SliAnswer::default()
    }
}

/// The objectives that are met otherwise, without those that moved against the result.
fn changes(
    slo: &Slo,
    before: &[IndicatorResult],
    after: &[IndicatorResult],
    moved: Ordering,
) -> Vec<Change> {
    let mut left: Vec<&IndicatorResult> = before.iter().collect();
    let mut changes = Vec::new();
    for (objective, indicator) in slo.objectives.iter().zip(after) {
        let same = left.iter().position(|old| metric(old) == Some(objective.sli.as_str()));
        changes.push(Change {
            sli: objective.sli.clone(),
            display_name: objective.display_name.clone(),
            before: same.map(|index| Met::of(left.remove(index))),
            after: Some(Met::of(indicator)),
        });
    }
    changes.extend(left.into_iter().map(|gone| Change {
        sli: metric(gone).unwrap_or_default().to_owned(),
        display_name: gone.display_name.clone(),
        before: Some(Met::of(gone)),
        after: None,
    }));
    changes.retain(|change| {
        let way = Met::worse(change.after).cmp(&Met::worse(change.before));
        // What only informs, before and after, decides nothing.
        let counts = Met::counts(change.before) || Met::counts(change.after);
        counts && change.before != change.after && (way == Ordering::Equal || way == moved)
    });
    changes
}

fn metric(indicator: &IndicatorResult) -> Option<&str> {
    indicator.value.as_ref().map(|value| value.metric.as_str())
}

impl Met {
    fn of(indicator: &IndicatorResult) -> Self {
        Self { status: indicator.status, score: indicator.score, key_sli: indicator.key_sli }
    }

    /// Whether it has a say in the result.
    fn counts(met: Option<Self>) -> bool {
        met.is_some_and(|met| met.status != IndicatorStatus::Info)
    }

    /// How much worse than nothing at all.
    fn worse(met: Option<Self>) -> i8 {
        match met.map(|met| met.status) {
            Some(IndicatorStatus::Pass) => -1,
            Some(IndicatorStatus::Fail) => 1,
            Some(IndicatorStatus::Warning | IndicatorStatus::Info) | None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TaskResult::{Fail, Pass, Warning};
    use super::*;
    use crate::quality::Targets;

    /// One objective for each of `a` and `b`, with these criteria, and one that only informs.
    fn slo(a: &str, b: &str, more: &str) -> Slo {
        let text = format!(
            "objectives:\n- {{sli: a, pass: [{{criteria: [{a:?}]}}]}}\n\
             - {{sli: b, displayName: B, pass: [{{criteria: [{b:?}]}}]}}\n- {{sli: c}}\n\
             total_score: {{pass: 90%, warning: 40%}}\n{more}"
        );
        Slo::parse(&text).unwrap()
    }

    /// Evaluations as a file makes them of these values, oldest first.
    fn history(slo: &Slo, values: &[(f64, f64)]) -> Vec<Past> {
        let mut history: Vec<Past> = Vec::new();
        for (index, (a, b)) in values.iter().enumerate() {
            let value = |metric: &str, value: f64| {
                let metric = metric.to_owned();
                Some(SliResult { metric, value, success: true, ..SliResult::default() })
            };
            let values = vec![value("a", *a), value("b", *b), value("c", 0.0)];
            let answer = SliAnswer { values, ..SliAnswer::default() };
            let newest: Vec<Past> = history.iter().rev().cloned().collect();
            let evaluation = judge(slo, &answer, &slo.comparison.choose(&newest).unwrap());
            history.push(Past {
                id: format!("e{index}"),
                result: evaluation.outcome.result,
                score: evaluation.details.score,
                invalidated: false,
                message: evaluation.message,
                indicators: evaluation.details.indicator_results.unwrap(),
            });
        }
        history
    }

    fn results(replayed: &[Replayed]) -> Vec<TaskResult> {
        let result = |replayed: &Replayed| match &replayed.after {
            After::Judged { verdict, .. } => verdict.result,
            other => panic!("{other:?}"),
        };
        replayed.iter().map(result).collect()
    }

    fn changed(replayed: &Replayed) -> Vec<&str> {
        let After::Judged { changes, .. } = &replayed.after else { panic!("{replayed:?}") };
        changes.iter().map(|change| change.sli.as_str()).collect()
    }

    #[test]
    fn the_file_that_was_decides_what_it_has_decided() {
        for (a, b) in [("<5", "<5"), ("<=+10%", "<=+0"), (">-1", "<+50%")] {
            for include in ["all", "pass", "pass_or_warn"] {
                let more = format!(
                    "comparison: {{compare_with: several_results, number_of_comparison_results: 2, \
                     include_result_with_score: {include}}}\n"
                );
                let slo = slo(a, b, &more);
                let values: Vec<_> =
                    (0..40).map(|n: i32| (f64::from(n * 7 % 11), f64::from(n * 5 % 13))).collect();
                let history = history(&slo, &values);
                for (replayed, past) in replay(&slo, &history).unwrap().iter().zip(&history) {
                    let After::Judged { verdict, message, changes } = &replayed.after else {
                        panic!("{replayed:?}")
                    };
                    assert_eq!(*verdict, replayed.before);
                    assert_eq!((message, changes.as_slice()), (&past.message, [].as_slice()));
                }
            }
        }
    }

    #[test]
    fn a_changed_verdict_names_the_objectives_that_changed_it() {
        let history =
            history(&slo("<5", "<5", ""), &[(1.0, 1.0), (4.0, 9.0), (9.0, 9.0), (9.0, 1.0)]);
        assert_eq!(
            history.iter().map(|past| past.result).collect::<Vec<_>>(),
            [Pass, Warning, Fail, Warning]
        );
        // The one is stricter, the other looser.
        let replayed = replay(&slo("<2", "<10", ""), &history).unwrap();
        assert_eq!(results(&replayed), [Pass, Warning, Warning, Warning]);
        assert_eq!(changed(&replayed[2]), ["b"]);
        assert_eq!(changed(&replayed[1]), [""; 0]);
        let replayed = replay(&slo("<5", "<0", ""), &history).unwrap();
        assert_eq!(results(&replayed), [Warning, Warning, Fail, Fail]);
        assert_eq!(changed(&replayed[0]), ["b"]);
        let After::Judged { changes, .. } = &replayed[0].after else { panic!() };
        let met = |status, score| Some(Met { status, score, key_sli: false });
        assert_eq!(changes[0].before, met(IndicatorStatus::Pass, 1.0));
        assert_eq!(changes[0].after, met(IndicatorStatus::Fail, 0.0));
        assert_eq!(changes[0].display_name, "B");
    }

    #[test]
    fn an_objective_that_is_gone_is_named_and_a_total_is_not() {
        let before = slo("<5", "<5", "");
        let history = history(&before, &[(1.0, 9.0)]);
        let mut after = before.clone();
        after.objectives.remove(1);
        let replayed = replay(&after, &history).unwrap();
        assert_eq!((results(&replayed), changed(&replayed[0])), (vec![Pass], vec!["b"]));
        let mut after = before;
        after.total_score = Targets::parse("50%", "");
        let replayed = replay(&after, &history).unwrap();
        assert_eq!((results(&replayed), changed(&replayed[0])), (vec![Pass], vec![]));
    }

    #[test]
    fn what_only_informed_changes_no_verdict() {
        let before = slo("<5", "<5", "");
        let history = history(&before, &[(1.0, 9.0)]);
        let mut after = before.clone();
        after.total_score = Targets::parse("50%", "");
        after.objectives.pop();
        let replayed = replay(&after, &history).unwrap();
        assert_eq!((results(&replayed), changed(&replayed[0])), (vec![Pass], vec![]));
    }

    #[test]
    fn what_is_compared_with_is_chosen_by_how_it_would_have_ended() {
        let include =
            "comparison: {compare_with: single_result, include_result_with_score: pass}\n";
        let before = slo("<100", "<100", include);
        let history = history(&before, &[(10.0, 1.0), (20.0, 1.0), (11.0, 1.0)]);
        // The second would not have passed, so the third is compared with the first.
        let replayed = replay(&slo("<=+10%", "<100", include), &history).unwrap();
        assert_eq!(results(&replayed), [Pass, Warning, Pass]);
    }

    #[test]
    fn what_nobody_measured_is_not_guessed() {
        let before = slo("<5", "<5", "");
        let mut history = history(&before, &[(1.0, 1.0), (1.0, 1.0)]);
        history[0].indicators.clear();
        let mut after = before.clone();
        after.objectives[1].sli = "new".to_owned();
        let replayed = replay(&after, &history).unwrap();
        assert_eq!(replayed[0].after, After::Kept);
        assert_eq!(replayed[1].after, After::Unmeasured(vec!["new".to_owned()]));
        // What only informs decides nothing.
        after.objectives[1].pass.clear();
        assert_eq!(results(&replay(&after, &history[1..]).unwrap()), [Pass]);
    }

    #[test]
    fn what_only_informs_is_no_reason_for_another_result() {
        let before = slo("<5", "<5", "");
        let mut history = history(&before, &[(1.0, 9.0)]);
        // Nothing was measured for what only informs: the event does not even name it.
        history[0].indicators[2].value = None;
        let mut after = slo("<5", "<10", "");
        after.objectives[2].sli = "d".to_owned();
        let replayed = replay(&after, &history).unwrap();
        assert_eq!((results(&replayed), changed(&replayed[0])), (vec![Pass], vec!["b"]));
    }

    #[test]
    fn a_provider_that_could_measure_nothing_fails_again() {
        let slo = slo("<5", "<5", "");
        let mut history = history(&slo, &[(1.0, 1.0)]);
        history[0].result = Fail;
        history[0].message = "lighthouse failed because SLI failed with message down".to_owned();
        let replayed = replay(&slo, &history).unwrap();
        assert_eq!(results(&replayed), [Fail]);
    }

    #[test]
    fn an_invalid_evaluation_is_judged_but_not_compared_with() {
        let slo = slo("<=+0", "<100", "");
        let mut history = history(&slo, &[(10.0, 1.0), (5.0, 1.0), (8.0, 1.0)]);
        assert_eq!(history[2].result, Warning);
        history[1].invalidated = true;
        assert_eq!(results(&replay(&slo, &history).unwrap()), [Pass, Pass, Pass]);
    }

    #[test]
    fn ten_thousand_evaluations_are_judged_again() {
        let more = "comparison: {compare_with: several_results, number_of_comparison_results: 100, \
                    aggregate_function: p90}\n";
        let before = slo("<=+10%", "<9", more);
        let few: Vec<_> = (0..100).map(|n: i32| (f64::from(n % 7), f64::from(n % 10))).collect();
        let one = history(&before, &few);
        let many: Vec<Past> = one.iter().cycle().take(10_000).cloned().collect();
        let replayed = replay(&slo("<=+10%", "<5", more), &many).unwrap();
        assert_eq!(replayed.len(), 10_000);
        assert!(replayed.iter().any(|replayed| changed(replayed) == ["b"]));
    }
}
