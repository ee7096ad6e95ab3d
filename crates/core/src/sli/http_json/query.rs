//! The queries of an SLI file: which endpoint is asked for what, and which number of its answer is meant.

use super::address::EndpointName;
use super::placeholders::{NAMES, Values};
use super::target::{Fault, TARGET_BYTES_MAX, Target, check};
use crate::excerpt::excerpt;
use crate::job::jsonpath::{JsonPath, JsonPathError};

/// Longest query as it is written, in bytes.
pub const QUERY_BYTES_MAX: usize = 4 * 1024;
const EXAMPLE: &str = "metrics:query?service=$SERVICE#$.data[0].value";

/// `<endpoint>:<path>?<query>#<JSONPath>`, checked as far as it is known before it is filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    endpoint: EndpointName,
    target: String,
    /// The JSONPath as it is written.
    selector: String,
    path: JsonPath,
}

/// Why a text is no query: what is wrong with it, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{query:?} is no query for an HTTP endpoint: {problem} (column {column})")]
pub struct QueryError {
    query: String,
    /// Counted from 1, in characters, without blanks around the query.
    column: usize,
    problem: String,
}

/// Why a query cannot be asked for this delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A `$` that stands for nothing.
    #[error(
        "{placeholder} stands for nothing here (column {column}); there are {NAMES} and the keys of the SLO's \
         filter, and a $ itself is written as %24"
    )]
    Unknown {
        /// The `$` and the word behind it.
        placeholder: String,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// It is too long to be sent.
    #[error("filled in, what is asked is longer than {TARGET_BYTES_MAX} bytes")]
    TooLong,
    /// It cannot be asked of the endpoint with these values, perhaps because it would be asked of another one.
    #[error("filled in, {target:?} cannot be asked: {problem} (column {column})")]
    Refused {
        /// With its values.
        target: String,
        /// Of the target, counted from 1, in characters.
        column: usize,
        /// What is wrong.
        problem: String,
    },
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let text = text.trim();
        query(text).map_err(|Fault { at, problem }| QueryError {
            query: excerpt(text, 200).into_owned(),
            column: column(text, at),
            problem,
        })
    }

    /// Which endpoint is asked.
    #[must_use]
    pub fn endpoint(&self) -> &EndpointName {
        &self.endpoint
    }

    /// Where in the answer the number is.
    #[must_use]
    pub fn path(&self) -> &JsonPath {
        &self.path
    }

    /// What is asked, with everything filled in.
    ///
    /// # Errors
    /// [`TargetError`]
    pub fn target(&self, values: &Values) -> Result<Target, TargetError> {
        let filled = values.fill(&self.target, TARGET_BYTES_MAX).map_err(|at| match at {
            Some(at) => self.unknown(at),
            None => TargetError::TooLong,
        })?;
        Target::parse(&filled).map_err(|Fault { at, problem }| match filled.len() {
            0..=TARGET_BYTES_MAX => TargetError::Refused {
                target: excerpt(&filled, 200).into_owned(),
                column: column(&filled, at),
                problem,
            },
            _ => TargetError::TooLong,
        })
    }

    /// The query as it was asked.
    #[must_use]
    pub fn asked(&self, target: &Target) -> String {
        format!("{}:{target}#{}", self.endpoint, self.selector)
    }

    fn unknown(&self, at: usize) -> TargetError {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let rest = &self.target[at + 1..];
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        TargetError::Unknown {
            placeholder: format!("${}", excerpt(&rest[..end], 64)),
            column: self.endpoint.as_str().len() + 1 + column(&self.target, at),
        }
    }
}

/// Counted from 1, in characters.
fn column(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(start, _)| *start < at).count() + 1
}

