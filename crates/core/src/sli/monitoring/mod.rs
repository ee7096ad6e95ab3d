//! What a Prometheus must be told to watch a service: where its metrics are, and which values are a problem.
//!
//! [`plan`] decides it, as Keptn's prometheus-service 0.9 does when somebody runs `keptn configure
//! monitoring`; a plan can be written as files ([`Plan::targets_file`], [`Plan::rules_file`]). Nothing here
//! writes: whoever brings a plan to a Prometheus decides where it goes.

mod alert;
mod file;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::event::Scope;
use crate::excerpt::excerpt;
use crate::names::{ProjectName, ServiceName, StageName};
use crate::quality::Slo;
use crate::sli::Queries;

/// What the installation says about watching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How often metrics are read.
    pub scrape_interval: Duration,
    /// Under which path they are.
    pub metrics_path: String,
    /// Over which time an alert looks.
    pub alert_window: Duration,
    /// How long a value must be bad before anybody is told.
    pub alert_after: Duration,
}

impl Default for Settings {
    /// Keptn's.
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_secs(5),
            metrics_path: "/metrics".to_owned(),
            alert_window: Duration::from_secs(180),
            alert_after: Duration::from_secs(600),
        }
    }
}

/// The files of a service in one stage, as far as they matter here.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The stage.
    pub name: StageName,
    /// `slo.yaml`, where there is one.
    pub slo: Option<String>,
    /// Whether there is a `remediation.yaml`: without one nobody acts on an alert.
    pub is_remedied: bool,
    /// The queries of its SLI files.
    pub queries: Queries,
}

/// What a Prometheus must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where metrics are, in the order of the stages.
    pub targets: Vec<Target>,
    /// What is a problem, a group for each stage that has any.
    pub groups: Vec<Group>,
    /// Objectives that become no alert though they might have been meant to: a sentence each.
    pub skipped: Vec<String>,
}

/// What Keptn's prometheus-service says when it is done, which its command line waits for.
pub const DONE: &str = "Prometheus successfully configured and rule created";
/// Most objectives that are named when it is said what was left out.
const SKIPPED_SHOWN_MAX: usize = 10;

impl Plan {
    /// What is said when it is carried out: [`DONE`], also where nothing was meant to become a rule, as by Keptn;
    /// and what was meant to and is left out, with the reason.
    #[must_use]
    pub fn done(&self) -> String {
        let mut said = match self.groups.is_empty() && !self.skipped.is_empty() {
            true => "Prometheus successfully configured, without a rule".to_owned(),
            false => DONE.to_owned(),
        };
        for (place, reason) in self.skipped.iter().take(SKIPPED_SHOWN_MAX).enumerate() {
            said.push_str(if place == 0 { ". Left out: " } else { "; " });
            said.push_str(reason);
        }
        let more = self.skipped.len().saturating_sub(SKIPPED_SHOWN_MAX);
        if more > 0 {
            said.push_str(&format!("; and {more} more"));
        }
        said
    }
}

/// One place where metrics are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `job` of everything that is read there. SLI queries go by it.
    pub job: String,
    /// Host and port.
    pub address: String,
    /// The path.
    pub path: String,
    /// How often it is read.
    pub interval: Duration,
    /// How long reading may take.
    pub timeout: Duration,
}

/// The alerts of a service in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The alerts: one for an indicator.
    pub alerts: Vec<Alert>,
}

/// A value that is a problem, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The indicator; `remediation.yaml` calls its problem by this name.
    pub indicator: String,
    /// The expression, in PromQL.
    pub expression: String,
    /// How long it must hold.
    pub after: Duration,
    /// Whose problem it is.
    pub scope: Scope,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An `slo.yaml` cannot be read.
    #[error("slo.yaml of {service} in {stage}:{problem}")]
    Slo {
        /// Whose it is.
        service: ServiceName,
        /// Where.
        stage: StageName,
        /// Line, column and reason.
        problem: String,
    },
}

/// Decides what is watched. Keptn 1.4: metrics are looked for in every stage, at the service itself and at
/// what a deployment in steps calls `primary` and `canary`; alerts are only where a service has both
/// objectives and remediations.
///
/// # Errors
/// A file cannot be read.
pub fn plan(
    project: &ProjectName,
    service: &ServiceName,
    stages: &[Stage],
    settings: &Settings,
) -> Result<Plan, PlanError> {
    let mut plan = Plan { targets: Vec::new(), groups: Vec::new(), skipped: Vec::new() };
    for stage in stages {
        plan.targets.extend(targets(project, service, &stage.name, settings));
        let Some(slo) = stage.slo.as_deref().filter(|_| stage.is_remedied) else { continue };
        let slo = Slo::parse(slo).map_err(|error| PlanError::Slo {
            service: service.clone(),
            stage: stage.name.clone(),
            problem: error.to_string(),
        })?;
        let scope =
            Scope { project: project.clone(), stage: stage.name.clone(), service: service.clone() };
        let (alerts, skipped) = alert::alerts(&scope, &slo, &stage.queries, settings);
        plan.skipped.extend(skipped.into_iter().map(|(indicator, why)| {
            format!("{}: {:?} becomes no alert: {why}", stage.name, excerpt(&indicator, 100))
        }));
        if !alerts.is_empty() {
            let name = format!("{service} {project}-{} alerts", stage.name);
            plan.groups.push(Group { name, alerts });
        }
    }
    Ok(plan)
}

/// Keptn's 3 s, but never longer than until the next reading: Prometheus refuses that.
const SCRAPE_TIMEOUT_MAX: Duration = Duration::from_secs(3);

fn targets<'a>(
    project: &'a ProjectName,
    service: &'a ServiceName,
    stage: &'a StageName,
    settings: &'a Settings,
) -> impl Iterator<Item = Target> + 'a {
    ["-primary", "-canary", ""].into_iter().map(move |part| Target {
        job: format!("{service}-{project}-{stage}{part}"),
        address: format!("{service}{part}.{project}-{stage}:80"),
        path: settings.metrics_path.clone(),
        interval: settings.scrape_interval,
        timeout: settings.scrape_interval.min(SCRAPE_TIMEOUT_MAX),
    })
}
