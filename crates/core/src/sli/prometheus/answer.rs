//! The answer of `/api/v1/query`: one value, or why there is none.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::excerpt::{excerpt, sentence};

/// Why an answer is no value. The words are those of Keptn's prometheus-service where it has some.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// The question did not get through, or Prometheus refused it: what was said.
    #[error("unable to query prometheus api: {0}")]
    Refused(String),
    /// A scalar, a matrix or a text: which, and what.
    #[error(
        "prometheus api response is not a Vector: it is a {0}; write a query that gives one series, \
         such as sum(…) or vector(…)"
    )]
    NotAVector(String),
    /// No series. A monitoring system that was set up just now has none yet.
    #[error("query did not return any values")]
    NoValues,
    /// More than one series: how many.
    #[error("query did return multiple values: {0} series; put sum(…), avg(…) or max(…) around it")]
    MultipleValues(usize),
    /// `NaN`, or a histogram: what it is.
    #[error("query did not return valid values: {0}")]
    Invalid(String),
    /// `+Inf` or `-Inf`. Keptn 1.4 takes it for a value, and then cannot write its event.
    #[error("query did not return a finite value: it is {0}, often a division by zero")]
    Infinite(f64),
}

impl AnswerError {
    /// The message for the gate, with the query that it is about.
    #[must_use]
    pub fn about(&self, query: &str) -> String {
        format!("{self} (query: {})", excerpt(query, 1_000))
    }
}

#[derive(Deserialize)]
struct Body {
    status: String,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

/// Reads an answer, whatever its HTTP status. How large it may be is for the caller to say.
///
/// # Errors
/// [`AnswerError`]: there is no value, or not one.
pub fn read_answer(body: &[u8]) -> Result<f64, AnswerError> {
    let body: Body = serde_json::from_slice(body).map_err(|error| foreign(body, &error))?;
    if body.status != "success" {
        let said = excerpt(&body.error, 1_000);
        return Err(AnswerError::Refused(format!("{}: {said}", excerpt(&body.error_type, 100))));
    }
    let Some(data) = body.data else {
        return Err(AnswerError::Refused("the answer has no data".to_owned()));
    };
    match (data.kind.as_str(), &data.result) {
        ("vector", Value::Array(series)) => match series.as_slice() {
            [] => Err(AnswerError::NoValues),
            [one] => value(one),
            all => Err(AnswerError::MultipleValues(all.len())),
        },
        ("vector", _) => Err(AnswerError::Refused("the answer has no list of series".to_owned())),
        (kind, _) => Err(AnswerError::NotAVector(excerpt(kind, 100).into_owned())),
    }
}

/// Something that does not speak Prometheus' language, such as a proxy that shows a page.
fn foreign(body: &[u8], error: &impl fmt::Display) -> AnswerError {
    let start = String::from_utf8_lossy(&body[..body.len().min(100)]);
    let what = format!("the answer is not Prometheus' ({error})");
    AnswerError::Refused(format!("{}: {start:?}", sentence(what)))
}

/// The value of one series: `[time, "number"]`.
fn value(series: &Value) -> Result<f64, AnswerError> {
    let invalid = |what: String| Err(AnswerError::Invalid(what));
    let Some(text) = series["value"][1].as_str() else {
        let what = if series.get("histogram").is_some() { "a histogram" } else { "no number" };
        return invalid(format!("the series has {what}"));
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => invalid("NaN, often zero divided by zero".to_owned()),
        Ok(number) if number.is_infinite() => Err(AnswerError::Infinite(number)),
        Ok(number) => Ok(number),
        Err(_) => invalid(format!("{:?}", excerpt(text, 100))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(kind: &str, result: &Value) -> Result<f64, AnswerError> {
        let body = json!({"status": "success", "data": {"resultType": kind, "result": result},
            "warnings": ["w"]});
        read_answer(body.to_string().as_bytes())
    }

    fn series(text: &str) -> Value {
        json!({"metric": {"job": "x"}, "value": [1643623500.25, text]})
    }

    #[test]
    fn one_series_is_a_value() {
        for (text, number) in [
            ("0.1", 0.1),
            ("1e+06", 1e6),
            ("-3", -3.0),
            ("0", 0.0),
            ("0.30000000000000004", 0.1 + 0.2),
        ] {
            assert_eq!(answered("vector", &json!([series(text)])), Ok(number));
        }
    }

    #[test]
    fn every_other_answer_says_what_it_is() {
        for (kind, result, says) in [
            ("vector", json!([]), "query did not return any values"),
            (
                "vector",
                json!([series("1"), series("2")]),
                "query did return multiple values: 2 series",
            ),
            ("vector", json!([series("NaN")]), "query did not return valid values: NaN"),
            ("vector", json!([series("")]), "query did not return valid values: \"\""),
            ("vector", json!([series("+Inf")]), "query did not return a finite value: it is inf"),
            ("vector", json!([series("-Inf")]), "query did not return a finite value: it is -inf"),
            (
                "vector",
                json!([{"metric": {}, "histogram": [1, {"count": "5"}]}]),
                "query did not return valid values: the series has a histogram",
            ),
            ("vector", json!([7]), "query did not return valid values: the series has no number"),
            (
                "vector",
                json!({}),
                "unable to query prometheus api: the answer has no list of series",
            ),
            ("scalar", json!([1, "1"]), "prometheus api response is not a Vector: it is a scalar"),
            ("matrix", json!([]), "prometheus api response is not a Vector: it is a matrix"),
            ("string", json!([1, "x"]), "prometheus api response is not a Vector: it is a string"),
        ] {
            let error = answered(kind, &result).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_passed_on() {
        let body = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
        let error = read_answer(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "unable to query prometheus api: bad_data: parse error");
        let error = read_answer(br#"{"status":"success"}"#).unwrap_err();
        assert_eq!(error.to_string(), "unable to query prometheus api: the answer has no data");
    }

    #[test]
    fn an_answer_of_somebody_else_is_shown() {
        let error = read_answer(b"<html>502 Bad Gateway</html>").unwrap_err().to_string();
        assert!(error.starts_with("unable to query prometheus api: the answer is not"), "{error}");
        assert!(error.contains("502 Bad Gateway"), "{error}");
        for body in [&b""[..], b"[]", b"null", b"{}", &[0xff; 300]] {
            assert!(matches!(read_answer(body), Err(AnswerError::Refused(_))));
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(read_answer(deep.as_bytes()), Err(AnswerError::Refused(_))));
    }

    #[test]
    fn a_message_names_its_query() {
        let about = AnswerError::NoValues.about("up{job=\"x\"}");
        assert_eq!(about, "query did not return any values (query: up{job=\"x\"})");
        assert!(AnswerError::NoValues.about(&"x".repeat(5_000)).len() < 1_100);
    }
}
