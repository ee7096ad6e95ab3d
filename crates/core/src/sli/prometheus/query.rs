//! The query for an indicator: the one of the SLI files, else a built-in one.

use super::placeholders::fill;
use crate::excerpt::excerpt;
use crate::sli::{Filter, GetSli, Queries, Window};

/// Longest query, in bytes, with everything filled in.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// The indicators that need no SLI file. Keptn 1.4.
pub const DEFAULTS: [&str; 5] =
    ["throughput", "error_rate", "response_time_p50", "response_time_p90", "response_time_p95"];

/// Why there is no query for an indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Neither the files nor the defaults have it. (Keptn 1.4 misspells the second word of its message.)
    #[error(
        "unable to get metric query: unsupported SLI {0:?}: write its query into {path}, or use one of {defaults}",
        path = super::SLI_PATH, defaults = DEFAULTS.join(", ")
    )]
    Unsupported(String),
    /// It is longer than [`QUERY_BYTES_MAX`] with everything filled in.
    #[error(
        "unable to get metric query: filled in, the query is longer than {QUERY_BYTES_MAX} bytes"
    )]
    TooLong,
}

/// What a query is made of.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the gate wants.
    pub asked: &'a GetSli,
    /// The queries of the SLI files at [`super::SLI_PATH`].
    pub queries: &'a Queries,
    /// The time that [`GetSli::start`] and [`GetSli::end`] name.
    pub window: &'a Window,
}

impl Question<'_> {
    /// The query for an indicator, ready to be asked.
    ///
    /// # Errors
    /// [`QueryError`]: the indicator has no value, the others may have one.
    pub fn query(&self, indicator: &str) -> Result<String, QueryError> {
        let query = match self.queries.get(indicator) {
            Some(text) => fill(text, self.asked, self.window)?,
            None => self
                .default(indicator)
                .ok_or_else(|| QueryError::Unsupported(excerpt(indicator, 200).into_owned()))?,
        };
        if query.len() > QUERY_BYTES_MAX { Err(QueryError::TooLong) } else { Ok(query) }
    }

    fn default(&self, indicator: &str) -> Option<String> {
        let (filter, range) = (self.filter_expression(), self.window.range());
        let rate =
            |more: &str| format!("sum(rate(http_requests_total{{{filter}{more}}}[{range}]))");
        match indicator {
            "throughput" => Some(rate("")),
            "error_rate" => Some(format!("{}/{}", rate(",status!~'2..'"), rate(""))),
            _ => {
                let percent = indicator.strip_prefix("response_time_p")?;
                matches!(percent, "50" | "90" | "95").then(|| {
                    format!(
                        "histogram_quantile(0.{percent},sum(rate(http_response_time_milliseconds_bucket\
                         {{{filter}}}[{range}]))by(le))"
                    )
                })
            }
        }
    }

    /// What chooses the series of a service. Keptn 1.4: always the job of the canary, unless a filter names
    /// the job.
    fn filter_expression(&self) -> String {
        let scope = &self.asked.scope;
        let job = format!("job='{}-{}-{}-canary'", scope.service, scope.project, scope.stage);
        let named = self.asked.filters.iter().any(|filter| filter.key == "job");
        let conditions = self.asked.filters.iter().map(condition);
        let all: Vec<_> = (!named).then_some(job).into_iter().chain(conditions).collect();
        all.join(",")
    }
}

/// A value may bring its own operator, and then its own quotes.
fn condition(filter: &Filter) -> String {
    let Filter { key, value } = filter;
    if ["=", "!=", "!~"].iter().any(|operator| value.starts_with(operator)) {
        format!("{key}{}", value.replace('"', "'"))
    } else {
        format!("{key}='{}'", value.replace(['\'', '"'], ""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sli::Level;
    use crate::sli::request::tests::asked;

    fn ask(indicator: &str, files: &str, filters: &Value) -> Result<String, QueryError> {
        let asked = GetSli::of(&asked(json!({}), json!({"customFilters": filters}))).unwrap();
        let queries = Queries::merge(super::super::SLI_PATH, &[(Level::Service, files)]).unwrap();
        let window = Window::parse(&asked.start, &asked.end).unwrap();
        Question { asked: &asked, queries: &queries, window: &window }.query(indicator)
    }

    const NONE: &str = "indicators: {other: x, error_rate: }";

    #[test]
    fn the_query_of_a_file_comes_before_a_default() {
        let files = "indicators: {throughput: 'mine{s=\"$SERVICE\"}[$DURATION_SECONDS]'}";
        let query = ask("throughput", files, &json!([])).unwrap();
        assert_eq!(query, "mine{s=\"carts\"}[300s]");
    }

    #[test]
    fn defaults_ask_for_the_canary() {
        let job = "job='carts-shop-qa-canary'";
        for (indicator, query) in [
            ("throughput", format!("sum(rate(http_requests_total{{{job}}}[300s]))")),
            (
                "error_rate",
                format!(
                    "sum(rate(http_requests_total{{{job},status!~'2..'}}[300s]))/sum(rate(http_requests_total{{{job}}}[300s]))"
                ),
            ),
            (
                "response_time_p95",
                format!(
                    "histogram_quantile(0.95,sum(rate(http_response_time_milliseconds_bucket{{{job}}}[300s]))by(le))"
                ),
            ),
        ] {
            assert_eq!(ask(indicator, NONE, &json!([])), Ok(query));
        }
        for indicator in DEFAULTS {
            assert!(ask(indicator, NONE, &json!([])).is_ok(), "{indicator}");
        }
    }

    #[test]
    fn filters_narrow_a_default_and_may_bring_their_operator() {
        let filters = json!([
            {"key": "handler", "value": "'Items\"Controller'"},
            {"key": "path", "value": "!=\"/health\""},
            {"key": "code", "value": "=~\"2..\""},
            {"key": "zone", "value": "=eu"},
            {"key": "pod", "value": "!~'x.*'"},
            {"key": "tilde", "value": "~x"},
        ]);
        let query = ask("throughput", NONE, &filters).unwrap();
        let inside = "job='carts-shop-qa-canary',handler='ItemsController',path!='/health',code=~'2..',\
                      zone=eu,pod!~'x.*',tilde='~x'";
        assert_eq!(query, format!("sum(rate(http_requests_total{{{inside}}}[300s]))"));
    }

    #[test]
    fn a_filter_that_names_the_job_takes_the_place_of_the_canary() {
        let query = ask("throughput", NONE, &json!([{"key": "job", "value": "mine"}])).unwrap();
        assert_eq!(query, "sum(rate(http_requests_total{job='mine'}[300s]))");
    }

    #[test]
    fn an_indicator_without_a_query_is_named_with_what_to_do() {
        let error = ask("latency", NONE, &json!([])).unwrap_err().to_string();
        let says = "unable to get metric query: unsupported SLI \"latency\": write its query into \
                    prometheus/sli.yaml, or use one of throughput, error_rate, response_time_p50, \
                    response_time_p90, response_time_p95";
        assert_eq!(error, says);
        assert!(ask("response_time_p99", NONE, &json!([])).is_err());
        assert!(ask("other ", NONE, &json!([])).is_err());
    }

    #[test]
    fn a_default_that_filters_make_too_long_is_refused() {
        let filters = json!([{"key": "x", "value": "y".repeat(QUERY_BYTES_MAX)}]);
        assert_eq!(ask("throughput", NONE, &filters), Err(QueryError::TooLong));
    }
}
