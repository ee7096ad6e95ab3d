//! What goes in and what comes out, in the form that Keptn's events have: `get-sli.finished` and
//! `evaluation.finished`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::event::{Outcome, Status, TaskResult};
use crate::excerpt::sentence;
use crate::go::whole;

/// From when to when is evaluated, as texts: usually `2022-01-31T10:00:00.000Z`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeframe {
    /// `start`
    pub start: String,
    /// `end`
    pub end: String,
}

/// One measured value, as its provider sent it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SliResult {
    /// The name of the indicator.
    #[serde(deserialize_with = "or_default")]
    pub metric: String,
    /// What was measured. Finite where it came as JSON.
    #[serde(deserialize_with = "or_default", serialize_with = "number")]
    pub value: f64,
    /// The aggregate of what was measured before; 0 where there is none.
    #[serde(deserialize_with = "or_default", serialize_with = "number")]
    pub compared_value: f64,
    /// Whether there is a value at all.
    #[serde(deserialize_with = "or_default")]
    pub success: bool,
    /// Why there is none.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How one criterion was met.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TargetResult {
    /// The criterion, as it is written in the file.
    #[serde(deserialize_with = "or_default")]
    pub criteria: String,
    /// The number that was compared with. Keptn 1.4: 0 where nothing was measured before, and the plain
    /// aggregate where a relative criterion has no value to judge.
    #[serde(deserialize_with = "or_default", serialize_with = "number")]
    pub target_value: f64,
    /// Whether it was not met.
    #[serde(deserialize_with = "or_default")]
    pub violated: bool,
}

/// How one objective was met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IndicatorStatus {
    /// Its pass criteria were.
    Pass,
    /// Only its warning criteria were.
    Warning,
    /// None were, or there is no value; also whatever is none of the others.
    #[default]
    Fail,
    /// It has no pass criteria, and only informs.
    Info,
}

impl IndicatorStatus {
    /// The one that a word on the wire means; whatever is none of the others is [`Self::Fail`].
    #[must_use]
    pub fn named(word: &str) -> Self {
        match word {
            "pass" => Self::Pass,
            "warning" => Self::Warning,
            "info" => Self::Info,
            _ => Self::Fail,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warning => "warning",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

impl<'de> Deserialize<'de> for IndicatorStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::named(&String::deserialize(deserializer)?))
    }
}

/// What one objective made of one value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IndicatorResult {
    /// Its weight, half of it, or 0.
    #[serde(deserialize_with = "or_default", serialize_with = "number")]
    pub score: f64,
    /// The value; none where an objective that only informs got none.
    pub value: Option<SliResult>,
    /// The objective's `displayName`, which may be empty.
    #[serde(deserialize_with = "or_default")]
    pub display_name: String,
    /// How the pass criteria were met. Keptn 1.4: null, not empty, where there are none to judge.
    pub pass_targets: Option<Vec<TargetResult>>,
    /// How the warning criteria were met; null as above.
    pub warning_targets: Option<Vec<TargetResult>>,
    /// Whether the objective must be met. Keptn 1.4: not told where there was no value.
    #[serde(deserialize_with = "or_default")]
    pub key_sli: bool,
    /// How the objective was met.
    #[serde(deserialize_with = "or_default")]
    pub status: IndicatorStatus,
}

/// `data.evaluation` of `evaluation.finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// From when was evaluated.
    #[serde(default, deserialize_with = "or_default")]
    pub time_start: String,
    /// Until when.
    #[serde(default, deserialize_with = "or_default")]
    pub time_end: String,
    /// What the objectives say. The event's own `data.result` may say otherwise. Any other word is `fail`.
    #[serde(default = "fail", deserialize_with = "result")]
    pub result: TaskResult,
    /// In percent of what can be had; beyond 0 to 100 where weights are negative.
    #[serde(default, deserialize_with = "or_default", serialize_with = "number")]
    pub score: f64,
    /// `slo.yaml` as it was stored, in base64; empty where it was not looked at.
    #[serde(default, deserialize_with = "or_default")]
    pub slo_file_content: String,
    /// One for each objective; null where they were not judged.
    #[serde(default)]
    pub indicator_results: Option<Vec<IndicatorResult>>,
    /// The ids of the evaluations that were compared with, newest first.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub compared_events: Vec<String>,
}

/// What an evaluation says.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// `data.result` and `data.status`
    pub outcome: Outcome,
    /// `data.message`; empty where all is said.
    pub message: String,
    /// `data.evaluation`
    pub details: Details,
}

