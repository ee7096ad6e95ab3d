//! Any JSON. The selector is a JSONPath in the dialect of `job/config.yaml` (see
//! [`crate::job::jsonpath`]), such as `$.totals.percent` or `$.metrics['p(95)']`, that finds one number.

use std::borrow::Cow;

use serde_json::Value;

use super::problem::Problem;
use crate::job::jsonpath::JsonPath;

/// Most values in a file. Each takes many times its bytes in memory.
const VALUES_MAX: usize = 1_000_000;

pub(super) fn read(path: &JsonPath, bytes: &[u8]) -> Result<f64, Problem> {
    let file = parse(bytes)?;
    match path.find(&file).map_err(|error| Problem::new(error.to_string()))? {
        Cow::Borrowed(value) => number(value),
        // A path that may find several gives a list of them.
        Cow::Owned(Value::Array(found)) => match found.as_slice() {
            [one] => number(one),
            found => Err(Problem::new(format!(
                "the path finds {} values; write one that finds exactly one",
                found.len()
            ))),
        },
        Cow::Owned(value) => number(&value),
    }
}

/// Reads a file, within a limit.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    // Every value but the first of its list or mapping has a comma before it.
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if values > VALUES_MAX {
        return Err(Problem::new(format!(
            "the file has more than {VALUES_MAX} values; write a summary instead"
        )));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
        Problem::at(line, format!("the file is no JSON: {error}"))
    })
}

/// A value that must be a number.
pub(super) fn number(value: &Value) -> Result<f64, Problem> {
    let kind = match value {
        Value::Number(number) => {
            return number.as_f64().ok_or_else(|| Problem::new("the number is too large"));
        }
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    Err(Problem::new(format!("there is {kind}, not a number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"totals": {"percent": 91.5, "lines": 1200, "name": "x", "list": [5]},
        "parts": [{"name": "a", "ms": 1}, {"name": "b", "ms": 2}]}"#;

    fn at(path: &str) -> Result<f64, String> {
        let path = JsonPath::parse(path).unwrap();
        read(&path, FILE.as_bytes()).map_err(|problem| problem.of("f.json").to_string())
    }

    #[test]
    fn a_path_finds_one_number() {
        assert_eq!(at("$.totals.percent"), Ok(91.5));
        assert_eq!(at("$.totals.lines"), Ok(1200.0));
        assert_eq!(at("$.parts[-1].ms"), Ok(2.0));
        assert_eq!(at("$.parts[?(@.name == 'b')].ms"), Ok(2.0));
        assert_eq!(at("$.totals.list[*]"), Ok(5.0));
    }

    #[test]
    fn what_is_not_just_one_number_is_said() {
        for (path, says) in [
            ("$.totals.name", "f.json: there is a text, not a number"),
            ("$.totals", "f.json: there is a mapping, not a number"),
            // A list of one number is a list.
            ("$.totals.list", "f.json: there is a list, not a number"),
            ("$.totals.branches", "f.json: unknown key branches"),
            ("$.parts[*].ms", "f.json: the path finds 2 values; write one that finds exactly one"),
            (
                "$.parts[?(@.name == 'c')].ms",
                "f.json: the path finds 0 values; write one that finds exactly one",
            ),
            ("$.parts[?(@.name == 'a')].name", "f.json: there is a text, not a number"),
        ] {
            assert_eq!(at(path), Err(says.to_owned()));
        }
    }

    #[test]
    fn what_is_no_json_is_said_with_its_line() {
        let error = parse(b"{\"a\": 1,\n \"b\": }\n").unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(error.reason.starts_with("the file is no JSON: expected value"), "{error:?}");
        assert!(parse(b"{\"a\": NaN}").is_err());
        assert!(parse(b"1e999").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_file_of_too_many_values_is_not_even_read() {
        let wide = format!("[{}0]", "0,".repeat(VALUES_MAX));
        assert!(parse(wide.as_bytes()).unwrap_err().reason.contains("more than 1000000 values"));
    }
}
