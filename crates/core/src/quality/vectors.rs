//! Conformance vectors: recorded cases with the evaluation that each must have.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Evaluation, IndicatorResult, IndicatorStatus, Past, Question, SliAnswer, SliResult, SliStatus,
    evaluate,
};
use crate::event::{Scope, TaskResult};
use crate::excerpt::{excerpt, sentence};
use crate::names::{NameError, ProjectName, ServiceName, StageName};

/// How a set of cases went.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Cases whose evaluation is the recorded one.
    pub passed: usize,
    /// Cases whose evaluation is another one.
    pub failed: usize,
    /// What is different, in the order of the cases.
    pub differences: Vec<Difference>,
}

/// One value that is not the recorded one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The name of the case.
    pub case: String,
    /// Where in it, such as `indicatorResults[0].score`.
    pub path: String,
    /// What is recorded.
    pub expected: Value,
    /// What came out.
    pub found: Value,
}

/// Why a text is no set of cases.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// Not the JSON that is asked for: place and reason.
    #[error("not a list of cases: {}", sentence(.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// A case that says nothing of what must come out.
    #[error("case {:?} has neither expected nor expectedError with expectedEvent", excerpt(.0, 100))]
    NoExpectation(String),
    /// The names that the cases are evaluated under cannot be names.
    #[error("{0}")]
    Name(#[from] NameError),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, path, expected, found } = self;
        write!(f, "{case}: {path} is {found}, and must be {expected}")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    slo: String,
    sli_results: Vec<SliResult>,
    previous: Vec<Previous>,
    #[serde(default)]
    get_sli: Option<GetSli>,
    #[serde(default)]
    expected: Option<Value>,
    #[serde(default)]
    expected_error: Option<String>,
    #[serde(default)]
    expected_event: Option<Value>,
}

