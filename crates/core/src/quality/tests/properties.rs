//! What holds of every file and every value. A case comes from its seed alone.

use serde_json::Value;

use super::*;
use crate::dice::Dice;
use crate::event::{Scope, TaskResult};

/// Seeds that are tried.
const CASES: u64 = 2_000;
/// Names that objectives and values draw from.
const METRICS: [&str; 4] = ["a", "b", "c", "d"];

fn scope() -> Scope {
    serde_json::from_str(r#"{"project": "p", "stage": "s", "service": "v"}"#).unwrap()
}

fn dice(seed: u64) -> Dice {
    Dice::new(seed)
}

/// One of these, with a sign or without: only upper bounds, so that less is never worse.
fn upper_bound(dice: &mut Dice) -> Criterion {
    let operator = dice.pick(&["<", "<="]);
    let (sign, mark) = (dice.pick(&["", "+", "-"]), dice.pick(&["", "%"]));
    Criterion::new(format!("{operator}{sign}{}{mark}", dice.below(40)))
}

fn groups(dice: &mut Dice) -> Vec<Group> {
    let group = |dice: &mut Dice| Group {
        criteria: (0..=dice.below(2)).map(|_| upper_bound(dice)).collect(),
    };
    (0..=dice.below(2)).map(|_| group(dice)).collect()
}

/// A file whose objectives each judge a value of their own and weigh something.
fn slo(dice: &mut Dice) -> Slo {
    let objective = |dice: &mut Dice, sli: &str| Objective {
        sli: sli.to_owned(),
        display_name: String::new(),
        pass: if dice.percent(80) { groups(dice) } else { Vec::new() },
        warning: if dice.percent(50) { groups(dice) } else { Vec::new() },
        weight: i64::try_from(1 + dice.below(4)).unwrap(),
        key_sli: dice.percent(15),
    };
    let number = i64::try_from(1 + dice.below(3)).unwrap();
    let (pass, warning) = (dice.below(101), dice.below(101));
    Slo {
        spec_version: String::new(),
        filter: Default::default(),
        comparison: Comparison { number, ..Comparison::default() },
        objectives: METRICS.iter().map(|sli| objective(dice, sli)).collect(),
        total_score: Targets::parse(&format!("{pass}%"), &format!("{warning}%")),
    }
}

fn values(dice: &mut Dice) -> Vec<SliResult> {
    let value = |dice: &mut Dice, metric: &str| SliResult {
        metric: metric.to_owned(),
        value: f64::from(u32::try_from(dice.below(60)).unwrap()),
        success: dice.percent(95),
        ..SliResult::default()
    };
    METRICS.iter().map(|metric| value(dice, metric)).collect()
}

fn past(dice: &mut Dice) -> Vec<Past> {
    let past = |dice: &mut Dice| Past {
        id: "e".to_owned(),
        result: [TaskResult::Pass, TaskResult::Warning, TaskResult::Fail][dice.below(3)],
        score: 0.0,
        invalidated: false,
        message: String::new(),
        indicators: values(dice)
            .into_iter()
            .map(|value| IndicatorResult { value: Some(value), ..IndicatorResult::default() })
            .collect(),
    };
    (0..dice.below(4)).map(|_| past(dice)).collect()
}

fn judged(slo: &Slo, values: &[SliResult], past: &[Past]) -> Evaluation {
    let values = values.iter().cloned().map(Some).collect();
    let answer = SliAnswer { values, ..SliAnswer::default() };
    evaluate::judge(slo, &answer, &slo.comparison.choose(past).unwrap())
}

#[test]
fn a_better_value_never_makes_the_result_worse() {
    for seed in 0..CASES {
        let dice = &mut dice(seed);
        let (slo, mut values, past) = (slo(dice), values(dice), past(dice));
        let before = judged(&slo, &values, &past);
        let better = dice.below(values.len());
        values[better].value -= 10.0;
        values[better].success = true;
        let after = judged(&slo, &values, &past);
        assert!(after.outcome.result <= before.outcome.result, "seed {seed}");
        assert!(after.details.score >= before.details.score, "seed {seed}");
    }
}

#[test]
fn the_order_of_objectives_and_values_does_not_matter() {
    for seed in 0..CASES {
        let dice = &mut dice(seed);
        let (mut slo, mut values, past) = (slo(dice), values(dice), past(dice));
        let before = judged(&slo, &values, &past);
        for _ in 0..3 {
            let (one, other) = (dice.below(METRICS.len()), dice.below(METRICS.len()));
            slo.objectives.swap(one, other);
            values.swap(other, one);
            values.reverse();
        }
        let after = judged(&slo, &values, &past);
        assert_eq!(before.outcome, after.outcome, "seed {seed}");
        assert_eq!(before.details.score.to_bits(), after.details.score.to_bits(), "seed {seed}");
        let sorted = |evaluation: Evaluation| {
            let mut indicators = evaluation.details.indicator_results.unwrap();
            indicators.sort_by_key(|indicator| indicator.value.as_ref().unwrap().metric.clone());
            indicators
        };
        assert_eq!(sorted(before), sorted(after), "seed {seed}");
    }
}

#[test]
fn a_key_objective_that_fails_fails_all_and_others_change_nothing() {
    let (mut failed, mut held) = (0, 0);
    for seed in 0..CASES {
        let dice = &mut dice(seed);
        let (mut slo, values, past) = (slo(dice), values(dice), past(dice));
        slo.objectives.iter_mut().for_each(|objective| objective.key_sli = false);
        let before = judged(&slo, &values, &past);
        let key = dice.below(METRICS.len());
        slo.objectives[key].key_sli = true;
        let after = judged(&slo, &values, &past);
        let status = before.details.indicator_results.as_ref().unwrap()[key].status;
        if status == IndicatorStatus::Fail {
            failed += 1;
            assert_eq!(after.outcome.result, TaskResult::Fail, "seed {seed}");
        } else {
            held += 1;
            assert_eq!(after.outcome, before.outcome, "seed {seed}");
        }
        assert_eq!(after.details.score.to_bits(), before.details.score.to_bits(), "seed {seed}");
    }
    assert!(failed > 100 && held > 100, "{failed} {held}");
}

/// Numbers at the ends of what a double can be.
const EDGES: [f64; 12] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    1e308,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// What is put into files to break them.
const SPLINTERS: [&str; 34] = [
    "\t", "\n", " ", "  ", "- ", ": ", "\"", "'", "#", "&a ", "*a", "!", "!!int ", "|", ">", "%",
    "{", "}", "[", "]", ",", "? ", "~", "null", "<<: *a", "---\n", "\u{feff}", "\0", "é",
    "\u{2028}", "<=+inf%", ">nan", "0x1p4", "1e400",
];

fn broken(dice: &mut Dice, files: &[String]) -> String {
    let mut text = files[dice.below(files.len())].clone();
    for _ in 0..dice.below(4) {
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[dice.below(places.len())];
        if dice.percent(60) {
            text.insert_str(at, dice.pick(&SPLINTERS));
        } else {
            let end = places[dice.below(places.len())].clamp(at, text.len().min(at + 12));
            let end = places.iter().copied().filter(|place| *place <= end).max().unwrap_or(at);
            text.replace_range(at..end.max(at), "");
        }
    }
    text
}

#[test]
fn whatever_comes_in_an_evaluation_comes_out_that_json_can_hold() {
    let cases: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    let files: Vec<String> =
        cases.iter().map(|case| case["slo"].as_str().unwrap().to_owned()).collect();
    let scope = scope();
    let (mut read, mut infinite) = (0, 0);
    for seed in 0..3 * CASES {
        let dice = &mut dice(seed);
        let text = broken(dice, &files);
        let mut odd = |dice: &mut Dice, metric: &str| {
            let mut value = || EDGES[dice.below(EDGES.len())];
            let (value, compared_value) = (value(), value());
            infinite += u32::from(!value.is_finite());
            let metric = metric.to_owned();
            let message = String::new();
            Some(SliResult { metric, value, compared_value, success: dice.percent(90), message })
        };
        let values = ["response_time_p95", "error_rate", "throughput", "heap_used_mb"];
        let mut values: Vec<_> = values.iter().map(|metric| odd(dice, metric)).collect();
        if dice.percent(5) {
            values.push(None);
        }
        let answer = SliAnswer { values, failed: dice.percent(5), ..SliAnswer::default() };
        let mut past = past(dice);
        for value in past.iter_mut().flat_map(|past| &mut past.indicators) {
            value.value = odd(dice, "response_time_p95");
        }
        let question = Question { scope: &scope, slo: &text, answer: &answer, earlier: &past };
        let evaluation = evaluate(&question);
        let written = serde_json::to_string(&evaluation.details).unwrap();
        let again: Details = serde_json::from_str(&written)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}: {written}"));
        assert_eq!(again, evaluation.details, "seed {seed}");
        if let Ok(slo) = Slo::parse(&text) {
            read += 1;
            for finding in lint(&text) {
                assert!(!finding.problem.contains('\n'), "seed {seed}: {finding}");
            }
            let replayed = replay(&slo, &past);
            assert!(replayed.is_err() || replayed.is_ok_and(|all| all.len() == past.len()));
        }
    }
    assert!(read > CASES && infinite > 1_000, "{read} {infinite}");
}
