//! Filling in the placeholders of a query, as Keptn 1.4 does: one after the other, each wherever its text
//! stands, also within a longer word and in what another one has put in. What stands for nothing stays.
//!
//! The order is that of Keptn: custom filters, built-ins, labels, the duration. Where Keptn's own order is
//! left to chance, among the filters and among the labels, the longest name goes first, so that `$env` does
//! not eat the beginning of `$environment`; names of one length go by the alphabet.

use std::cmp::Reverse;

use super::query::{QUERY_BYTES_MAX, QueryError};
use crate::sli::{GetSli, Window};

/// The query with everything filled in.
pub(super) fn fill(text: &str, asked: &GetSli, window: &Window) -> Result<String, QueryError> {
    let mut query = text.to_owned();
    let mut filters: Vec<_> = asked.filters.iter().collect();
    filters.sort_by_key(|filter| (Reverse(filter.key.len()), &filter.key));
    for filter in filters {
        let value = filter.value.replace(['\'', '"'], "");
        replace(&mut query, &format!("${}", filter.key), &value)?;
        replace(&mut query, &format!("${}", filter.key.to_uppercase()), &value)?;
    }
    for (placeholder, value) in [
        ("$PROJECT", asked.scope.project.as_str()),
        ("$STAGE", asked.scope.stage.as_str()),
        ("$SERVICE", asked.scope.service.as_str()),
        ("$DEPLOYMENT", asked.measured_deployment()),
    ] {
        replace(&mut query, placeholder, value)?;
    }
    let mut labels: Vec<_> = asked.labels.iter().collect();
    labels.sort_by_key(|(key, _)| (Reverse(key.len()), *key));
    for (key, value) in labels {
        replace(&mut query, &format!("$LABEL.{key}"), value)?;
    }
    replace(&mut query, "$DURATION_SECONDS", &window.range())?;
    Ok(query)
}

/// Refuses before it grows: values may hold placeholders of others, and double at each step.
fn replace(query: &mut String, placeholder: &str, value: &str) -> Result<(), QueryError> {
    let count = query.matches(placeholder).count();
    let grown = (query.len() - count * placeholder.len()).saturating_add(count * value.len());
    if grown > QUERY_BYTES_MAX {
        return Err(QueryError::TooLong);
    }
    if count > 0 {
        *query = query.replace(placeholder, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sli::request::tests::asked;

    fn filled(text: &str, data: Value, get_sli: Value) -> String {
        let asked = GetSli::of(&asked(data, get_sli)).unwrap();
        let window = Window::parse(&asked.start, &asked.end).unwrap();
        fill(text, &asked, &window).unwrap()
    }

    fn plain(text: &str) -> String {
        filled(text, json!({}), json!({}))
    }

    fn filter(key: &str, value: &str) -> Value {
        json!({"key": key, "value": value})
    }

    #[test]
    fn built_ins_are_filled_in_wherever_they_stand() {
        let query = "up{job=\"$SERVICE-$PROJECT-$STAGE\",d=\"$DEPLOYMENT\"}[$DURATION_SECONDS]";
        assert_eq!(plain(query), "up{job=\"carts-shop-qa\",d=\"primary\"}[300s]");
        // Keptn 1.4: there are no borders of words.
        assert_eq!(plain("$SERVICE_NAME$STAGE$STAGE"), "carts_NAMEqaqa");
    }

    #[test]
    fn what_stands_for_nothing_stays() {
        assert_eq!(plain("$FOO $service $LABEL.a $"), "$FOO $service $LABEL.a $");
    }

    #[test]
    fn a_filter_goes_by_its_name_and_by_its_name_in_capitals_without_quotes() {
        let filters = json!({"customFilters": [filter("handler", "'a\"b'")]});
        assert_eq!(filled("$handler $HANDLER $Handler", json!({}), filters), "ab ab $Handler");
    }

    #[test]
    fn a_filter_stands_before_a_built_in_of_the_same_name() {
        let filters = json!({"customFilters": [filter("stage", "prod")]});
        assert_eq!(filled("$STAGE $SERVICE", json!({}), filters), "prod carts");
    }

    #[test]
    fn a_built_in_stands_before_a_label() {
        let labels = json!({"labels": {"qa": "x"}});
        // `$LABEL.$STAGE` has become `$LABEL.qa` when the labels come.
        assert_eq!(filled("$LABEL.$STAGE", labels, json!({})), "x");
    }

    #[test]
    fn of_names_that_begin_alike_the_longest_goes_first() {
        let labels = json!({"labels": {"a": "1", "ab": "2", "abc": "3"}});
        assert_eq!(filled("$LABEL.abc $LABEL.ab $LABEL.a", labels, json!({})), "3 2 1");
        for order in [["env", "environment"], ["environment", "env"]] {
            let filters = json!({"customFilters": order.map(|key| filter(key, key))});
            assert_eq!(filled("$environment $env", json!({}), filters), "environment env");
        }
    }

    #[test]
    fn the_duration_comes_last() {
        let labels = json!({"labels": {"range": "$DURATION_SECONDS"}});
        assert_eq!(filled("[$LABEL.range]", labels, json!({})), "[300s]");
    }

    #[test]
    fn a_query_that_doubles_again_and_again_is_refused() {
        let filters: Vec<Value> = (0..100)
            .map(|n| filter(&format!("{n:03}"), &format!("${:03}", n + 1).repeat(2)))
            .collect();
        let asked = GetSli::of(&asked(json!({}), json!({"customFilters": filters}))).unwrap();
        let window = Window::parse("0", "60").unwrap();
        assert_eq!(fill("$000", &asked, &window), Err(QueryError::TooLong));
        assert_eq!(
            fill(&"x".repeat(QUERY_BYTES_MAX + 1), &asked, &window),
            Err(QueryError::TooLong)
        );
    }
}
