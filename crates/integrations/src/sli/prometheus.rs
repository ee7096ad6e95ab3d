//! Values from a Prometheus, as Keptn's prometheus-service asks for them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use tidegate_core::names::ProjectName;
use tidegate_core::sli::prometheus::{AnswerError, Question, SLI_PATH, read_answer};
use tidegate_core::sli::{GetSli, Measurement, Window};
use tidegate_engine::Engine;

use super::asking::{self, Body, TIMEOUT_S, failed};
use super::monitoring::MonitoringConfig;
use crate::files::{self, Commits};
use crate::jobs::Secrets;

/// `source` of its answers: Keptn's name for it.
pub(super) const SOURCE: &str = "prometheus-service";

/// `[sli.prometheus]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusConfig {
    /// Where it is, for projects without a secret `prometheus-credentials-<project>`.
    pub endpoint: Option<String>,
    /// A file of PEM certificates that are trusted beside those of the machine.
    pub ca: Option<PathBuf>,
    /// How long one query may take, in seconds.
    pub timeout_s: u64,
    /// Where it is told what to watch; nowhere where it is not there.
    pub monitoring: Option<MonitoringConfig>,
}

impl Default for PrometheusConfig {
    fn default() -> Self {
        Self { endpoint: None, ca: None, timeout_s: TIMEOUT_S, monitoring: None }
    }
}

/// The configuration of Prometheus cannot be used: which part, and why.
#[derive(Debug, thiserror::Error)]
#[error("[sli.prometheus]: {0}")]
pub struct PrometheusError(String);

/// All that are asked.
pub(super) struct Prometheus {
    http: Client,
    endpoint: Option<String>,
    secrets: Secrets,
}

/// One that is asked.
struct Server {
    /// The address that queries are sent to.
    url: Url,
    /// User and password.
    login: Option<(String, String)>,
}

impl Prometheus {
    pub(super) fn new(config: PrometheusConfig, secrets: Secrets) -> Result<Self, PrometheusError> {
        let PrometheusConfig { endpoint, ca, timeout_s, monitoring } = config;
        if let Some(endpoint) = &endpoint {
            query_url(endpoint)
                .map_err(|why| PrometheusError(format!("endpoint = {endpoint:?} {why}")))?;
        }
        if let Some(reload) = monitoring.and_then(|monitoring| monitoring.reload) {
            http_url(&reload)
                .map_err(|why| PrometheusError(format!("monitoring.reload = {reload:?} {why}")))?;
        }
        let http = asking::client(ca.as_deref(), timeout_s).map_err(PrometheusError)?;
        Ok(Self { http, endpoint, secrets })
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
        let server = Arc::new(self.server(&question.scope.project)?);
        let all = Question { asked: question, queries: &queries, window: &window };
        let ask = |indicator: &str| {
            let query = all.query(indicator).map_err(|error| error.to_string())?;
            let (http, server, time) = (self.http.clone(), Arc::clone(&server), window.time());
            Ok(async move {
                let answer = server.ask(&http, &query, &time).await;
                answer.map_err(|error| error.about(&query))
            })
        };
        asking::each(&question.indicators, ask).await
    }

