//! `monitoring.configure`: a person names the SLI provider of a project, and is told when it is set.

use serde_json::{Map, Value};
use tidegate_core::event::{Event, EventType, Outcome, Phase, text};
use tidegate_core::names::TaskName;
use tidegate_core::sli;

use super::prometheus::Prometheus;
use super::{Providers, http_json, prometheus};
use crate::answer_id::answer_id;
use crate::outbox::{Answer, Asked};

/// What Keptn's prometheus-service says, which its command line waits for.
const DONE: &str = "Prometheus successfully configured and rule created";

impl Providers {
    /// Whoever else is named answers by itself. Keptn 1.4: `configure-monitoring` has no `.triggered`.
    pub(super) async fn configure(&self, event: &Event) {
        match (text(&event.data, "type"), &self.prometheus, &self.http_json) {
            (sli::prometheus::PROVIDER, Some(prometheus), _) => {
                self.configure_prometheus(event, prometheus).await;
            }
            // There is nothing to set up: that it was named is kept with the event itself.
            (sli::http_json::PROVIDER, _, Some(_)) => {
                let source = http_json::SOURCE;
                self.configured(event, source, Phase::Started, common(event)).await;
                let message = format!("{source} is the SLI provider now");
                self.finished(event, source, Outcome::PASS, message).await;
            }
            _ => {}
        }
    }

    async fn configure_prometheus(&self, event: &Event, prometheus: &Prometheus) {
        let source = prometheus::SOURCE;
        self.configured(event, source, Phase::Started, common(event)).await;
        let done = match &self.monitoring {
            Some(monitoring) => monitoring.configure(&self.engine, prometheus, event).await,
            // Keptn 1.4: whose Prometheus is out of reach has set it up by hand.
            None => Ok(()),
        };
        let (outcome, message) = match done {
            Ok(()) => (Outcome::PASS, DONE.to_owned()),
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
