//! Values from HTTP APIs that answer JSON. Who may be asked, and with which headers, the configuration says; a
//! query chooses among them.

mod headers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use reqwest::{Client, Url};
use serde::Deserialize;
use tidegate_core::job::jsonpath::JsonPath;
use tidegate_core::sli::http_json::{
    Address, AnswerError, EndpointName, Query, SLI_PATH, Values, about, read_answer, refused,
};
use tidegate_core::sli::{GetSli, Measurement, Window};
use tidegate_engine::Engine;

use super::asking::{self, Body, TIMEOUT_S, failed};
use crate::files::{self, Commits};
use headers::{Headers, Source};

/// `source` of its answers.
pub(super) const SOURCE: &str = "http-json";

/// `[sli.http-json]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpJsonConfig {
    /// Who can be asked, under the name that queries use.
    pub endpoints: BTreeMap<EndpointName, EndpointConfig>,
}

/// `[sli.http-json.endpoints.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// The address that everything is asked below.
    url: String,
    /// What it is told with every question, such as `authorization`.
    #[serde(default)]
    headers: BTreeMap<String, Source>,
    /// A file of PEM certificates that are trusted beside those of the machine.
    #[serde(default)]
    ca: Option<PathBuf>,
    /// How long one query may take, in seconds.
    #[serde(default = "timeout_s")]
    timeout_s: u64,
}

fn timeout_s() -> u64 {
    TIMEOUT_S
}

impl HttpJsonConfig {
    /// Whether a header is written into the configuration itself.
    #[must_use]
    pub fn holds_secrets(&self) -> bool {
        let mut sources = self.endpoints.values().flat_map(|endpoint| endpoint.headers.values());
        sources.any(Source::is_secret)
    }
}

/// The configuration of an endpoint cannot be used: which, and why.
#[derive(Debug, thiserror::Error)]
#[error("[sli.http-json.endpoints.{endpoint}]: {why}")]
pub struct HttpJsonError {
    endpoint: EndpointName,
    why: String,
}

/// All that can be asked.
pub(super) struct HttpJson(BTreeMap<EndpointName, Arc<Endpoint>>);

/// One that is asked.
struct Endpoint {
    http: Client,
    address: Address,
    headers: Headers,
}

impl HttpJson {
    pub(super) fn new(config: HttpJsonConfig) -> Result<Self, HttpJsonError> {
        let endpoints =
            config.endpoints.into_iter().map(|(name, config)| match Endpoint::new(config) {
                Ok(endpoint) => Ok((name, Arc::new(endpoint))),
                Err(why) => Err(HttpJsonError { endpoint: name, why }),
            });
        Ok(Self(endpoints.collect::<Result<_, _>>()?))
    }

    /// One value for each indicator, or why there is none. The error is about all of them.
    pub(super) async fn measure(
        &self,
        engine: &Engine,
        question: &GetSli,
        commits: &Commits,
    ) -> Result<Vec<Measurement>, String> {
        let window =
            Window::parse(&question.start, &question.end).map_err(|error| error.to_string())?;
        let queries = files::queries(engine, &question.scope, SLI_PATH, commits).await?;
        let values = Values::of(question, &window);
        let ask = |indicator: &str| self.ask(indicator, queries.get(indicator), &values);
        asking::each(&question.indicators, ask).await
    }

    /// What is asked for an indicator, if it can be asked at all.
    fn ask(
        &self,
        indicator: &str,
        query: Option<&str>,
        values: &Values,
    ) -> Result<impl Future<Output = Result<f64, String>> + Send + use<>, String> {
        let text = query.ok_or_else(|| {
            format!(
                "{indicator}: {SLI_PATH} has no query for it; add one such as \
                 metrics:query?service=$SERVICE#$.data[0].value"
            )
        })?;
        let query = Query::parse(text).map_err(|error| format!("{indicator}: {error}"))?;
        let endpoint =
            self.endpoint(query.endpoint()).map_err(|why| about(indicator, text, &why))?;
        let target = query.target(values).map_err(|error| about(indicator, text, &error))?;
        let asked = query.asked(&target);
        let url = endpoint.address.below(&target);
        let url = url.map_err(|error| about(indicator, &asked, &error))?;
        let indicator = indicator.to_owned();
        Ok(async move {
            let answer = endpoint.number(url, query.path()).await;
            answer.map_err(|error| about(&indicator, &asked, &error))
        })
    }