#[derive(Deserialize)]
struct GetSli {
    #[serde(default)]
    status: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Previous {
    id: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    score: f64,
    #[serde(default)]
    invalidated: bool,
    #[serde(default)]
    indicator_results: Option<Vec<Stored>>,
}

/// One stored result, in the flat form of the vectors.
#[derive(Deserialize)]
struct Stored {
    metric: Option<String>,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    score: f64,
    #[serde(default)]
    status: IndicatorStatus,
}

/// Evaluates every case of a file, as project `p`, stage `s` and service `v`. Numbers must be the same to the
/// last bit; that zero has a sign is not seen, as JSON writes both alike.
///
/// # Errors
/// The text is no list of cases.
pub fn run(text: &str) -> Result<Report, VectorsError> {
    let cases: Vec<Case> = serde_json::from_str(text)?;
    let scope = Scope {
        project: ProjectName::new("p")?,
        stage: StageName::new("s")?,
        service: ServiceName::new("v")?,
    };
    let mut report = Report { passed: 0, failed: 0, differences: Vec::new() };
    for case in cases {
        let before = report.differences.len();
        case.check(&scope, &mut report.differences)?;
        if report.differences.len() == before {
            report.passed += 1;
        } else {
            report.failed += 1;
        }
    }
    Ok(report)
}

/// Reads an earlier evaluation in the form of the cases' `previous`.
///
/// # Errors
/// It has another form: what in it cannot be read.
pub fn previous(value: &Value) -> Result<Past, serde_json::Error> {
    Previous::deserialize(value).map(Previous::past)
}

impl Case {
    fn check(self, scope: &Scope, differences: &mut Vec<Difference>) -> Result<(), VectorsError> {
        let mut answer = SliAnswer {
            values: self.sli_results.into_iter().map(Some).collect(),
            ..SliAnswer::default()
        };
        if let Some(get_sli) = self.get_sli {
            answer.status = SliStatus::named(&get_sli.status);
            answer.failed = get_sli.result == TaskResult::Fail.as_str();
            answer.message = get_sli.message;
        }
        let earlier: Vec<Past> = self.previous.into_iter().map(Previous::past).collect();
        let question = Question { scope, slo: &self.slo, answer: &answer, earlier: &earlier };
        let found = flat(&evaluate(&question));
        let mut compare = Compare { case: &self.name, differences };
        match (self.expected, self.expected_error, self.expected_event) {
            (Some(expected), None, None) => compare.values("", &expected, &found),
            (None, Some(part), Some(mut event)) => {
                if let Some(fields) = event.as_object_mut() {
                    fields.insert("indicatorResults".to_owned(), Value::Null);
                }
                for (key, expected) in event.as_object().into_iter().flatten() {
                    compare.values(key, expected, &found[key]);
                }
                if !found["message"].as_str().is_some_and(|message| message.contains(&part)) {
                    compare.push("message", &json!(part), &found["message"]);
                }
            }
            _ => return Err(VectorsError::NoExpectation(self.name)),
        }
        Ok(())
    }
}

impl Previous {
    fn past(self) -> Past {
        let indicators = self.indicator_results.unwrap_or_default();
        Past {
            id: self.id,
            result: TaskResult::named(&self.result),
            score: self.score,
            invalidated: self.invalidated,
            message: String::new(),
            indicators: indicators.into_iter().map(Stored::indicator).collect(),
        }
    }
}

impl Stored {
    fn indicator(self) -> IndicatorResult {
        let value = self.metric.map(|metric| SliResult {
            metric,
            value: self.value.unwrap_or_default(),
            success: self.success.unwrap_or_default(),
            ..SliResult::default()
        });
        IndicatorResult { score: self.score, value, status: self.status, ..Default::default() }
    }
}

/// An evaluation in the flat form of the vectors.
fn flat(evaluation: &Evaluation) -> Value {
    let details = &evaluation.details;
    let indicators = details
        .indicator_results
        .as_ref()
        .map(|results| results.iter().map(flat_indicator).collect::<Vec<_>>());
    json!({
        "status": evaluation.outcome.status.as_str(),
        "result": evaluation.outcome.result.as_str(),
        "message": evaluation.message,
        "evaluationResult": details.result.as_str(),
        "score": details.score,
        "comparedEvents": details.compared_events,
        "indicatorResults": indicators,
    })
}

fn flat_indicator(indicator: &IndicatorResult) -> Value {
    let value = indicator.value.as_ref();
    json!({
        "score": indicator.score,
        "status": indicator.status.as_str(),
        "displayName": indicator.display_name,
        "keySli": indicator.key_sli,
        "passTargets": indicator.pass_targets,
        "warningTargets": indicator.warning_targets,
        "metric": value.map(|value| &value.metric),
        "value": value.map(|value| value.value),
        "comparedValue": value.map(|value| value.compared_value),
        "success": value.map(|value| value.success),
        "message": value.map_or("", |value| &value.message),
    })
}

struct Compare<'a> {
    case: &'a str,
    differences: &'a mut Vec<Difference>,
}

impl Compare<'_> {
    fn push(&mut self, path: &str, expected: &Value, found: &Value) {
        self.differences.push(Difference {
            case: self.case.to_owned(),
            path: path.to_owned(),
            expected: expected.clone(),
            found: found.clone(),
        });
    }

    fn values(&mut self, path: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(wanted), Value::Object(fields)) => {
                let keys =
                    wanted.keys().chain(fields.keys().filter(|key| !wanted.contains_key(*key)));
                let null = Value::Null;
                for key in keys {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    match (wanted.get(key), fields.get(key)) {
                        (Some(expected), Some(found)) => self.values(&path, expected, found),
                        (expected, found) => {
                            self.push(&path, expected.unwrap_or(&null), found.unwrap_or(&null));
                        }
                    }
                }
            }
            (Value::Array(wanted), Value::Array(items)) if wanted.len() == items.len() => {
                for (index, (expected, found)) in wanted.iter().zip(items).enumerate() {
                    self.values(&format!("{path}[{index}]"), expected, found);
                }
            }
            (Value::Number(_), Value::Number(_)) if same(expected, found) => {}
            _ if expected == found => {}
            _ => self.push(path, expected, found),
        }
    }
}

/// The same double, whether it is written with a point or without.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => {
            expected.to_bits() == found.to_bits() || expected == 0.0 && found == 0.0
        }
        _ => false,
    }
}
