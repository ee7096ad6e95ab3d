//! The data fields that every Keptn event shares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::{ProjectName, ServiceName, StageName};

/// Most labels on one event.
pub const LABELS_MAX: usize = 100;
/// Longest label, key and value each, in bytes.
pub const LABEL_BYTES_MAX: usize = 1024;

/// Where an event belongs. All three parts must be there for it to move a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The service.
    pub service: ServiceName,
}

impl Scope {
    /// Reads the scope of event data.
    ///
    /// # Errors
    /// A sentence that says which part is missing or malformed.
    pub fn of(data: &Map<String, Value>) -> Result<Self, String> {
        let part = |key: &str| match data.get(key).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(format!("data.{key} is missing or empty")),
        };
        Ok(Self {
            project: ProjectName::new(part("project")?).map_err(|e| e.to_string())?,
            stage: StageName::new(part("stage")?).map_err(|e| e.to_string())?,
            service: ServiceName::new(part("service")?).map_err(|e| e.to_string())?,
        })
    }

    /// Writes the scope into event data.
    pub fn write(&self, data: &mut Map<String, Value>) {
        for (key, value) in [
            ("project", self.project.as_str()),
            ("stage", self.stage.as_str()),
            ("service", self.service.as_str()),
        ] {
            data.insert(key.to_owned(), Value::from(value));
        }
    }
}

/// `data.result` as the sequence machine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskResult {
    /// Good.
    Pass,
    /// Good enough to go on.
    Warning,
    /// Bad; also whatever is neither of the other two.
    Fail,
}

impl TaskResult {
    /// The one that a word on the wire means. Keptn 1.4: what is neither `pass` nor `warning` counts as
    /// `fail`.
    #[must_use]
    pub fn named(word: &str) -> Self {
        match word {
            "pass" => Self::Pass,
            "warning" => Self::Warning,
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
        }
    }
}

/// `data.status` as the sequence machine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The executor did what it was asked to do.
    Succeeded,
    /// The executor could not do it.
    Errored,
    /// Somebody stopped it.
    Aborted,
    /// None of the above.
    Unknown,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Errored => "errored",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }
}

/// How a task or a sequence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether what was done is good.
    pub result: TaskResult,
    /// Whether it was done.
    pub status: Status,
}

impl Outcome {
    /// Succeeded and passed.
    pub const PASS: Self = Self { result: TaskResult::Pass, status: Status::Succeeded };
    /// Succeeded, and the answer is no.
    pub const FAIL: Self = Self { result: TaskResult::Fail, status: Status::Succeeded };
    /// Could not be done.
    pub const ERROR: Self = Self { result: TaskResult::Fail, status: Status::Errored };
    /// Stopped by somebody. Keptn 1.4 reports `pass` with it.
    pub const ABORTED: Self = Self { result: TaskResult::Pass, status: Status::Aborted };

    /// Reads one executor's answer. Keptn 1.4: an unknown status makes the result `fail`.
    #[must_use]
    pub fn of(data: &Map<String, Value>) -> Self {
        let result = TaskResult::named(text(data, "result"));
        let status = match text(data, "status") {
            "succeeded" => Status::Succeeded,
            "errored" => Status::Errored,
            "aborted" => Status::Aborted,
            _ => Status::Unknown,
        };
        Self { result, status }.settled()
    }

    /// The answer of several executors taken together: worst result; errored before aborted before
    /// unknown before succeeded.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |status| match status {
            Status::Succeeded => 0,
            Status::Unknown => 1,
            Status::Aborted => 2,
            Status::Errored => 3,
        };
        let status =
            if rank(self.status) >= rank(other.status) { self.status } else { other.status };
        Self { result: self.result.max(other.result), status }.settled()
    }

    fn settled(self) -> Self {
        match self.status {
            Status::Unknown => Self { result: TaskResult::Fail, ..self },
            _ => self,
        }
    }

    /// Keptn 1.4: the next task follows unless the result is `fail` or the status `errored`.
    #[must_use]
    pub fn continues(self) -> bool {
        self.result != TaskResult::Fail && self.status != Status::Errored
    }

    /// Writes result and status into event data.
    pub fn write(self, data: &mut Map<String, Value>) {
        data.insert("result".to_owned(), Value::from(self.result.as_str()));
        data.insert("status".to_owned(), Value::from(self.status.as_str()));
    }
}

/// The labels of event data; what is not a text is passed over (parsing refuses it already).
#[must_use]
pub fn labels(data: &Map<String, Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(labels)) = data.get("labels") else { return BTreeMap::new() };
    labels.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

/// What the data of an answer begin with: project, stage, service and labels of what is answered. The
/// `result`, `status` and `message` of earlier tasks are not the answer's, and are not copied.
#[must_use]
pub fn answer_to(data: &Map<String, Value>) -> Map<String, Value> {
    let mut answer = Map::new();
    for key in ["project", "stage", "service", "labels"] {
        match data.get(key) {
            None | Some(Value::Null) => {}
            Some(value) => {
                answer.insert(key.to_owned(), value.clone());
            }
        }
    }
    answer
}

/// A text field of event data; empty where it is absent or no text.
#[must_use]
pub fn text<'a>(data: &'a Map<String, Value>, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(result: &str, status: &str) -> Outcome {
        let mut data = Map::new();
        data.insert("result".into(), result.into());
        data.insert("status".into(), status.into());
        Outcome::of(&data)
    }

    #[test]
    fn unknown_words_fail() {
        assert_eq!(outcome("", "succeeded").result, TaskResult::Fail);
        assert_eq!(outcome("excellent", "succeeded").result, TaskResult::Fail);
        assert_eq!(outcome("pass", "done").result, TaskResult::Fail);
        assert!(!outcome("pass", "done").continues());
    }

    #[test]
    fn warning_and_even_aborted_go_on_but_errors_do_not() {
        assert!(outcome("warning", "succeeded").continues());
        assert!(outcome("pass", "aborted").continues());
        assert!(!outcome("pass", "errored").continues());
        assert!(!outcome("fail", "succeeded").continues());
    }

    #[test]
    fn an_answer_says_where_it_belongs_and_nothing_of_how_others_ended() {
        let asked = serde_json::json!({"project": "p", "stage": "s", "service": null,
            "labels": {"a": "b"}, "result": "fail", "status": "errored", "message": "m", "x": 1});
        let answer = answer_to(asked.as_object().unwrap());
        let expected = serde_json::json!({"project": "p", "stage": "s", "labels": {"a": "b"}});
        assert_eq!(Value::from(answer), expected);
    }

    #[test]
    fn the_worst_of_several_answers_counts() {
        let (pass, warn) = (outcome("pass", "succeeded"), outcome("warning", "succeeded"));
        assert_eq!(pass.and(warn), warn);
        assert_eq!(warn.and(outcome("fail", "succeeded")).result, TaskResult::Fail);
        let errored = pass.and(outcome("pass", "errored"));
        assert_eq!((errored.result, errored.status), (TaskResult::Pass, Status::Errored));
        assert_eq!(outcome("pass", "aborted").and(errored).status, Status::Errored);
        assert_eq!(pass.and(outcome("pass", "odd")).result, TaskResult::Fail);
    }
}
