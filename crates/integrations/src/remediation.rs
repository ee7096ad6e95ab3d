//! Remediation: answers `get-action.triggered` with the next action that `remediation.yaml` has against a
//! problem, as Keptn's remediation-service does. Whoever answers `action.triggered`, a job or an integration,
//! carries it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventType, Phase};
use tidegate_core::names::{ProjectName, TaskName};
use tidegate_core::remediation::{GetAction, REMEDIATION_PATH, errored};
use tidegate_core::uniform::{Mode, Policy};
use tidegate_engine::Engine;

use crate::answer_id::answer_id;
use crate::files;
use crate::outbox::{Answer, Asked, Outbox};
use crate::work::{Service, Worker};

/// `[remediation]`
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemediationConfig {
    /// Whether actions are picked here. By default unless a remediation-service of one's own is there.
    pub enabled: Mode,
    /// Where that is otherwise in single projects.
    pub projects: BTreeMap<ProjectName, Mode>,
}

impl RemediationConfig {
    /// Whether actions are picked here, project by project.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { enabled: self.enabled, projects: self.projects.clone() }
    }
}

/// The remediation of a server. Dropped or stopped, it takes up nothing more.
pub struct Remediation(Worker);

impl Remediation {
    /// Takes up deliveries from now on, those of a former run first.
    #[must_use]
    pub fn start(engine: Engine, config: &RemediationConfig) -> Self {
        let outbox = Arc::new(Outbox::new(engine.clone(), BuiltIn::Remediation));
        let service = Actions { engine, outbox: Arc::clone(&outbox) };
        Self(Worker::start(outbox, config.policy(), service))
    }

    /// Takes up nothing more. What is under way is taken up again by the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

struct Actions {
    engine: Engine,
    outbox: Arc<Outbox>,
}

impl Service for Actions {
    const PLACES: usize = 8;

    async fn take(&self, event: &Event) {
        let data = match GetAction::of(&event.data) {
            Ok(question) => {
                if !self.answer(event, Phase::Started, question.started()).await {
                    // Nobody waits for it any more.
                    return;
                }
                let place = files::of_service(&question.scope);
                let (project, commit) = (&question.scope.project, event.commit.clone());
                match files::text(&self.engine, project, place, REMEDIATION_PATH, commit).await {
                    Ok(file) => question.answer(file.as_deref()),
                    Err(error) => errored(&event.data, &error),
                }
            }
            Err(error) => {
                self.answer(event, Phase::Started, errored(&event.data, "")).await;
                errored(&event.data, &error.to_string())
            }
        };
        self.answer(event, Phase::Finished, data).await;
    }
}

impl Actions {
    /// Whether it counts.
    async fn answer(&self, event: &Event, phase: Phase, data: Map<String, Value>) -> bool {
        let name = TaskName::new("get-action").expect("plain words");
        let answer = Answer {
            kind: EventType::task(&name, phase),
            source: BuiltIn::Remediation.source(),
            id: answer_id(event.id, phase.as_str()),
            commit: event.commit.clone(),
            data,
        };
        let errored = |error: String| errored(&event.data, &error);
        self.outbox.answer_or(Asked::from(event), answer, errored).await
    }
}
