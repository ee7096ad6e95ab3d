//! `monitoring.configure`: a person names the SLI provider of a project, and is told when it is set.

use serde_json::{Map, Value};
use tidegate_core::event::{Event, EventType, Outcome, Phase, text};
use tidegate_core::names::TaskName;
use tidegate_core::sli::monitoring::DONE;
use tidegate_core::sli::{self, results};

use super::prometheus::Prometheus;
use super::{Provider, Providers, http_json, job_results, prometheus};
use crate::answer_id::answer_id;
use crate::outbox::{Answer, Asked};

impl Providers {
    /// Whoever is not built in answers by itself. Keptn 1.4: `configure-monitoring` has no `.triggered`.
    pub(super) async fn configure(&self, event: &Event) {
        let name = text(&event.data, "type");
        let (source, done) = match (self.provider(name), name) {
            (Some(Provider::Prometheus(prometheus)), _) => {
                return self.configure_prometheus(event, prometheus).await;
            }
            // There is nothing to set up: that it was named is kept with the event itself.
            (Some(provider @ (Provider::HttpJson(_) | Provider::Results(_))), _) => {
                let source = provider.source();
                (source, Ok(format!("{source} is the SLI provider now")))
            }
            // Nobody else has these names, so nobody else would answer.
            (None, sli::http_json::PROVIDER) => {
                (http_json::SOURCE, Err("its configuration has no [sli.http-json]"))
            }
            (None, results::PROVIDER) => (job_results::SOURCE, Err("it runs no jobs")),
            (None, _) => return,
        };
        self.configured(event, source, Phase::Started, common(event)).await;
        let (outcome, message) = match done {
            Ok(message) => (Outcome::PASS, message),
            Err(why) => {
                let message =
                    format!("{name} is the SLI provider now, but this server cannot ask it: {why}");
                (Outcome::ERROR, message)
            }
        };
        self.finished(event, source, outcome, message).await;
    }

    async fn configure_prometheus(&self, event: &Event, prometheus: &Prometheus) {
        let source = prometheus::SOURCE;
        self.configured(event, source, Phase::Started, common(event)).await;
        let done = match &self.monitoring {
            Some(monitoring) => monitoring.configure(&self.engine, prometheus, event).await,
            // Keptn 1.4: whose Prometheus is out of reach has set it up by hand.
            None => Ok(DONE.to_owned()),
        };
        let (outcome, message) = match done {
            Ok(message) => (Outcome::PASS, message),
            Err(why) => (Outcome::ERROR, format!("configure prometheus failed with error: {why}")),
        };
        self.finished(event, source, outcome, message).await;
    }

    async fn finished(
        &self,
        event: &Event,
        source: &'static str,
        outcome: Outcome,
        message: String,
    ) {
        let mut data = common(event);
        outcome.write(&mut data);
        data.insert("message".to_owned(), Value::from(message));
        self.configured(event, source, Phase::Finished, data).await;
    }

    async fn configured(
        &self,
        event: &Event,
        source: &'static str,
        phase: Phase,
        data: Map<String, Value>,
    ) {
        let name = TaskName::new("configure-monitoring").expect("plain words");
        let answer = Answer {
            kind: EventType::task(&name, phase),
            source,
            id: answer_id(event.id, phase.as_str()),
            commit: None,
            data,
        };
        if let Err(error) = self.outbox.record(Asked::from(event), answer).await {
            tracing::error!(error, "nobody could be told whether monitoring is configured");
        }
    }
}

fn common(event: &Event) -> Map<String, Value> {
    let mut data = Map::new();
    for key in ["project", "service"] {
        data.insert(key.to_owned(), Value::from(text(&event.data, key)));
    }
    data
}