fn query(text: &str) -> Result<Query, Fault> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(Fault::new(0, format!("it is longer than {QUERY_BYTES_MAX} bytes")));
    }
    if let Some(at) = text.find(char::is_control) {
        return Err(Fault::new(at, "it holds a line break or another control character"));
    }
    let Some((name, rest)) = text.split_once(':') else {
        let problem = "it does not begin with the name of an endpoint and a colon";
        return Err(Fault::new(0, format!("{problem}; write it like {EXAMPLE}")));
    };
    let endpoint = EndpointName::new(name).map_err(|error| Fault::new(0, error.to_string()))?;
    let begin = name.len() + 1;
    let Some((target, selector)) = rest.split_once('#') else {
        let problem = format!("no # and JSONPath follow what is asked; write it like {EXAMPLE}");
        return Err(Fault::new(text.len(), problem));
    };
    check(target).map_err(|Fault { at, problem }| Fault::new(begin + at, problem))?;
    let begin = begin + target.len() + 1;
    let path = JsonPath::parse(selector).map_err(|error| match error {
        JsonPathError::Malformed { column, problem } => {
            let problem = format!("{problem}; write the path like $.data[0].value");
            Fault::new(begin + column - 1, problem)
        }
        other => Fault::new(begin, other.to_string()),
    })?;
    let (target, selector) = (target.to_owned(), selector.to_owned());
    Ok(Query { endpoint, target, selector, path })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sli::request::tests::asked;
    use crate::sli::{GetSli, Window};

    fn values(data: Value) -> Values {
        let asked = GetSli::of(&asked(data, json!({}))).unwrap();
        Values::of(&asked, &Window::parse(&asked.start, &asked.end).unwrap())
    }

    fn error(text: &str) -> String {
        Query::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_query_is_an_endpoint_a_target_and_a_path() {
        for (text, endpoint, asked) in [
            (
                "metrics:query?service=$SERVICE&from=$START&to=$END#$.data[0].value",
                "metrics",
                "metrics:query?service=carts&from=1643623200&to=1643623500#$.data[0].value",
            ),
            (
                "metrics:v1/logs/count?q=level:error AND build:7&since=$START_RFC3339#$.count",
                "metrics",
                "metrics:v1/logs/count?q=level:error%20AND%20build:7&since=2022-01-31T10%3A00%3A00Z#$.count",
            ),
            ("a:b/c:d#$['#'].x", "a", "a:b/c:d#$['#'].x"),
            ("  a_1-B:?q={x}#$\n", "a_1-B", "a_1-B:?q=%7Bx%7D#$"),
            ("a:#$.v", "a", "a:#$.v"),
        ] {
            let query = Query::parse(text).unwrap();
            let target = query.target(&values(json!({}))).unwrap();
            assert_eq!(query.endpoint().as_str(), endpoint);
            assert_eq!(query.asked(&target), asked, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_query_is_shown_with_the_place() {
        let example = format!("write it like {EXAMPLE}");
        for (text, problem) in [
            (
                "up",
                format!(
                    "it does not begin with the name of an endpoint and a colon; {example} (column 1)"
                ),
            ),
            (
                "metrics:query",
                format!("no # and JSONPath follow what is asked; {example} (column 14)"),
            ),
            (
                "metrics:a/../b#$.x",
                "\"..\" leads out of the endpoint, or nowhere (column 11)".to_owned(),
            ),
            (
                "m:a?q=ü%#$",
                "a % needs two hexadecimal digits behind it; the character itself is %25 (column 8)"
                    .to_owned(),
            ),
            (
                "m:?q=ü#$.a[",
                "expected a number, a quoted key, * or ?(; write the path like $.data[0].value \
                 (column 12)"
                    .to_owned(),
            ),
            (
                "m:q#",
                "expected $; write the path like $.data[0].value (column 5)".to_owned(),
            ),
        ] {
            let says = format!("{text:?} is no query for an HTTP endpoint: {problem}");
            assert_eq!(error(text), says);
        }
        for text in ["POST m:q#$", "http://evil/#$", "m\0:q#$", "m:q\n#$", ":q#$", "m?:q#$"] {
            assert!(error(text).contains("is no query for an HTTP endpoint"), "{text}");
        }
        assert!(error("https://evil.example/#$.x").contains("without the first / (column 7)"));
        let long = format!("m:{}#$", "x".repeat(QUERY_BYTES_MAX));
        assert!(error(&long).ends_with("it is longer than 4096 bytes (column 1)"));
    }

    #[test]
    fn what_is_filled_in_cannot_lead_out_of_the_endpoint() {
        let query = Query::parse("m:$LABEL.dir/x?y=$LABEL.dir#$").unwrap();
        for (value, says) in [
            ("..", "\"..\" leads out of the endpoint"),
            (".", "\".\" leads out of the endpoint"),
            ("", "without the first /"),
            ("a/../b", "\"..\" leads out of the endpoint"),
            ("../..", "\"..\" leads out of the endpoint"),
            ("%2e%2e", "\"..\" leads out of the endpoint"),
            ("..;a", "\"..\" leads out of the endpoint"),
            ("a\\..", "\"..\" leads out of the endpoint"),
            ("a\r\nHost: evil", "control characters"),
        ] {
            let values = values(json!({"labels": {"dir": value}}));
            let error = query.target(&values).unwrap_err().to_string();
            assert!(error.starts_with("filled in, ") && error.contains(says), "{value}: {error}");
        }
        for (value, asked) in [
            ("https://evil.example", "https%3A%2F%2Fevil.example"),
            ("//evil.example", "%2F%2Fevil.example"),
            ("a@evil.example", "a%40evil.example"),
            ("?#", "%3F%23"),
        ] {
            let values = values(json!({"labels": {"dir": value}}));
            let target = query.target(&values).unwrap();
            assert_eq!(target.to_string(), format!("{asked}/x?y={asked}"));
        }
        // Two that are harmless each.
        let query = Query::parse("m:$LABEL.a$LABEL.a/x#$").unwrap();
        assert!(query.target(&values(json!({"labels": {"a": "."}}))).is_err());
    }

    #[test]
    fn a_placeholder_that_stands_for_nothing_is_named_with_its_column() {
        let query = Query::parse("metrics:q?b=$LABEL.build&s=$SERVICE#$.v").unwrap();
        let error = query.target(&values(json!({}))).unwrap_err();
        let unknown = TargetError::Unknown { placeholder: "$LABEL.build".to_owned(), column: 13 };
        assert_eq!(error, unknown);
        assert!(error.to_string().contains("a $ itself is written as %24"));
        let query = Query::parse("m:q?%24filter=x#$.v").unwrap();
        assert_eq!(query.target(&values(json!({}))).unwrap().to_string(), "q?%24filter=x");
    }

    #[test]
    fn what_grows_too_long_is_said_to() {
        let labels = json!({"labels": {"a": "ü".repeat(1_000)}});
        for text in ["m:$LABEL.a$LABEL.a#$", "m:?$LABEL.a$LABEL.a$LABEL.a$LABEL.a#$"] {
            let query = Query::parse(text).unwrap();
            assert_eq!(query.target(&values(labels.clone())), Err(TargetError::TooLong), "{text}");
        }
    }
}