    /// Whether it understands an expression, whatever that gives now.
    ///
    /// # Errors
    /// It does not, or cannot be asked: a sentence.
    pub(super) async fn check(
        &self,
        project: &ProjectName,
        expression: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        let server = self.server(project)?;
        match server.ask(&self.http, expression, &now.as_second().to_string()).await {
            // What was understood may find that the series of the moment do not fit.
            Err(AnswerError::Refused(said)) if said.starts_with("execution: ") => Ok(()),
            Err(error @ AnswerError::Refused(_)) => Err(error.about(expression)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Makes it read its rules again.
    ///
    /// # Errors
    /// It did not: a sentence.
    pub(super) async fn reload(&self, address: &str) -> Result<(), String> {
        let url = http_url(address).map_err(|why| format!("{address:?} {why}"))?;
        let about = |what: String| format!("the files are written, but not read: {address} {what}");
        let answer = self.http.post(url).send().await;
        let answer =
            answer.map_err(|error| about(AnswerError::Refused(failed(&error)).to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = Body::of(answer).await.map(Body::beginning).unwrap_or_default();
        let said: String = String::from_utf8_lossy(&said).trim().chars().take(1_000).collect();
        Err(about(format!("answered {status}: {said}")))
    }

    /// The Prometheus of a project: what its secret says, else the installation's.
    fn server(&self, project: &ProjectName) -> Result<Server, String> {
        let name = format!("prometheus-credentials-{project}");
        let secret = self.secrets.get(&name);
        let field = |key: &str| secret.and_then(|secret| secret.get(key)).cloned();
        let address = field("PROMETHEUS_URL").or_else(|| self.endpoint.clone()).ok_or_else(|| {
            format!(
                "nobody says where the Prometheus of project {project} is: set [sli.prometheus] endpoint, \
                 or PROMETHEUS_URL in [secrets.{name}]"
            )
        })?;
        let url = query_url(&address)
            // The address may hold a password.
            .map_err(|why| format!("the address of the Prometheus of project {project} {why}"))?;
        let login = field("PROMETHEUS_USER").zip(field("PROMETHEUS_PASSWORD"));
        Ok(Server { url, login: login.filter(|(user, word)| !user.is_empty() && !word.is_empty()) })
    }
}

/// Where queries are sent. Keptn 1.4: blanks are removed, and an address without a scheme is one of HTTPS.
fn query_url(address: &str) -> Result<Url, String> {
    let plain: String = address.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = if plain.contains("://") { plain } else { format!("https://{plain}") };
    let url = http_url(plain.trim_end_matches('/'))?;
    Url::parse(&format!("{url}/api/v1/query").replace("//api/v1", "/api/v1"))
        .map_err(|error| format!("is none: {error}"))
}

fn http_url(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| format!("is none: {error}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("is neither http:// nor https://".to_owned()),
    }
}

impl Server {
    async fn ask(&self, http: &Client, query: &str, time: &str) -> Result<f64, AnswerError> {
        let mut encoded = self.url.clone();
        encoded.query_pairs_mut().append_pair("query", query).append_pair("time", time);
        let form = encoded.query().unwrap_or_default().to_owned();
        let posted = http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let answer = self.send(posted).await?;
        // Some that only forward take no POST.
        let answer = match answer.status() {
            StatusCode::METHOD_NOT_ALLOWED => self.send(http.get(encoded)).await?,
            _ => answer,
        };
        let status = answer.status();
        let body = body(answer).await.map_err(AnswerError::Refused)?;
        match read_answer(&body) {
            // What is no answer of Prometheus is better told by its status.
            Err(AnswerError::Refused(_)) if !status.is_success() && !is_json(&body) => {
                Err(AnswerError::Refused(format!("the server answered {status}")))
            }
            read => read,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, AnswerError> {
        let request = match &self.login {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        request.send().await.map_err(|error| AnswerError::Refused(failed(&error)))
    }
}

fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

async fn body(answer: Response) -> Result<Vec<u8>, String> {
    Body::of(answer).await?.whole("write a query that gives one series")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_where_queries_are_sent() {
        for (address, url) in [
            ("http://prometheus:9090", "http://prometheus:9090/api/v1/query"),
            ("http://prometheus:9090/", "http://prometheus:9090/api/v1/query"),
            ("http://host/prefix/", "http://host/prefix/api/v1/query"),
            (" prometheus.example.org ", "https://prometheus.example.org/api/v1/query"),
        ] {
            assert_eq!(query_url(address).unwrap().as_str(), url, "{address}");
        }
        for address in ["ftp://host", "http://", "https://[", ""] {
            assert!(query_url(address).is_err(), "{address}");
        }
    }
}
