//! The quality gate: answers `evaluation.triggered`, as Keptn's lighthouse-service does.
//!
//! Two deliveries make an evaluation. `evaluation.triggered` is answered with `.started`, and asks an SLI
//! provider by `get-sli.triggered`; every `get-sli.finished` that answers it, whoever sent it, is judged by
//! [`tidegate_core::quality`] and becomes an `evaluation.finished`. Nothing is remembered in between, so a
//! crash loses nothing; what was sent before a crash carries the same id, and counts once. What was left to a
//! lighthouse-service when it was triggered is left alone to its end.

mod asked;
mod begin;
mod past;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::event::{Event, EventKind, EventType, Phase};
use tidegate_core::names::{ProjectName, TaskName};
use tidegate_core::quality::time::EVALUATION;
use tidegate_core::uniform::{Mode, Policy};
use tidegate_engine::Engine;

use crate::outbox::Outbox;
use crate::work::{Service, Worker};

/// `[gate]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Whether evaluations are judged here. By default unless a lighthouse-service of one's own is there.
    pub enabled: Mode,
    /// Where that is otherwise in single projects.
    pub projects: BTreeMap<ProjectName, Mode>,
    /// The SLI provider of projects that none was configured for.
    pub sli_provider: Option<String>,
}

impl GateConfig {
    /// Whether evaluations are judged here, project by project.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { enabled: self.enabled, projects: self.projects.clone() }
    }
}

/// The gate of a server. Dropped or stopped, it takes up nothing more.
pub struct Gate(Worker);

impl Gate {
    /// Takes up deliveries from now on, those of a former run first.
    #[must_use]
    pub fn start(engine: Engine, config: GateConfig) -> Self {
        let outbox = Arc::new(Outbox::new(engine.clone(), BuiltIn::Gate));
        let policy = config.policy();
        let GateConfig { sli_provider, .. } = config;
        let evaluations = Evaluations { engine, outbox: Arc::clone(&outbox), sli_provider };
        Self(Worker::start(outbox, policy, evaluations))
    }

    /// Takes up nothing more. What is under way is taken up again by the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

struct Evaluations {
    engine: Engine,
    outbox: Arc<Outbox>,
    /// Who measures where nobody was configured.
    sli_provider: Option<String>,
}

impl Service for Evaluations {
    const PLACES: usize = 32;

    async fn take(&self, event: &Event) {
        match event.kind.kind() {
            EventKind::Task { phase: Phase::Triggered, .. } => self.begin(event).await,
            EventKind::Task { phase: Phase::Finished, .. } => self.judge(event).await,
            _ => {}
        }
    }
}

fn of_evaluation(phase: Phase) -> EventType {
    EventType::task(&TaskName::new(EVALUATION).expect("a plain word"), phase)
}