    fn endpoint(&self, name: &EndpointName) -> Result<Arc<Endpoint>, String> {
        self.0.get(name).cloned().ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(EndpointName::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!(
                "no endpoint is called {name}; [sli.http-json.endpoints] of the server has {known}"
            )
        })
    }
}

impl Endpoint {
    fn new(config: EndpointConfig) -> Result<Self, String> {
        let EndpointConfig { url, headers, ca, timeout_s } = config;
        Ok(Self {
            address: Address::parse(&url).map_err(|why| format!("url {why}"))?,
            headers: Headers::of(headers)?,
            http: asking::client(ca.as_deref(), timeout_s)?,
        })
    }

    async fn number(&self, url: Url, path: &JsonPath) -> Result<f64, AnswerError> {
        let hide = |text: &str| self.headers.hide(text);
        let asked = self.http.get(url).headers(self.headers.all()).send().await;
        let answer = asked.map_err(|error| AnswerError::Failed(failed(&error)))?;
        let status = answer.status();
        let body = Body::of(answer).await;
        if status.is_success() {
            let body = body.and_then(|body| body.whole("ask for less"));
            return read_answer(&body.map_err(AnswerError::Failed)?, path, &hide);
        }
        // What broke off may break off within a secret.
        let said = body.map(Body::beginning).unwrap_or_default();
        let followed = if status.is_redirection() { ", and no redirect is followed" } else { "" };
        Err(refused(&format!("{status}{followed}"), &said, &hide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(toml: &str) -> String {
        let config: HttpJsonConfig = serde_json::from_str(toml).unwrap();
        match HttpJson::new(config) {
            Ok(_) => panic!("{toml} can be used"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_used_is_named_and_its_address_is_not_shown() {
        for (endpoint, says) in [
            (r#"{"url": "https://ada:hunter2@h/"}"#, "url holds a user or a password"),
            (r#"{"url": "https://h/?key=hunter2"}"#, "url has a ? or a #"),
            (r#"{"url": "hunter2"}"#, "url is no address"),
            (r#"{"url": "http://h/", "timeout_s": 0}"#, "timeout_s = 0 must be between 1 and 300"),
            (
                r#"{"url": "http://h/", "headers": {"a b": "hunter2"}}"#,
                "header \"a b\" has no name",
            ),
            (r#"{"url": "http://h/", "headers": {"a": "hunter2\n"}}"#, "header \"a\" has a value"),
        ] {
            let error = refusal(&format!(r#"{{"endpoints": {{"metrics": {endpoint}}}}}"#));
            assert!(error.starts_with("[sli.http-json.endpoints.metrics]: "), "{error}");
            assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_not_known_and_what_has_no_plain_name_is_refused() {
        for config in [
            r#"{"endpoints": {"a b": {"url": "http://h/"}}}"#,
            r#"{"endpoints": {"a": {}}}"#,
            r#"{"endpoints": {"a": {"url": "http://h/", "method": "POST"}}}"#,
            r#"{"endpoint": {}}"#,
        ] {
            assert!(serde_json::from_str::<HttpJsonConfig>(config).is_err(), "{config}");
        }
    }

    #[test]
    fn only_headers_that_are_written_out_make_the_configuration_secret() {
        let holds = |headers: &str| {
            let text = format!(
                r#"{{"endpoints": {{"a": {{"url": "http://h/"}}, "b": {{"url": "http://h/", "headers": {headers}}}}}}}"#
            );
            let config: HttpJsonConfig = serde_json::from_str(&text).unwrap();
            assert!(!format!("{config:?}").contains("hunter2"));
            config.holds_secrets()
        };
        assert!(holds(r#"{"authorization": "hunter2"}"#));
        assert!(!holds(r#"{"authorization": {"file": "/run/x", "prefix": "Bearer "}}"#));
        assert!(!holds("{}"));
    }
}
