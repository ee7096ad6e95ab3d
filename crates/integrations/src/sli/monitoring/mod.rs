//! Telling a Prometheus what to watch: files in a directory that it reads.

mod config;
mod files;

use jiff::Timestamp;
use tidegate_core::event::{Event, Scope, text};
use tidegate_core::names::{ProjectName, ServiceName};
use tidegate_core::quality::SLO_PATH;
use tidegate_core::remediation::REMEDIATION_PATH;
use tidegate_core::shipyard::Shipyard;
use tidegate_core::sli::monitoring::{Plan, Stage, plan};
use tidegate_core::sli::prometheus::SLI_PATH;
use tidegate_engine::Engine;
use tidegate_resources::Place;
use tokio::sync::Mutex;

use super::prometheus::Prometheus;
use crate::files::{self as project_files, Commits};
pub use config::{Length, MonitoringConfig};

const SHIPYARD_PATH: &str = "shipyard.yaml";

/// Whoever tells.
pub(super) struct Monitoring {
    config: MonitoringConfig,
    /// One writes at a time.
    turn: Mutex<()>,
}

impl Monitoring {
    pub(super) fn new(config: MonitoringConfig) -> Self {
        Self { config, turn: Mutex::default() }
    }

    /// Makes a service watched in every stage, as its newest files say, and says what was done. Doing it again
    /// does nothing more.
    ///
    /// # Errors
    /// Why it is not watched as they say: a sentence.
    pub(super) async fn configure(
        &self,
        engine: &Engine,
        prometheus: &Prometheus,
        event: &Event,
    ) -> Result<String, String> {
        let (project, service) = named(event)?;
        // Keptn 1.4 would make Prometheus watch what is not there.
        if !is_there(engine, &project, &service).await? {
            return Err(format!("project {project} has no service {service}"));
        }
        // Somebody has pushed a moment ago, perhaps to a repository elsewhere.
        engine.refresh(&project).await.map_err(|error| error.to_string())?;
        let stages = stages(engine, &project, &service).await?;
        let plan = plan(&project, &service, &stages, &self.config.settings());
        let plan = plan.map_err(|error| error.to_string())?;
        for reason in &plan.skipped {
            tracing::warn!(%project, %service, reason, "an objective is not watched");
        }
        check(prometheus, &project, &plan, engine.now()).await?;
        let done = plan.done();
        let _turn = self.turn.lock().await;
        let directory = self.config.directory.clone();
        let written = tokio::task::spawn_blocking(move || {
            files::write(&directory, &project, &service, &plan)
        });
        written.await.map_err(|error| error.to_string())??;
        if let Some(address) = &self.config.reload {
            prometheus.reload(address).await?;
        }
        Ok(done)
    }
}

async fn is_there(
    engine: &Engine,
    project: &ProjectName,
    service: &ServiceName,
) -> Result<bool, String> {
    let project = project.clone();
    let services = engine.read(move |reader| reader.services(&project)).await;
    Ok(services.map_err(|error| error.to_string())?.iter().any(|known| known.name == *service))
}

fn named(event: &Event) -> Result<(ProjectName, ServiceName), String> {
    let project = ProjectName::new(text(&event.data, "project"));
    let service = ServiceName::new(text(&event.data, "service"));
    match (project, service) {
        (Ok(project), Ok(service)) => Ok((project, service)),
        (Err(error), _) => Err(format!("data.project: {error}")),
        (_, Err(error)) => Err(format!("data.service: {error}")),
    }
}

/// The stages of the shipyard, with the files of the service there.
async fn stages(
    engine: &Engine,
    project: &ProjectName,
    service: &ServiceName,
) -> Result<Vec<Stage>, String> {
    let shipyard = project_files::text(engine, project, Place::Project, SHIPYARD_PATH, None);
    let shipyard = shipyard.await?.ok_or("there is no shipyard.yaml")?;
    let shipyard = Shipyard::parse(&shipyard).map_err(|error| error.to_string())?;
    let mut stages = Vec::new();
    for stage in shipyard.stages {
        let (project, service) = (project.clone(), service.clone());
        let scope = Scope { project, stage: stage.name, service };
        let own = |path| {
            let place = project_files::of_service(&scope);
            project_files::text(engine, &scope.project, place, path, None)
        };
        let slo = own(SLO_PATH).await?;
        let is_remedied = own(REMEDIATION_PATH).await?.is_some();
        let queries = project_files::queries(engine, &scope, SLI_PATH, &Commits::default()).await?;
        stages.push(Stage { name: scope.stage, slo, is_remedied, queries });
    }
    Ok(stages)
}

/// One expression that Prometheus does not understand, and it would read none of its rules any more, of no
/// service at all: so it is asked before anything is written.
async fn check(
    prometheus: &Prometheus,
    project: &ProjectName,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), String> {
    for alert in plan.groups.iter().flat_map(|group| &group.alerts) {
        prometheus.check(project, &alert.expression, now).await.map_err(|error| {
            format!("the alert {:?} in {}: {error}", alert.indicator, alert.scope.stage)
        })?;
    }
    Ok(())
}
