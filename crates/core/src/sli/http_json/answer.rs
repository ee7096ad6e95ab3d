//! The answer of an endpoint: one number, or what is there instead.

use serde_json::Value;

use crate::excerpt::excerpt;
use crate::job::jsonpath::{JsonPath, JsonPathError};

/// Most that is shown of an answer, in bytes.
const SHOWN_BYTES_MAX: usize = 300;
/// Most values in an answer. Each takes many times its bytes in memory.
const VALUES_MAX: usize = 100_000;

/// Takes secrets out of what an endpoint says: some repeat a key that they do not like.
pub type Hide<'a> = &'a dyn Fn(&str) -> String;

/// Why an answer is no number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// The question did not get through, or what came back is too much: why.
    #[error("unable to query the endpoint: {0}")]
    Failed(String),
    /// A status other than success.
    #[error("unable to query the endpoint: it answered {status}{}", colon(.said))]
    Refused {
        /// Code and words.
        status: String,
        /// How the answer begins; empty where it has nothing.
        said: String,
    },
    /// What is no JSON, such as the page of a proxy.
    #[error("unable to query the endpoint: its answer is no JSON ({why}){}", colon(.said))]
    NotJson {
        /// What the parser says.
        why: String,
        /// How the answer begins.
        said: String,
    },
    /// Nothing is where the path leads.
    #[error("query did not return any values: {0}")]
    NoValues(String),
    /// More than one: how many.
    #[error("query did return multiple values: {0}; write a path that finds exactly one")]
    MultipleValues(usize),
    /// Something that is no number: what.
    #[error("query did not return a number: it is {0}")]
    NotANumber(String),
}

fn colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// The message for the gate: which indicator has no value, why, and by which query.
#[must_use]
pub fn about(indicator: &str, query: &str, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why} (query: {})", excerpt(indicator, 200), excerpt(query, 1_000))
}

/// An answer whose status is no success.
#[must_use]
pub fn refused(status: &str, body: &[u8], hide: Hide<'_>) -> AnswerError {
    AnswerError::Refused { status: status.to_owned(), said: beginning(body, hide) }
}

/// Reads an answer. The number that `path` finds is one of JSON's, a text that is a number, or the only item of a
/// list; it is finite. How large the body may be is for the caller to say.
///
/// # Errors
/// [`AnswerError`]: there is no number, or not one. It shows none of what `hide` takes out.
pub fn read_answer(body: &[u8], path: &JsonPath, hide: Hide<'_>) -> Result<f64, AnswerError> {
    let answer = parse(body, hide)?;
    let found = path.find(&answer).map_err(|error| match error {
        JsonPathError::TooMuch => AnswerError::Failed(error.to_string()),
        error => AnswerError::NoValues(excerpt(&error.to_string(), SHOWN_BYTES_MAX).into_owned()),
    })?;
    match found.as_ref() {
        Value::Array(items) => match items.as_slice() {
            [] => Err(AnswerError::NoValues("there is an empty list".to_owned())),
            [one] => number(one, hide),
            all => Err(AnswerError::MultipleValues(all.len())),
        },
        value => number(value, hide),
    }
}

fn parse(body: &[u8], hide: Hide<'_>) -> Result<Value, AnswerError> {
    // Every value but the first of its list or mapping has a comma before it.
    let values = body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if values > VALUES_MAX {
        let why = format!("its answer has more than {VALUES_MAX} values; ask for less");
        return Err(AnswerError::Failed(why));
    }
    serde_json::from_slice(body).map_err(|error| AnswerError::NotJson {
        why: match body.trim_ascii() {
            [] => "it is empty".to_owned(),
            _ => excerpt(&error.to_string(), 100).into_owned(),
        },
        said: beginning(body, hide),
    })
}

fn number(value: &Value, hide: Hide<'_>) -> Result<f64, AnswerError> {
    let what = match value {
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.is_finite() => return Ok(number),
            _ => "a number that is too large".to_owned(),
        },
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => return Ok(number),
            Ok(number) => format!("the text {number}, which is not finite"),
            Err(_) => format!("the text {:?}", excerpt(&hide(text), 100)),
        },
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) => format!("a list of {} within a list", items.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
    };
    Err(AnswerError::NotANumber(what))
}

