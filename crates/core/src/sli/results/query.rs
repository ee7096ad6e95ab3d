//! The queries, and which format reads which.

use super::jmeter::{self, Samples};
use super::junit::{self, Count};
use super::problem::{Problem, ReadError};
use super::{FILE_BYTES_MAX, csv, json, k6, locust};
use crate::excerpt::{excerpt, sentence};
use crate::job::jsonpath::JsonPath;

/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 4 * 1024;
/// Every format, in the order in which they are offered.
const FORMATS: [&str; 6] = ["k6", "locust", "jmeter", "junit", "json", "csv"];

/// Which number of which file: `<format>:<file>#<selector>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    file: String,
    selector: Selector,
}

/// What is wanted, in the terms of its format.
#[derive(Debug, Clone, PartialEq)]
enum Selector {
    K6(String),
    Locust(String),
    Jmeter(Samples),
    Junit(Count),
    Json(JsonPath),
    Csv(String),
}

/// Why a text is no query, and how to write one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{query:?} is no query for results of jobs: {problem}")]
pub struct QueryError {
    query: String,
    problem: String,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        query(text.trim()).map_err(|problem| {
            let query = excerpt(text, 200).into_owned();
            QueryError { query, problem: sentence(problem) }
        })
    }

    /// The file that is asked: a relative path of plain segments, with `/` between them.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The number, which is finite. `bytes` is all of [`Self::file`].
    ///
    /// # Errors
    /// The file does not hold it, or not just one: with file, line and what to do.
    pub fn read(&self, bytes: &[u8]) -> Result<f64, ReadError> {
        self.number(bytes).map_err(|problem| problem.of(&self.file))
    }

    fn number(&self, bytes: &[u8]) -> Result<f64, Problem> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Problem::new(format!("the file is larger than {FILE_BYTES_MAX} bytes")));
        }
        // Some programs of Windows begin a file with a mark of its encoding.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Problem::new("the file is empty; did the job come to its end?"));
        }
        let number = match &self.selector {
            Selector::K6(selector) => k6::read(selector, bytes),
            Selector::Locust(selector) => locust::read(selector, bytes),
            Selector::Jmeter(samples) => jmeter::read(samples, bytes),
            Selector::Junit(count) => junit::read(*count, bytes),
            Selector::Json(path) => json::read(path, bytes),
            Selector::Csv(selector) => csv::read(selector, bytes),
        }?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Problem::new(format!("the value is {number}, which is no finite number")))
        }
    }
}

fn query(text: &str) -> Result<Query, String> {
    const EXAMPLE: &str = "write it like k6:summary.json#http_req_duration.p(95)";
    if text.len() > QUERY_BYTES_MAX {
        return Err(format!("it is longer than {QUERY_BYTES_MAX} bytes"));
    }
    if text.contains(char::is_control) {
        return Err("it holds a line break or another control character".to_owned());
    }
    let Some((format, rest)) = text.split_once(':') else {
        return Err(format!("it does not begin with a format; {EXAMPLE}"));
    };
    let Some((file, selector)) = rest.split_once('#') else {
        return Err(format!("it has no # between file and selector; {EXAMPLE}"));
    };
    if selector.is_empty() {
        return Err(format!("nothing follows the #; {EXAMPLE}"));
    }
    let selector = match format {
        "k6" => k6::check(selector).map(|()| Selector::K6(selector.to_owned())),
        "locust" => locust::check(selector).map(|()| Selector::Locust(selector.to_owned())),
        "jmeter" => Samples::parse(selector).map(Selector::Jmeter),
        "junit" => Count::parse(selector).map(Selector::Junit),
        "json" => JsonPath::parse(selector).map(Selector::Json).map_err(|error| error.to_string()),
        "csv" => Ok(Selector::Csv(selector.to_owned())),
        _ => Err(format!("the format {format:?} is none of {}", FORMATS.join(", "))),
    }?;
    path(file)?;
    Ok(Query { file: file.to_owned(), selector })
}

