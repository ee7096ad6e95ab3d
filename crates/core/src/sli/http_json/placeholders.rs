//! What stands for what in a query. A value is put in once, percent-encoded: nothing in it begins another
//! placeholder, another segment of the path or another field of the query.
//!
//! The names are those of Prometheus' queries, and start and end beside them. There are no borders of words, as
//! in Keptn 1.4, so that `$START000` is the start in milliseconds; of names that begin alike the longest counts.

use std::cmp::Reverse;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sli::{GetSli, Window};

/// What a value keeps: what RFC 3986 calls unreserved.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Names that always stand for something, for whoever has written another.
pub(super) const NAMES: &str = "$PROJECT, $STAGE, $SERVICE, $DEPLOYMENT, $LABEL.<key>, $DURATION, \
                                $DURATION_SECONDS, $START, $END, $START_RFC3339, $END_RFC3339";

/// The placeholders of one question, each with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// Without `$`; the longest name first, and of equal ones the one that counts.
    all: Vec<(String, String)>,
}

impl Values {
    /// What a question gives. Keptn 1.4: a filter counts before a built-in of the same name, and loses its quotes.
    #[must_use]
    pub fn of(asked: &GetSli, window: &Window) -> Self {
        let mut all = Vec::new();
        let mut add = |name: String, value: &str| {
            all.push((name, utf8_percent_encode(value, VALUE).to_string()));
        };
        for filter in &asked.filters {
            let value = filter.value.replace(['\'', '"'], "");
            add(filter.key.clone(), &value);
            add(filter.key.to_uppercase(), &value);
        }
        let range = window.range();
        for (name, value) in [
            ("PROJECT", asked.scope.project.as_str()),
            ("STAGE", asked.scope.stage.as_str()),
            ("SERVICE", asked.scope.service.as_str()),
            ("DEPLOYMENT", asked.measured_deployment()),
            ("DURATION", range.trim_end_matches('s')),
            ("DURATION_SECONDS", &range),
            ("START", &window.start_seconds().to_string()),
            ("END", &window.end_seconds().to_string()),
            ("START_RFC3339", &window.start_rfc3339()),
            ("END_RFC3339", &window.end_rfc3339()),
        ] {
            add(name.to_owned(), value);
        }
        for (key, value) in &asked.labels {
            add(format!("LABEL.{key}"), value);
        }
        all.sort_by_key(|(name, _)| Reverse(name.len()));
        Self { all }
    }

    /// The text with everything filled in.
    ///
    /// # Errors
    /// The byte of the first `$` that stands for nothing, or none where it grows beyond `bytes_max`.
    pub(super) fn fill(&self, text: &str, bytes_max: usize) -> Result<String, Option<usize>> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            let begun = &rest[at + 1..];
            let named = self.all.iter().find(|(name, _)| begun.starts_with(name.as_str()));
            let (name, value) = named.ok_or(Some(text.len() - rest.len() + at))?;
            filled.push_str(value);
            if filled.len() > bytes_max {
                return Err(None);
            }
            rest = &begun[name.len()..];
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sli::request::tests::asked;

    fn filled(text: &str, data: Value, get_sli: Value) -> Result<String, Option<usize>> {
        let asked = GetSli::of(&asked(data, get_sli)).unwrap();
        let window = Window::parse(&asked.start, &asked.end).unwrap();
        Values::of(&asked, &window).fill(text, 1_000)
    }

    fn plain(text: &str) -> String {
        filled(text, json!({}), json!({})).unwrap()
    }

    #[test]
    fn every_built_in_is_filled_in_wherever_it_stands() {
        for (text, expected) in [
            ("$PROJECT/$STAGE/$SERVICE/$DEPLOYMENT", "shop/qa/carts/primary"),
            ("$START-$END", "1643623200-1643623500"),
            ("$START_RFC3339", "2022-01-31T10%3A00%3A00Z"),
            ("$END_RFC3339", "2022-01-31T10%3A05%3A00Z"),
            ("$DURATION_SECONDS $DURATION", "300s 300"),
            ("$START000 $SERVICE_NAME", "1643623200000 carts_NAME"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_one_value_whatever_it_holds() {
        let labels = json!({"labels": {"a": "x/../?y&z=#%2e $STAGE ü+\n", "b": "-._~"}});
        let expected = "x%2F..%2F%3Fy%26z%3D%23%252e%20%24STAGE%20%C3%BC%2B%0A|-._~";
        assert_eq!(filled("$LABEL.a|$LABEL.b", labels, json!({})).unwrap(), expected);
    }

    #[test]
    fn of_names_that_begin_alike_the_longest_counts() {
        let labels = json!({"labels": {"a": "1", "ab": "2", "a.b": "3"}});
        let expected = "2 3 1";
        assert_eq!(filled("$LABEL.ab $LABEL.a.b $LABEL.a", labels, json!({})).unwrap(), expected);
        let filters = json!({"customFilters": [{"key": "S", "value": "x"}]});
        assert_eq!(filled("$STAGE $S", json!({}), filters).unwrap(), "qa x");
    }

    #[test]
    fn a_filter_goes_by_its_name_and_by_its_name_in_capitals_without_quotes() {
        let filters = json!({"customFilters": [{"key": "handler", "value": "'a\"b'"},
            {"key": "stage", "value": "prod"}]});
        let expected = "ab ab prod carts";
        let text = "$handler $HANDLER $STAGE $SERVICE";
        assert_eq!(filled(text, json!({}), filters).unwrap(), expected);
    }

    #[test]
    fn what_stands_for_nothing_is_found_at_its_place() {
        let says = |text: &str| filled(text, json!({}), json!({})).unwrap_err();
        assert_eq!(says("$filter=x"), Some(0));
        assert_eq!(says("$STAGE/ü$LABEL.build"), Some(9));
        assert_eq!(says("a$"), Some(1));
        assert_eq!(says("$STAGE$service"), Some(6));
    }

    #[test]
    fn what_grows_beyond_its_limit_is_refused() {
        let labels = json!({"labels": {"a": "x".repeat(400)}});
        assert_eq!(filled("$LABEL.a$LABEL.a", labels.clone(), json!({})).unwrap().len(), 800);
        assert_eq!(filled("$LABEL.a$LABEL.a$LABEL.a", labels, json!({})), Err(None));
    }
}