/// How an answer begins, for people. Nothing is cut before it is hidden: the rest of a secret is one, too.
fn beginning(body: &[u8], hide: Hide<'_>) -> String {
    let hidden = hide(&String::from_utf8_lossy(body));
    let mut line = String::new();
    for word in hidden.split_whitespace() {
        if line.len() > SHOWN_BYTES_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    excerpt(&line, SHOWN_BYTES_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(text: &str) -> String {
        text.to_owned()
    }

    fn at(path: &str, body: &Value) -> Result<f64, String> {
        let path = JsonPath::parse(path).unwrap();
        read_answer(body.to_string().as_bytes(), &path, &plain).map_err(|error| error.to_string())
    }

    #[test]
    fn one_number_is_a_value_in_each_of_its_forms() {
        let body = json!({"n": 0.25, "t": " 1e3 ", "l": [7], "lt": ["-0.5"],
            "rows": [{"k": "a", "v": 1}, {"k": "b", "v": "2"}]});
        for (path, number) in [
            ("$.n", 0.25),
            ("$.t", 1_000.0),
            ("$.l", 7.0),
            ("$.l[0]", 7.0),
            ("$.lt", -0.5),
            ("$.l[*]", 7.0),
            ("$.rows[-1].v", 2.0),
            ("$.rows[?(@.k == 'a')].v", 1.0),
        ] {
            assert_eq!(at(path, &body), Ok(number), "{path}");
        }
        assert_eq!(at("$", &json!(0.1)), Ok(0.1));
    }

    #[test]
    fn everything_else_is_said_to_be_what_it_is() {
        let body = json!({"none": null, "yes": true, "nan": "NaN", "inf": "-inf", "huge": "1e999",
            "text": "12 ms", "empty": "", "list": [], "two": [1, 2], "deep": [[1]], "nil": [null],
            "object": {"a": 1}, "rows": [{"v": 1}, {"v": 2}]});
        for (path, says) in [
            ("$.none", "query did not return a number: it is null"),
            ("$.nil", "query did not return a number: it is null"),
            ("$.yes", "query did not return a number: it is true"),
            ("$.nan", "query did not return a number: it is the text NaN, which is not finite"),
            ("$.inf", "query did not return a number: it is the text -inf, which is not finite"),
            ("$.huge", "query did not return a number: it is the text inf, which is not finite"),
            ("$.text", "query did not return a number: it is the text \"12 ms\""),
            ("$.empty", "query did not return a number: it is the text \"\""),
            ("$.object", "query did not return a number: it is an object of 1 fields"),
            ("$.deep", "query did not return a number: it is a list of 1 within a list"),
            ("$.list", "query did not return any values: there is an empty list"),
            ("$.rows[*].x", "query did not return any values: there is an empty list"),
            ("$.missing", "query did not return any values: unknown key missing"),
            ("$.two[5]", "query did not return any values: index 5 out of bounds"),
            ("$.two", "query did return multiple values: 2; write a path"),
            ("$.rows[*].v", "query did return multiple values: 2; write a path"),
        ] {
            let error = at(path, &body).unwrap_err();
            assert!(error.starts_with(says), "{path}: {error}");
        }
    }

    #[test]
    fn what_is_no_json_is_shown() {
        let path = JsonPath::parse("$.a").unwrap();
        let error = |body: &[u8]| read_answer(body, &path, &plain).unwrap_err().to_string();
        let html = error(b"<html>\n  502\tBad Gateway</html>");
        assert!(
            html.starts_with("unable to query the endpoint: its answer is no JSON ("),
            "{html}"
        );
        assert!(html.ends_with("): <html> 502 Bad Gateway</html>"), "{html}");
        let empty = "unable to query the endpoint: its answer is no JSON (it is empty)";
        assert_eq!(error(b""), empty);
        assert_eq!(error(b" \n"), empty);
        for body in [&b"{\"a\": NaN}"[..], b"{\"a\": 1e999}", &[0xff; 900], b"{\"a\": 1} x"] {
            assert!(error(body).contains("is no JSON"), "{}", error(body));
        }
        assert!(error("[".repeat(100_000).as_bytes()).len() < 1_000);
        let wide = format!("[{}0]", "0,".repeat(VALUES_MAX));
        assert!(error(wide.as_bytes()).contains("has more than 100000 values"));
    }

    #[test]
    fn a_refusal_is_a_status_and_how_the_answer_begins() {
        let said = |body: &str| refused("500 Internal Server Error", body.as_bytes(), &plain);
        let status = "unable to query the endpoint: it answered 500 Internal Server Error";
        assert_eq!(said("").to_string(), status);
        assert_eq!(
            said("{\"e\":\n \"down\"}").to_string(),
            format!("{status}: {{\"e\": \"down\"}}")
        );
        let long = said(&"x ".repeat(1_000_000)).to_string();
        assert!(long.len() < 400 && long.ends_with('…'), "{long}");
        assert!(said(&"x".repeat(1_000_000)).to_string().len() < 400);
        assert!(!said("a\u{1b}[2Jb").to_string().contains('\u{1b}'));
    }

    #[test]
    fn secrets_are_hidden_before_anything_is_cut() {
        let hide = |text: &str| text.replace("hunter2", "***");
        let padded = format!("{}hunter2", "x".repeat(SHOWN_BYTES_MAX - 3));
        let error = refused("401 Unauthorized", padded.as_bytes(), &hide).to_string();
        assert!(!error.contains("hun"), "{error}");
        let path = JsonPath::parse("$.a").unwrap();
        for body in ["{\"a\": \"key hunter2\"}", "hunter2"] {
            let error = read_answer(body.as_bytes(), &path, &hide).unwrap_err().to_string();
            assert!(error.contains("***") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_message_names_its_indicator_and_its_query() {
        let error = AnswerError::MultipleValues(2);
        let message = about("p95", "metrics:q#$.v[*]", &error);
        let says = "p95: query did return multiple values: 2; write a path that finds exactly one \
                    (query: metrics:q#$.v[*])";
        assert_eq!(message, says);
        let long = about(&"n".repeat(5_000), &"q".repeat(5_000), &error);
        assert!(long.len() < 1_400);
    }
}
