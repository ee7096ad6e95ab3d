//! What a provider answers: the data of `get-sli.started` and `get-sli.finished`.

use serde_json::{Map, Value, json};

use super::request::GetSli;
use crate::event::{Outcome, TaskResult, answer_to};
use crate::excerpt::excerpt;
use crate::quality::SliResult;

/// Longest message about one value, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024;

/// What became of one indicator.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    metric: String,
    value: Result<f64, String>,
}

impl Measurement {
    /// The value of an indicator, or why there is none. What is not finite is none: JSON cannot carry it.
    #[must_use]
    pub fn new(metric: impl Into<String>, value: Result<f64, String>) -> Self {
        let value = match value {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(number) => Err(format!("the value is {number}, which is no finite number")),
            Err(message) => Err(excerpt(&message, MESSAGE_BYTES_MAX).into_owned()),
        };
        Self { metric: metric.into(), value }
    }

    /// The name of the indicator.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Its value, which is finite, or why there is none.
    ///
    /// # Errors
    /// The message that the gate shows.
    pub fn value(&self) -> Result<f64, &str> {
        self.value.as_ref().copied().map_err(String::as_str)
    }

    fn to_json(&self) -> Value {
        let (value, message) = match &self.value {
            Ok(number) => (*number, String::new()),
            Err(message) => (0.0, message.clone()),
        };
        let (metric, success) = (self.metric.clone(), self.value.is_ok());
        let result = SliResult { metric, value, compared_value: 0.0, success, message };
        // Texts, a flag and numbers that are finite: this cannot fail.
        serde_json::to_value(result).unwrap_or_default()
    }
}

/// The data of `get-sli.started`.
#[must_use]
pub fn started(question: &GetSli) -> Map<String, Value> {
    question.common.clone()
}

/// The data of `get-sli.finished` when every indicator was asked for. Keptn 1.4: the status is always
/// `succeeded`; the result is `pass` where every value is there, or none was wanted, `warning` where some
/// are missing, and `fail` where all are.
#[must_use]
pub fn finished(question: &GetSli, values: &[Measurement]) -> Map<String, Value> {
    let mut data = question.common.clone();
    let missing = values.iter().filter(|value| value.value.is_err()).count();
    let result = match missing {
        0 => TaskResult::Pass,
        some if some < values.len() => TaskResult::Warning,
        _ => TaskResult::Fail,
    };
    Outcome { result, ..Outcome::PASS }.write(&mut data);
    if result == TaskResult::Fail {
        data.insert("message".to_owned(), Value::from("unable to retrieve metrics"));
    }
    let mut answer = json!({"start": question.start, "end": question.end});
    if !values.is_empty() {
        answer["indicatorValues"] = values.iter().map(Measurement::to_json).collect();
    }
    data.insert("get-sli".to_owned(), answer);
    data
}