/// The file belongs to the job: the path leads nowhere else, on no system.
fn path(file: &str) -> Result<(), String> {
    let plain =
        |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains(['\\', ':']);
    if file.split('/').all(plain) {
        Ok(())
    } else {
        Err(format!(
            "{file:?} is no path below the results of the job, such as reports/summary.json"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Query::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_long_is_not_repeated_whole() {
        let long = "[".repeat(QUERY_BYTES_MAX - 4);
        for text in [format!("{long}:f#x"), format!("csv:/{long}#x"), format!("jmeter:f#{long}")] {
            let said = error(&text[..QUERY_BYTES_MAX.min(text.len())]);
            assert!(said.len() < 1_500, "{} bytes: {said:.100}", said.len());
        }
        let said = error(&format!("{}:f#x", "[".repeat(QUERY_BYTES_MAX - 4)));
        assert!(said.ends_with("junit, json, csv"), "{said}");
    }

    #[test]
    fn a_query_is_a_format_a_file_and_a_selector() {
        for (text, file, bytes, number) in [
            (
                "k6:out/summary.json#a.p(95)",
                "out/summary.json",
                r#"{"metrics":{"a":{"p(95)":7}}}"#,
                7.0,
            ),
            (
                "locust:run_stats.csv#Aggregated/95%",
                "run_stats.csv",
                "Type,Name,95%\n,Aggregated,7\n",
                7.0,
            ),
            (
                "jmeter:r.jtl#count[Log in]",
                "r.jtl",
                "timeStamp,elapsed,label,success\n1,1,Log in,true\n",
                1.0,
            ),
            ("junit:r.xml#tests", "r.xml", "<testsuite><testcase/></testsuite>", 1.0),
            ("json:a.json#$.b['#']", "a.json", r##"{"b": {"#": 7}}"##, 7.0),
            ("  csv:a b.csv#c[d:e#f]\n", "a b.csv", "x,c\nd:e#f,7\n", 7.0),
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(query.file(), file);
            assert_eq!(query.read(bytes.as_bytes()), Ok(number), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_query_is_shown_with_one_that_is() {
        let example = "write it like k6:summary.json#http_req_duration.p(95)";
        for (text, problem) in [
            ("up", format!("it does not begin with a format; {example}")),
            ("k6:summary.json", format!("it has no # between file and selector; {example}")),
            ("k6:summary.json#", format!("nothing follows the #; {example}")),
            (
                "xml:a#b",
                "the format \"xml\" is none of k6, locust, jmeter, junit, json, csv".to_owned(),
            ),
            (
                "K6:a#b.c",
                "the format \"K6\" is none of k6, locust, jmeter, junit, json, csv".to_owned(),
            ),
        ] {
            let says = format!("{text:?} is no query for results of jobs: {problem}");
            assert_eq!(error(text), says);
        }
        for (text, says) in [
            ("k6:a#count", "\"count\" is not metric.statistic"),
            ("locust:a#95%", "\"95%\" is not row/column"),
            ("jmeter:a#p200", "\"p200\" is none of avg, "),
            ("junit:a#passed", "\"passed\" is none of tests, "),
            ("json:a#totals", "expected $ at column 1 of the path"),
        ] {
            assert!(error(text).contains(says), "{}", error(text));
        }
        let says = "it holds a line break or another control character";
        assert!(error("csv:a\0#b").ends_with(says) && error("csv:a#b\nc").ends_with(says));
        assert!(error(&"x".repeat(QUERY_BYTES_MAX + 1)).ends_with("it is longer than 4096 bytes"));
    }

    #[test]
    fn a_file_lies_below_the_results_of_the_job() {
        for file in ["", "/etc/passwd", "../a", "a/../../b", "./a", "a//b", "a/", "a\\b", "C:a"] {
            let error = error(&format!("csv:{file}#a"));
            assert!(error.contains("is no path below the results of the job"), "{error}");
        }
        assert!(Query::parse("csv:a.b/..c/d..#a").is_ok());
    }

    #[test]
    fn a_mark_of_the_encoding_is_no_part_of_a_file() {
        for (query, text) in [("csv:a#n", "\u{feff}n\n7\n"), ("json:a#$.n", "\u{feff}{\"n\": 7}")] {
            assert_eq!(Query::parse(query).unwrap().read(text.as_bytes()), Ok(7.0));
        }
    }

    #[test]
    fn a_file_that_is_empty_or_too_large_is_said_to_be() {
        for format in ["k6:f#a.b", "locust:f#a/b", "jmeter:f#count", "junit:f#tests", "csv:f#a"] {
            let error = Query::parse(format).unwrap().read(b" \n").unwrap_err().to_string();
            assert_eq!(error, "f: the file is empty; did the job come to its end?");
        }
        let large = vec![b' '; FILE_BYTES_MAX + 1];
        let error = Query::parse("json:f#$").unwrap().read(&large).unwrap_err().to_string();
        assert_eq!(error, "f: the file is larger than 15728640 bytes");
    }
}
