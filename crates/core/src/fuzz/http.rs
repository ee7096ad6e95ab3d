//! What a gate asks of HTTP APIs, and what they answer.

use serde_json::json;

use super::Target;
use super::check::{assert_readable, shape};
use crate::sli::http_json::tests::assert_below;
use crate::sli::http_json::{Address, Query, Values, read_answer};
use crate::sli::{GetSli, Window};

pub(super) const TARGETS: &[Target] = &[Target {
    name: "queries and answers of HTTP APIs",
    seeds: || {
        let lines = [
            "metrics:a/$SERVICE/b:c?x=$LABEL.a&from=$START#$.data[?(@.k == 'v')].x['y'][0]\nl\nf\n\
             {\"data\": [{\"k\": \"v\", \"x\": {\"y\": [0.5]}}]}",
            "m:q?to=$END_RFC3339&s=$DURATION#$.v\n../x\n%2e%2e\n{\"v\": \"1e3\"}",
            "m:#$\n\n\n-7",
            "m:a/$LABEL.a#$..v\na b\n//h\n[{\"v\": null}, {\"v\": \"NaN\"}]",
        ];
        lines.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    words: &[
        "$PROJECT",
        "$LABEL.a",
        "$",
        "$$",
        "%2e%2e",
        "%252e",
        "..",
        "./",
        "//",
        "\\",
        "\\..\\",
        "@",
        ":",
        "?",
        "#",
        "%",
        "%00",
        ";",
        "http://other/",
        "\u{ff0e}",
        "\"NaN\"",
        "{}",
        "[1,2]",
        "\r",
    ],
    feed: ask,
}];

/// Four lines: a query, a label and a filter that are filled into it, and the answer.
fn ask(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(4, '\n');
    let [query, label, filter, answer] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let query = match Query::parse(query) {
        Ok(query) => query,
        Err(error) => {
            assert_readable(&error.to_string());
            return shape(&error.to_string());
        }
    };
    let data = json!({"project": "p", "stage": "s", "service": "v", "labels": {"a": label},
        "get-sli": {"customFilters": [{"key": "SERVICE", "value": filter}]}});
    let asked = GetSli::of(data.as_object().unwrap()).unwrap();
    let base = Address::parse("https://metrics.example:8443/api/v1/").unwrap();
    let values = Values::of(&asked, &Window::parse("0", "60").unwrap());
    let target = match query.target(&values) {
        Ok(target) => {
            assert_below(&base, &target, "https://metrics.example:8443/api/v1/");
            "asked".to_owned()
        }
        Err(error) => {
            assert_readable(&error.to_string());
            shape(&error.to_string())
        }
    };
    let hide = |text: &str| text.to_owned();
    let read = match read_answer(answer.as_bytes(), query.path(), &hide) {
        Ok(number) => {
            assert!(number.is_finite());
            "number".to_owned()
        }
        Err(error) => {
            assert_readable(&error.to_string());
            shape(&error.to_string())
        }
    };
    format!("{target}|{read}")
}
