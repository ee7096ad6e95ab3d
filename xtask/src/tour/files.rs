//! Which files the user of the tutorial has.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// What the steps add to the project.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The first shipyard: two stages, one after the other.
    pub(super) shipyard: PathBuf,
    /// The second one: production asks first.
    pub(super) with_approval: PathBuf,
    /// What jobs run.
    pub(super) jobs: PathBuf,
    /// The directory of the chart, to be packed.
    pub(super) chart: PathBuf,
    /// The load script, and its configuration.
    pub(super) load: (PathBuf, PathBuf),
    /// The third shipyard: what was measured decides.
    pub(super) with_gate: PathBuf,
    /// The fourth one: in production, too.
    pub(super) with_validation: PathBuf,
    /// The fifth one: problems are acted upon.
    pub(super) with_healing: PathBuf,
    /// What is asked of Prometheus, and what it must answer.
    pub(super) gate: (PathBuf, PathBuf),
    /// Actions against problems, and what jobs run then.
    pub(super) remediation: (PathBuf, PathBuf),
    /// Somebody has a problem.
    pub(super) problem: PathBuf,
    /// What takes the place of Helm and of a cluster.
    pub(super) stand_ins: PathBuf,
}

impl Files {
    /// Those of this repository.
    pub(super) fn ours(workspace: &Workspace) -> Self {
        let tour = workspace.root.join("examples/tour");
        Self {
            shipyard: tour.join("shipyard-delivery.yaml"),
            with_approval: tour.join("shipyard-approval.yaml"),
            jobs: tour.join("job/helm.yaml"),
            chart: tour.join("chart"),
            load: (tour.join("locust/basic.py"), tour.join("locust/locust.conf")),
            with_gate: tour.join("shipyard-gate.yaml"),
            with_validation: tour.join("shipyard-validation.yaml"),
            with_healing: tour.join("shipyard-healing.yaml"),
            gate: (tour.join("prometheus/sli.yaml"), tour.join("slo.yaml")),
            remediation: (tour.join("remediation.yaml"), tour.join("job/healing.yaml")),
            problem: tour.join("remediation-trigger.json"),
            stand_ins: tour.join("stand-ins"),
        }
    }

    /// Those that the tutorial comes with. Its chart and its load script are not among them.
    pub(super) fn of_the_tutorial(directory: &Path, workspace: &Workspace) -> Result<Self> {
        let ours = Self::ours(workspace);
        // The commands run elsewhere.
        let directory = directory
            .canonicalize()
            .with_context(|| format!("there is no directory {}", directory.display()))?;
        let setup = directory.join("keptn_setup");
        let healing = directory.join("self_healing");
        let files = Self {
            shipyard: setup.join("shipyard.yaml"),
            with_approval: directory.join("add_approval/shipyard.yaml"),
            jobs: setup.join("job-executor/job-executor-config.yaml"),
            load: (ours.load.0.clone(), setup.join("locust/locust.conf")),
            with_gate: directory.join("quality_gated_release/shipyard.yaml"),
            with_validation: directory.join("release_validation/shipyard.yaml"),
            with_healing: healing.join("shipyard.yaml"),
            gate: (
                setup.join("prometheus/sli.yaml"),
                directory.join("quality_gated_release/slo.yaml"),
            ),
            remediation: (healing.join("remediation.yaml"), healing.join("job/config.yaml")),
            problem: healing.join("remediation_trigger.json"),
            ..ours
        };
        for file in [
            &files.shipyard,
            &files.with_approval,
            &files.jobs,
            &files.load.1,
            &files.with_gate,
            &files.with_validation,
            &files.with_healing,
            &files.gate.0,
            &files.gate.1,
            &files.remediation.0,
            &files.remediation.1,
            &files.problem,
        ] {
            ensure!(file.is_file(), "{} is not there", file.display());
        }
        Ok(files)
    }

    /// For how much longer a gate looks back than a load lasts: whatever was there before must be over so long,
    /// or it is measured again.
    pub(super) fn looks_back_further(&self) -> Result<Duration> {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (shipyard, load) = (read(&self.with_gate)?, read(&self.load.1)?);
        let length = |text: &str, key: &str, path: &Path| {
            minutes(text, key).with_context(|| format!("{} says no {key}", path.display()))
        };
        let back = length(&shipyard, "timeframe:", &self.with_gate)?;
        let lasts = length(&load, "run-time =", &self.load.1)?;
        Ok(back.saturating_sub(lasts))
    }
}

/// The first value of a key that is a number of minutes, such as `"2m"`.
fn minutes(text: &str, key: &str) -> Option<Duration> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key))?;
    let minutes: u64 = value.trim().trim_matches('"').strip_suffix('m')?.parse().ok()?;
    Some(Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_found_in_files_of_either_kind() {
        let two = Some(Duration::from_secs(120));
        assert_eq!(minutes("a:\n    timeframe: \"2m\"\n", "timeframe:"), two);
        assert_eq!(minutes("users = 10\nrun-time = 2m", "run-time ="), two);
        assert_eq!(minutes("timeframe: 90s", "timeframe:"), None);
        assert_eq!(minutes("", "timeframe:"), None);
    }
}
