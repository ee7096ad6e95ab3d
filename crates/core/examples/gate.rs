//! What a gate costs: `gate HISTORY`, with as many evaluations of history. Prints nanoseconds as JSON.

use std::time::Instant;

use serde_json::json;
use tidegate_core::event::{Scope, TaskResult};
use tidegate_core::names::{ProjectName, ServiceName, StageName};
use tidegate_core::quality::{
    IndicatorResult, Past, Question, SliAnswer, SliResult, Slo, evaluate, replay,
};

const OBJECTIVES: usize = 20;
const EARLIER: usize = 30;
const REPEATS: usize = 200;

#[allow(clippy::print_stdout, reason = "what is measured is its output")]
fn main() {
    let history = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let text = slo();
    let scope = Scope {
        project: ProjectName::new("bench").expect("a plain name"),
        stage: StageName::new("qa").expect("a plain name"),
        service: ServiceName::new("hello").expect("a plain name"),
    };
    let values = (0..OBJECTIVES).map(|n| Some(value(n, 0))).collect();
    let answer = SliAnswer { values, ..SliAnswer::default() };
    let earlier: Vec<Past> = (0..EARLIER).map(past).collect();
    let question = Question { scope: &scope, slo: &text, answer: &answer, earlier: &earlier };
    let evaluations: Vec<u128> = (0..REPEATS)
        .map(|_| {
            let begin = Instant::now();
            let evaluation = evaluate(&question);
            let took = begin.elapsed();
            assert_eq!(evaluation.outcome.result, TaskResult::Pass, "{}", evaluation.message);
            took.as_nanos()
        })
        .collect();
    let slo = Slo::parse(&text).expect("it is an SLO");
    let history: Vec<Past> = (0..history).map(past).collect();
    let begin = Instant::now();
    let replayed = replay(&slo, &history).expect("it compares with 30");
    let took = begin.elapsed().as_nanos();
    assert_eq!(replayed.len(), history.len());
    println!("{}", json!({"evaluations_ns": evaluations, "replay_ns": took}));
}

fn slo() -> String {
    let objectives: String = (0..OBJECTIVES)
        .map(|n| format!("  - {{ sli: sli{n}, pass: [{{ criteria: ['<=+10%', '<600'] }}] }}\n"))
        .collect();
    format!(
        "comparison: {{ compare_with: several_results, number_of_comparison_results: {EARLIER}, \
         aggregate_function: p95 }}\nobjectives:\n{objectives}total_score: {{ pass: '90%' }}\n"
    )
}

/// Values that differ a little from one evaluation to the next.
#[allow(clippy::cast_precision_loss, reason = "the numbers are small")]
fn value(n: usize, of: usize) -> SliResult {
    let value = 100.0 + n as f64 + (of % 7) as f64 / 10.0;
    SliResult { metric: format!("sli{n}"), value, success: true, ..SliResult::default() }
}

fn past(of: usize) -> Past {
    let indicators = (0..OBJECTIVES)
        .map(|n| IndicatorResult { value: Some(value(n, of)), ..IndicatorResult::default() });
    Past {
        id: of.to_string(),
        result: TaskResult::Pass,
        score: 100.0,
        invalidated: false,
        message: String::new(),
        indicators: indicators.collect(),
    }
}
