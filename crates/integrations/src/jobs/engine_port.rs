//! The engine behind the runner's [`JobPort`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{EventKind, EventType, Outcome, Phase, Scope};
use tidegate_core::job::CONFIG_PATH;
use tidegate_core::names::EventId;
use tidegate_core::uniform::{Mode, Policy};
use tidegate_engine::Engine;
use tidegate_resources::{Place, Repositories, ResourceError, ResourcePath};
use tidegate_store::DeliveryRow;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::ProcessExecutor;
use super::configs::{Configs, Key};
use super::port::{JobDelivery, JobFile, JobPort};
use crate::files::{self, Commits};
use crate::outbox::{Answer, Asked, Outbox};

/// The engine, as the runner sees it.
pub(super) struct EnginePort {
    engine: Engine,
    outbox: Outbox,
    executor: Arc<ProcessExecutor>,
    /// Whether new jobs are started; those that were begun are brought to their end in any case.
    starts: Policy,
    secrets: Secrets,
    configs: Configs,
    tell: mpsc::UnboundedSender<Progress>,
}

/// How far the jobs of a task are.
pub(super) enum Progress {
    /// Its `.started` counts.
    Began(EventId),
    /// Its `.finished` was sent.
    Ended(EventId),
}

/// Secrets of the configuration: variables and values by the secret's name.
pub type Secrets = BTreeMap<String, BTreeMap<String, String>>;

impl EnginePort {
    pub(super) fn new(
        engine: Engine,
        executor: Arc<ProcessExecutor>,
        starts: Policy,
        secrets: Secrets,
        tell: mpsc::UnboundedSender<Progress>,
    ) -> Self {
        let outbox = Outbox::new(engine.clone(), BuiltIn::Jobs);
        let configs = Configs::default();
        Self { engine, outbox, executor, starts, secrets, configs, tell }
    }

    /// Whether a job of this task was begun by a former run that still had jobs switched on.
    fn has_begun(&self, task: EventId) -> bool {
        !matches!(self.executor.log_tail(task), Ok(None))
    }

    /// No delivery is handed out any more.
    pub(super) fn close(&self) {
        self.outbox.close();
    }

    /// Sends an answer until it is committed. Whether it counts, or did before.
    async fn answer(
        &self,
        delivery: &JobDelivery,
        phase: Phase,
        id: Uuid,
        data: Map<String, Value>,
    ) -> bool {
        let kind = delivery.event["type"].as_str().unwrap_or_default();
        let kind = match EventType::new(kind).kind() {
            EventKind::Task { task, .. } => EventType::task(&task, phase),
            EventKind::Sequence { .. } | EventKind::Other => return false,
        };
        let asked = Asked { id: delivery.event_id, context: delivery.context };
        let answer = |data| {
            let (source, kind) = (BuiltIn::Jobs.source(), kind.clone());
            self.outbox.answer(asked, Answer { kind, source, id, commit: None, data })
        };
        match answer(data).await {
            Ok(counts) => counts,
            Err(error) => {
                // A task that was begun must be answered, whatever its answer was meant to be.
                tracing::error!(error, event.id = %asked.id, "a job's answer is no event");
                let plain = answer(errored(&delivery.scope, &error)).await;
                plain.expect("a scope, an outcome and a short message are an event")
            }
        }
    }