/// The data of `get-sli.finished` when nothing could be asked for: the question, the files or the time
/// cannot be read. `asked` is the data of the question, whatever they are.
#[must_use]
pub fn errored(asked: &Map<String, Value>, message: &str) -> Map<String, Value> {
    let mut data = answer_to(asked);
    Outcome::ERROR.write(&mut data);
    data.insert("message".to_owned(), Value::from(message));
    let field = |key| asked.get("get-sli").and_then(|asked| asked.get(key)).and_then(Value::as_str);
    let (start, end) = (field("start").unwrap_or_default(), field("end").unwrap_or_default());
    data.insert("get-sli".to_owned(), json!({"start": start, "end": end}));
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::{SliAnswer, SliStatus};
    use crate::sli::request::tests::asked;

    fn question() -> GetSli {
        let inherited = json!({"labels": {"a": "b"}, "result": "fail", "status": "errored",
            "message": "old", "evaluation": {"result": "fail"}});
        GetSli::of(&asked(inherited, json!({"indicators": ["a", "b"]}))).unwrap()
    }

    fn got(metric: &str) -> Measurement {
        Measurement::new(metric, Ok(0.5))
    }

    fn lost(metric: &str) -> Measurement {
        Measurement::new(metric, Err("no data".to_owned()))
    }

    #[test]
    fn an_answer_has_the_shape_of_keptns() {
        let data = finished(&question(), &[got("a"), lost("b")]);
        assert_eq!(
            Value::from(data),
            json!({"project": "shop", "stage": "qa", "service": "carts", "labels": {"a": "b"},
                "status": "succeeded", "result": "warning",
                "get-sli": {"start": "2022-01-31T10:00:00.000Z", "end": "2022-01-31T10:05:00.000Z",
                    "indicatorValues": [
                        {"metric": "a", "value": 0.5, "comparedValue": 0, "success": true},
                        {"metric": "b", "value": 0, "comparedValue": 0, "success": false,
                            "message": "no data"}]}})
        );
    }

    #[test]
    fn a_quality_gate_reads_what_a_provider_answers() {
        let answer = SliAnswer::of(&finished(&question(), &[lost("a"), lost("b")])).unwrap();
        assert_eq!((answer.status, answer.failed), (SliStatus::Ended, true));
        assert_eq!(answer.message, "unable to retrieve metrics");
        assert_eq!(answer.timeframe.end, "2022-01-31T10:05:00.000Z");
        let answer = SliAnswer::of(&finished(&question(), &[got("a"), lost("b")])).unwrap();
        assert!(!answer.failed);
        let values: Vec<_> = answer.values.into_iter().flatten().collect();
        assert_eq!(
            (values[0].metric.as_str(), values[0].value, values[0].success),
            ("a", 0.5, true)
        );
        assert_eq!((values[1].message.as_str(), values[1].success), ("no data", false));
        let answer = SliAnswer::of(&errored(&asked(json!({}), json!({})), "why")).unwrap();
        assert_eq!((answer.status, answer.message.as_str()), (SliStatus::Errored, "why"));
    }

    #[test]
    fn the_result_says_how_many_values_are_missing() {
        for (values, result, message) in [
            (vec![], "pass", None),
            (vec![got("a"), got("b")], "pass", None),
            (vec![got("a"), lost("b")], "warning", None),
            (vec![lost("a"), lost("b")], "fail", Some("unable to retrieve metrics")),
        ] {
            let data = finished(&question(), &values);
            assert_eq!(data["result"], result);
            assert_eq!(data["status"], "succeeded");
            assert_eq!(data.get("message").and_then(Value::as_str), message);
            assert_eq!(data["get-sli"].get("indicatorValues").is_some(), !values.is_empty());
        }
    }

    #[test]
    fn what_earlier_tasks_left_is_not_in_the_answer() {
        let begun = started(&question());
        assert_eq!(begun.keys().collect::<Vec<_>>(), ["labels", "project", "service", "stage"]);
        let data = finished(&question(), &[got("a"), got("b")]);
        assert!(!data.contains_key("message") && !data.contains_key("evaluation"));
    }

    #[test]
    fn a_value_that_is_not_finite_is_none() {
        for (number, word) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-f64::INFINITY, "-inf")]
        {
            let value = Measurement::new("m", Ok(number));
            assert_eq!(
                value.value(),
                Err(format!("the value is {word}, which is no finite number").as_str())
            );
            assert_eq!(value.to_json()["value"], 0);
        }
    }

    #[test]
    fn a_message_is_bounded() {
        let value = Measurement::new("m", Err("x".repeat(10_000)));
        let message = value.value().unwrap_err();
        assert!(message.len() < MESSAGE_BYTES_MAX + 10 && message.ends_with("x…"));
    }

    #[test]
    fn a_question_that_cannot_be_read_is_answered_all_the_same() {
        let data = errored(&asked(json!({"deployment": 1}), json!({"end": 7})), "why");
        assert_eq!(
            Value::from(data),
            json!({"project": "shop", "stage": "qa", "service": "carts",
                "status": "errored", "result": "fail", "message": "why",
                "get-sli": {"start": "2022-01-31T10:00:00.000Z", "end": ""}})
        );
        let data = errored(&Map::new(), "why");
        assert_eq!(data["get-sli"], json!({"start": "", "end": ""}));
    }
}
