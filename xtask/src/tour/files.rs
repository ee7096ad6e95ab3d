//! Which files the user of the tutorial has.

use std::path::{Path, PathBuf};

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
    /// What takes the place of Helm and Locust.
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
        let files = Self {
            shipyard: setup.join("shipyard.yaml"),
            with_approval: directory.join("add_approval/shipyard.yaml"),
            jobs: setup.join("job-executor/job-executor-config.yaml"),
            load: (ours.load.0.clone(), setup.join("locust/locust.conf")),
            ..ours
        };
        for file in [&files.shipyard, &files.with_approval, &files.jobs, &files.load.1] {
            ensure!(file.is_file(), "{} is not there", file.display());
        }
        Ok(files)
    }
}
