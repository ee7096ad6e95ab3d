//! SLI providers: they answer `get-sli.triggered` with the values that a gate asks for. Which one is meant the
//! question says; one that is meant for somebody else stays unanswered here.

mod asking;
mod configure;
mod http_json;
mod job_results;
mod monitoring;
mod prometheus;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventKind, EventType, Phase};
use tidegate_core::names::{ProjectName, TaskName};
use tidegate_core::sli::{self, GetSli, Measurement, results};
use tidegate_core::uniform::{Mode, Policy};
use tidegate_engine::Engine;

use crate::answer_id::answer_id;
use crate::files::Commits;
use crate::jobs::{ResultFiles, Secrets};
use crate::outbox::{Answer, Asked, Outbox};
use crate::work::{Service, Worker};
use http_json::HttpJson;
pub use http_json::{EndpointConfig, HttpJsonConfig, HttpJsonError};
use monitoring::Monitoring;
pub use monitoring::{Length, MonitoringConfig};
use prometheus::Prometheus;
pub use prometheus::{PrometheusConfig, PrometheusError};

/// What is left for an answer to be kept and judged when measuring is given up.
const ANSWERING: SignedDuration = SignedDuration::from_secs(5);

/// `[sli]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SliConfig {
    /// Whether values are measured here. By default unless an integration of the provider's name is there, such
    /// as prometheus-service.
    pub enabled: Mode,
    /// Where that is otherwise in single projects.
    pub projects: BTreeMap<ProjectName, Mode>,
    /// The provider `prometheus`; off where it is not there.
    pub prometheus: Option<PrometheusConfig>,
    /// The provider `http-json`; off where it is not there.
    #[serde(rename = "http-json")]
    pub http_json: Option<HttpJsonConfig>,
}

impl SliConfig {
    /// Whether values are measured here, project by project.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { enabled: self.enabled, projects: self.projects.clone() }
    }

    /// Whether whoever reads the configuration reads a secret.
    #[must_use]
    pub fn holds_secrets(&self) -> bool {
        self.http_json.as_ref().is_some_and(HttpJsonConfig::holds_secrets)
            || self.prometheus.as_ref().is_some_and(PrometheusConfig::holds_secrets)
    }
}

/// The configuration of a provider cannot be used: which part, and why.
#[derive(Debug, thiserror::Error)]
pub enum SliConfigError {
    /// That of `prometheus`.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// That of `http-json`.
    #[error(transparent)]
    HttpJson(#[from] HttpJsonError),
}

/// What providers need beside the engine.
pub struct SliSetup {
    /// The `[sli]` section.
    pub config: SliConfig,
    /// The `[secrets]` section: `prometheus-credentials-<project>` says where a project's Prometheus is.
    pub secrets: Secrets,
    /// What jobs leave; none where no jobs run here.
    pub results: Option<ResultFiles>,
}

/// The providers of a server. Dropped or stopped, they take up nothing more.
pub struct SliProviders(Worker);

impl SliProviders {
    /// Takes up questions from now on, those of a former run first. The process has a provider of TLS by then.
    ///
    /// # Errors
    /// The configuration of a provider cannot be used.
    pub fn start(engine: Engine, setup: SliSetup) -> Result<Self, SliConfigError> {
        let SliSetup { config, secrets, results } = setup;
        let policy = config.policy();
        let monitoring = config.prometheus.as_ref().and_then(|config| config.monitoring.clone());
        let monitoring = monitoring.map(Monitoring::new);
        let prometheus = config.prometheus.map(|config| Prometheus::new(config, secrets));
        let prometheus = prometheus.transpose()?;
        let http_json = config.http_json.map(HttpJson::new).transpose()?;
        let outbox = Arc::new(Outbox::new(engine.clone(), BuiltIn::Sli));
        let own = Arc::clone(&outbox);
        let providers =
            Providers { engine, outbox: own, prometheus, monitoring, http_json, results };
        Ok(Self(Worker::start(outbox, policy, providers)))
    }

    /// Takes up nothing more. What is under way is taken up again by the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

struct Providers {
    engine: Engine,
    outbox: Arc<Outbox>,
    prometheus: Option<Prometheus>,
    monitoring: Option<Monitoring>,
    http_json: Option<HttpJson>,
    results: Option<ResultFiles>,
}

/// Who is asked.
enum Provider<'a> {
    Prometheus(&'a Prometheus),
    HttpJson(&'a HttpJson),
    Results(&'a ResultFiles),
}

impl Provider<'_> {
    /// Who says what was measured: Keptn's name where Keptn has one.
    fn source(&self) -> &'static str {
        match self {
            Self::Prometheus(_) => prometheus::SOURCE,
            Self::HttpJson(_) => http_json::SOURCE,
            Self::Results(_) => job_results::SOURCE,
        }
    }
}

impl Service for Providers {
    const PLACES: usize = 32;