impl Evaluation {
    /// One that could not be made: errored, with what is wrong.
    #[must_use]
    pub fn errored(timeframe: &Timeframe, message: impl Into<String>) -> Self {
        let details = Details::blank(timeframe, TaskResult::Fail);
        Self { outcome: Outcome::ERROR, message: message.into(), details }
    }

    /// Nobody is configured who measures anything for a project. Keptn 1.4: that passes, with score 0.
    #[must_use]
    pub fn no_provider(timeframe: &Timeframe, project: &str) -> Self {
        let message = format!(
            "no evaluation performed by lighthouse because no SLI-provider configured for project \
             {project}"
        );
        let details = Details::blank(timeframe, TaskResult::Pass);
        Self { outcome: Outcome::PASS, message, details }
    }

    /// The same, with the file that was read for it; an empty text is none.
    #[must_use]
    pub fn of_file(mut self, slo: &str) -> Self {
        self.details.slo_file_content = BASE64_STANDARD.encode(slo);
        self
    }

    /// Writes it into the data of an event. What is empty is left out, as in Keptn.
    pub fn write(&self, data: &mut Map<String, Value>) {
        self.outcome.write(data);
        if self.message.is_empty() {
            data.remove("message");
        } else {
            data.insert("message".to_owned(), Value::from(self.message.as_str()));
        }
        let details = serde_json::to_value(&self.details).unwrap_or(Value::Null);
        data.insert("evaluation".to_owned(), details);
    }
}

impl Details {
    /// `slo.yaml` as it was when the evaluation was made; none where it was not looked at, or is no text.
    #[must_use]
    pub fn slo(&self) -> Option<String> {
        let bytes = BASE64_STANDARD.decode(&self.slo_file_content).ok()?;
        String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }

    /// Nothing was judged.
    pub(super) fn blank(timeframe: &Timeframe, result: TaskResult) -> Self {
        Self {
            time_start: timeframe.start.clone(),
            time_end: timeframe.end.clone(),
            result,
            score: 0.0,
            slo_file_content: String::new(),
            indicator_results: None,
            compared_events: Vec::new(),
        }
    }
}

/// How the provider ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SliStatus {
    /// It did what it could; also whatever is none of the others.
    #[default]
    Ended,
    /// It could not.
    Errored,
    /// Somebody stopped it.
    Aborted,
}

/// What a provider answered: the data of `get-sli.finished`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SliAnswer {
    /// `data.status`
    pub status: SliStatus,
    /// Whether `data.result` is `fail`: nothing could be measured. A warning has no effect.
    pub failed: bool,
    /// `data.message`
    pub message: String,
    /// `data.get-sli.start` and `end`
    pub timeframe: Timeframe,
    /// `data.get-sli.indicatorValues`; none stands for a null among them.
    pub values: Vec<Option<SliResult>>,
}

impl SliAnswer {
    /// Reads the data of a `get-sli.finished` event.
    ///
    /// # Errors
    /// A sentence that says what in it cannot be read.
    pub fn of(data: &Map<String, Value>) -> Result<Self, String> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct GetSli {
            #[serde(deserialize_with = "or_default")]
            start: String,
            #[serde(deserialize_with = "or_default")]
            end: String,
            #[serde(deserialize_with = "or_default")]
            indicator_values: Vec<Option<SliResult>>,
        }
        let text = |key| crate::event::text(data, key);
        let get_sli = match data.get("get-sli") {
            None | Some(Value::Null) => GetSli::default(),
            Some(value) => GetSli::deserialize(value)
                .map_err(|error| sentence(format!("data.get-sli cannot be read: {error}")))?,
        };
        Ok(Self {
            status: SliStatus::named(text("status")),
            failed: text("result") == TaskResult::Fail.as_str(),
            message: text("message").to_owned(),
            timeframe: Timeframe { start: get_sli.start, end: get_sli.end },
            values: get_sli.indicator_values,
        })
    }
}

impl SliStatus {
    /// The one that has this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        if name == Status::Errored.as_str() {
            Self::Errored
        } else if name == Status::Aborted.as_str() {
            Self::Aborted
        } else {
            Self::Ended
        }
    }
}

fn fail() -> TaskResult {
    TaskResult::Fail
}

fn result<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TaskResult, D::Error> {
    Ok(TaskResult::named(&or_default::<D, String>(deserializer)?))
}

/// Go reads null as the empty value.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A double as Go writes it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn number<S: Serializer>(float: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match whole(*float) {
        Some(integer) => serializer.serialize_i64(integer),
        None => serializer.serialize_f64(*float),
    }
}
