//! Histories that a file has made, judged again by others.

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
    let history = history(&slo("<5", "<5", ""), &[(1.0, 1.0), (4.0, 9.0), (9.0, 9.0), (9.0, 1.0)]);
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
    let include = "comparison: {compare_with: single_result, include_result_with_score: pass}\n";
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

#[test]
fn a_file_that_decides_nothing_is_refused_with_what_to_write() {
    let told = |more: &str, total: &str| {
        let text =
            format!("objectives: [{{sli: a, pass: [{{criteria: ['<1']}}]}}]\n{total}\n{more}");
        replay(&Slo::parse(&text).unwrap(), &[]).map_err(|error| error.to_string())
    };
    let good = "total_score: {pass: 90%}";
    assert_eq!(told("", good), Ok(Vec::new()));
    for (more, total, says) in [
        (
            "",
            "",
            "no target score defined, so every evaluation would end errored; write total_score: {pass: 90%}",
        ),
        (
            "",
            "total_score: {pass: 90%, warning: some}",
            "could not parse warning target percentage, so every evaluation would end errored; write it like 75%",
        ),
        (
            "comparison: {compare_with: several_results, number_of_comparison_results: 101}",
            good,
            "could not retrieve previous evaluation.finished events, so every evaluation would end errored; \
             compare with 1 to 100 of them",
        ),
    ] {
        assert_eq!(told(more, total), Err(says.to_owned()));
    }
}

#[test]
fn what_the_first_of_the_last_was_compared_with_is_read_too() {
    let more = "comparison: {compare_with: several_results, number_of_comparison_results: 100}\n";
    let slo = slo("<=+10%", "<9", more);
    // Each is slower than what was before, so none passes but the very first.
    let values: Vec<_> = (1..=300).map(|n: i32| (f64::from(n * n), 1.0)).collect();
    let all = history(&slo, &values);
    let (last, read) = (90, reach(90));
    let replayed = replay(&slo, &all[all.len() - read..]).unwrap();
    let told = &replayed[read - last..];
    assert_eq!(told.len(), last);
    assert!(
        told.iter()
            .all(|one| matches!(one.after, After::Judged { verdict, .. } if verdict == one.before))
    );
}