    async fn take(&self, event: &Event) {
        match event.kind.kind() {
            EventKind::Task { phase: Phase::Triggered, .. } => self.measure(event).await,
            _ => self.configure(event).await,
        }
    }
}

impl Providers {
    /// None where somebody else is meant.
    fn provider(&self, name: &str) -> Option<Provider<'_>> {
        match name {
            sli::prometheus::PROVIDER => self.prometheus.as_ref().map(Provider::Prometheus),
            sli::http_json::PROVIDER => self.http_json.as_ref().map(Provider::HttpJson),
            results::PROVIDER => self.results.as_ref().map(Provider::Results),
            _ => None,
        }
    }

    async fn measure(&self, event: &Event) {
        let asked = event.data.get("get-sli");
        let name = asked.and_then(|asked| asked.get("sliProvider")).and_then(Value::as_str);
        let Some(provider) = name.and_then(|name| self.provider(name)) else { return };
        let source = provider.source();
        let data = match GetSli::of(&event.data) {
            Err(error) => sli::errored(&event.data, &error.to_string()),
            Ok(question) => {
                self.answer(event, source, Phase::Started, sli::started(&question)).await;
                let values = self.values(event, &question, provider);
                match tokio::time::timeout(self.left(event), values).await {
                    Ok(Ok(values)) => sli::finished(&question, &values),
                    Ok(Err(message)) => sli::errored(&event.data, &message),
                    Err(_) => sli::errored(&event.data, &self.given_up(&question)),
                }
            }
        };
        self.answer(event, source, Phase::Finished, data).await;
    }

    /// How long values may take, so that whoever waits for them has an answer in time. A gate of somebody's own
    /// does not say how long it waits: as long, from now on.
    fn left(&self, event: &Event) -> Duration {
        let within = self.engine.values_within();
        let gone = match event.triggered_id {
            // A clock that was put back makes no wait longer.
            Some(_) => self.engine.now().duration_since(event.time).max(SignedDuration::ZERO),
            None => SignedDuration::ZERO,
        };
        let left = within.saturating_sub(gone).saturating_sub(ANSWERING.min(within / 10));
        // Less than nothing is nothing.
        left.try_into().unwrap_or_default()
    }

    fn given_up(&self, question: &GetSli) -> String {
        let (provider, within) = (&question.provider, self.engine.values_within());
        format!(
            "{provider} was given up: not all values were there in time, and the gate waits for {within:#}; ask for \
             fewer of them, or raise [tasks] values_within"
        )
    }

    async fn values(
        &self,
        event: &Event,
        question: &GetSli,
        provider: Provider<'_>,
    ) -> Result<Vec<Measurement>, String> {
        let (asker, stage) = (event.triggered_id, event.commit.clone());
        let (scope, context) = (&question.scope, event.context);
        let commits = Commits::of_task(&self.engine, scope, context, asker, stage).await;
        match provider {
            Provider::Prometheus(prometheus) => {
                prometheus.measure(&self.engine, question, &commits).await
            }
            Provider::HttpJson(http_json) => {
                http_json.measure(&self.engine, question, &commits).await
            }
            Provider::Results(results) => {
                job_results::measure(&self.engine, results, event, question, &commits).await
            }
        }
    }

    async fn answer(
        &self,
        event: &Event,
        source: &'static str,
        phase: Phase,
        data: Map<String, Value>,
    ) {
        let get_sli = TaskName::new("get-sli").expect("a plain word");
        let answer = |data| Answer {
            kind: EventType::task(&get_sli, phase),
            source,
            id: answer_id(event.id, phase.as_str()),
            commit: event.commit.clone(),
            data,
        };
        let asked = Asked::from(event);
        if let Err(error) = self.outbox.record(asked, answer(data)).await {
            // The gate waits for an answer, whatever it was meant to be.
            let plain = answer(sli::errored(&event.data, &error));
            if let Err(error) = self.outbox.record(asked, plain).await {
                tracing::error!(error, "the values of SLIs could not be told");
            }
        }
    }
}
