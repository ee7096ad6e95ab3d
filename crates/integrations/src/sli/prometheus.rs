//! Values from a Prometheus, as Keptn's prometheus-service asks for them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use tidegate_core::names::ProjectName;
use tidegate_core::sli::prometheus::{AnswerError, Credentials, Question, SLI_PATH, read_answer};
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

impl PrometheusConfig {
    /// Whether an address of it may hold a secret.
    #[must_use]
    pub fn holds_secrets(&self) -> bool {
        let reload = self.monitoring.as_ref().and_then(|monitoring| monitoring.reload.as_deref());
        self.endpoint.as_deref().is_some_and(hides) || reload.is_some_and(hides)
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
            query_url(endpoint).map_err(|why| {
                PrometheusError(format!("endpoint = {:?} {why}", shown(endpoint)))
            })?;
        }
        if let Some(reload) = monitoring.and_then(|monitoring| monitoring.reload) {
            http_url(&reload).map_err(|why| {
                PrometheusError(format!("monitoring.reload = {:?} {why}", shown(&reload)))
            })?;
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

    /// Makes it read its rules again. The address is the installation's, and says itself who asks: what a
    /// project's secret says is for the questions of that project alone.
    ///
    /// # Errors
    /// It did not: a sentence.
    pub(super) async fn reload(&self, address: &str) -> Result<(), String> {
        let shown = shown(address);
        let url = http_url(address).map_err(|why| format!("{shown:?} {why}"))?;
        let about = |what: String| format!("the files are written, but not read: {shown} {what}");
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

    /// The Prometheus of a project: the one that its secret names, and where it has none the installation's.
    fn server(&self, project: &ProjectName) -> Result<Server, String> {
        let name = format!("prometheus-credentials-{project}");
        let credentials = match self.secrets.get(&name) {
            // Never another one: it would judge by the values of something else.
            Some(secret) => {
                Credentials::of(secret).map_err(|error| format!("[secrets.{name}] {error}"))?
            }
            None => {
                let url = self.endpoint.clone().ok_or_else(|| {
                    format!(
                        "nobody says where the Prometheus of project {project} is: set [sli.prometheus] \
                         endpoint, or PROMETHEUS_URL in [secrets.{name}]"
                    )
                })?;
                Credentials { url, login: None }
            }
        };
        let url = query_url(&credentials.url)
            // The address may hold a password.
            .map_err(|why| format!("the address of the Prometheus of project {project} {why}"))?;
        Ok(Server { url, login: credentials.login })
    }
}

/// An address without what may be secret in it.
fn shown(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.has_host() => {
            // Where there is a host, both can be taken away.
            let _ = (url.set_username(""), url.set_password(None));
            url.set_query(None);
            url.into()
        }
        _ => address.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

/// Whether something in an address may be secret.
fn hides(address: &str) -> bool {
    address.contains(['@', '?'])
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

    #[test]
    fn an_address_is_shown_without_user_password_and_query() {
        for (address, says) in [
            ("http://host:1/-/reload", "http://host:1/-/reload"),
            ("http://ada:hunter2@host/x?token=hunter2", "http://host/x"),
            ("http://ada:hun@ter2@host/", "http://host/"),
            ("ftp://ada:hunter2@host", "ftp://host/"),
            ("ada:hunter2@host", "host"),
            ("http://ada:hunter2@[", "["),
        ] {
            assert_eq!(shown(address), says, "{address}");
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_named_without_its_password() {
        for (config, says) in [
            (r#"{"endpoint": "ftp://ada:hunter2@host/"}"#, "endpoint = \"ftp://host/\" is neither"),
            (
                r#"{"monitoring": {"directory": "/x", "reload": "ftp://ada:hunter2@host/"}}"#,
                "monitoring.reload = \"ftp://host/\" is neither",
            ),
        ] {
            let config: PrometheusConfig = serde_json::from_str(config).unwrap();
            assert!(config.holds_secrets());
            let Err(error) = Prometheus::new(config, Secrets::new()) else { panic!("{says}") };
            assert_eq!(error.to_string(), format!("[sli.prometheus]: {says} http:// nor https://"));
        }
        let plain = r#"{"endpoint": "http://host", "monitoring": {"directory": "/x", "reload": "http://host"}}"#;
        assert!(!serde_json::from_str::<PrometheusConfig>(plain).unwrap().holds_secrets());
    }
}