    /// Asks the places in turn; the first that answers with something counts.
    async fn look_up<T, F>(&self, delivery: &JobDelivery, ask: F) -> Result<Option<T>, String>
    where
        T: Send + 'static,
        F: Fn(&Repositories, &Place) -> Result<Option<T>, ResourceError> + Send + 'static,
    {
        let repositories = self.engine.repositories().clone();
        let Scope { stage, service, .. } = delivery.scope.clone();
        let places = [Place::Service(stage.clone(), service), Place::Stage(stage), Place::Project];
        let search = move || {
            for place in &places {
                match ask(&repositories, place) {
                    Ok(Some(found)) => return Ok(Some(found)),
                    Ok(None) => {}
                    Err(error) if error.is_missing() => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            Ok(None)
        };
        tokio::task::spawn_blocking(search).await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn commits(delivery: &JobDelivery) -> Commits {
    Commits { stage: delivery.commit.clone(), project: delivery.project_commit.clone() }
}

impl JobPort for EnginePort {
    async fn claim(&self) -> JobDelivery {
        loop {
            let DeliveryRow { id, project, event, cancelled } = self.outbox.next().await;
            // Handed out before jobs were switched off.
            let is_off = self.starts.of(&project) == Mode::Off;
            if is_off && !self.has_begun(event.id) {
                // Somebody else answers this task.
                self.outbox.done(id).await;
                continue;
            }
            match Scope::of(&event.data) {
                Ok(scope) => {
                    let project_commit =
                        files::project_commit(&self.engine, &scope, event.context, event.id).await;
                    return JobDelivery {
                        id,
                        event_id: event.id,
                        context: event.context,
                        event: event.to_value(),
                        scope,
                        commit: event.commit.clone(),
                        project_commit,
                        cancelled,
                    };
                }
                Err(reason) => {
                    tracing::error!(event.id = %event.id, reason, "a delivery has no scope");
                    self.outbox.done(id).await;
                }
            }
        }
    }

    async fn config(&self, delivery: &JobDelivery) -> Result<Option<String>, String> {
        let key = Key::of(delivery);
        if let Some(known) = key.as_ref().and_then(|key| self.configs.get(key)) {
            return Ok(known);
        }
        let path = ResourcePath::new(CONFIG_PATH).map_err(|error| error.to_string())?;
        let (project, commits) = (delivery.scope.project.clone(), commits(delivery));
        let found = self.look_up(delivery, move |git, place| {
            git.read(&project, place, &path, commits.of(place)).map(Some)
        });
        let text = found.await?.map(String::from_utf8).transpose();
        let text = text.map_err(|_| format!("{CONFIG_PATH} is not UTF-8 text"))?;
        if let Some(key) = key {
            self.configs.keep(key, text.as_ref());
        }
        Ok(text)
    }

    async fn files(&self, delivery: &JobDelivery, name: &str) -> Result<Vec<JobFile>, String> {
        let path = ResourcePath::new(name).map_err(|error| error.to_string())?;
        let (project, commits) = (delivery.scope.project.clone(), commits(delivery));
        let found = self.look_up(delivery, move |git, place| {
            let at = commits.of(place);
            let file = |path: &ResourcePath| -> Result<JobFile, ResourceError> {
                let content = git.read(&project, place, path, at)?;
                Ok(JobFile { path: path.to_string(), content })
            };
            match file(&path) {
                Ok(file) => return Ok(Some(vec![file])),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
            let below = format!("{path}/");
            let all = git.list(&project, place, at)?;
            let files: Result<Vec<_>, _> =
                all.iter().filter(|one| one.as_str().starts_with(&below)).map(file).collect();
            files.map(|files| (!files.is_empty()).then_some(files))
        });
        found.await.map(Option::unwrap_or_default)
    }

    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        self.secrets.get(name).cloned()
    }

    async fn started(
        &self,
        delivery: &JobDelivery,
        client_id: Uuid,
        data: Map<String, Value>,
    ) -> bool {
        let counts = self.answer(delivery, Phase::Started, client_id, data).await;
        if counts {
            // Nobody listens any more only while the server stops.
            drop(self.tell.send(Progress::Began(delivery.event_id)));
        }
        counts
    }

    async fn finished(&self, delivery: &JobDelivery, client_id: Uuid, data: Map<String, Value>) {
        self.answer(delivery, Phase::Finished, client_id, data).await;
        drop(self.tell.send(Progress::Ended(delivery.event_id)));
    }

    async fn done(&self, delivery: &JobDelivery) {
        self.outbox.done(delivery.id).await;
    }
}

fn errored(scope: &Scope, message: &str) -> Map<String, Value> {
    let mut data = Map::new();
    scope.write(&mut data);
    Outcome::ERROR.write(&mut data);
    data.insert("message".to_owned(), Value::from(message));
    data
}

#[cfg(test)]
mod tests;
