//! What a home is asked for overviews, all of it within one transaction. Questions are about many things
//! at once, so that a home whose database is elsewhere asks it once.

use jiff::Timestamp;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ContextId, EventId, ProjectName, ServiceName, StageName};
use tidegate_core::sequence::{Context, Deployed};

use crate::contract::StoreError;
use crate::query::{LogRow, Page};
use crate::rows::ProjectRow;

use super::{Place, Run};

/// How a project moves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Activity {
    pub(crate) project: ProjectName,
    /// How many approvals wait.
    pub(crate) waiting: u64,
    /// When something was triggered last.
    pub(crate) last: Option<Timestamp>,
}

/// An approval that waits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenApproval {
    /// What the home finds it by.
    pub(crate) key: i64,
    pub(crate) place: Place,
}

/// What was deployed to a place, newest last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) place: Place,
    pub(crate) deployed: Vec<Deployed>,
}

/// What ran in a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Runs {
    pub(crate) place: Place,
    /// The newest run.
    pub(crate) newest: Option<Run>,
    /// The deliveries of the newest runs, newest first; one that ran twice may come twice.
    pub(crate) contexts: Vec<ContextId>,
}

/// What the lanes of a stage hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StageLanes {
    pub(crate) stage: StageName,
    /// How many have something deployed.
    pub(crate) deployed: u64,
    /// How many are held by a sequence.
    pub(crate) running: u64,
}

/// One state of a store. Answers come in any order where none is named, and leave out what is not there.
pub(crate) trait Source {
    /// One project.
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectRow>, StoreError>;
    /// How the projects move whose names have this part, by name.
    fn activity(&self, part: &str) -> Result<Vec<Activity>, StoreError>;
    /// The services of a project, by name.
    fn services(&self, project: &ProjectName) -> Result<Vec<ServiceName>, StoreError>;
    /// Services of all projects whose name, or whose project's, has this part; by project and name.
    fn all_services(
        &self,
        part: &str,
        page: (u64, u64),
    ) -> Result<Page<(ProjectName, ServiceName)>, StoreError>;
    /// How many lanes of each stage are held; those of none are left out.
    fn held(&self, project: &ProjectName) -> Result<Vec<(StageName, u64)>, StoreError>;
    /// What the lanes of a project hold, by stage. Dearer: it looks at each of them.
    fn stages(&self, project: &ProjectName) -> Result<Vec<StageLanes>, StoreError>;
    /// What was deployed for these services, in the stages that they have been to.
    fn lanes(
        &self,
        project: &ProjectName,
        services: &[ServiceName],
    ) -> Result<Vec<Lane>, StoreError>;
    /// What ran in these places, at most `limit` runs of each.
    fn runs(
        &self,
        project: &ProjectName,
        places: &[Place],
        limit: usize,
    ) -> Result<Vec<Runs>, StoreError>;
    /// The approvals of a project that wait, newest first.
    fn open(&self, project: &ProjectName, limit: u64) -> Result<Vec<OpenApproval>, StoreError>;
    /// The approvals with these keys, of those that wait.
    fn approvals(&self, project: &ProjectName, keys: &[i64]) -> Result<Vec<Approval>, StoreError>;
    /// The approvals of a project that were decided, newest decision first.
    fn decided(&self, project: &ProjectName, limit: u64) -> Result<Vec<Approval>, StoreError>;
    /// These deliveries of a project.
    fn contexts(
        &self,
        project: &ProjectName,
        ids: &[ContextId],
    ) -> Result<Vec<Context>, StoreError>;
    /// The newest deliveries of a project, newest first, at most `limit`; where `since` is given, the
    /// first that began no later is the last.
    fn recent(
        &self,
        project: &ProjectName,
        since: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<Context>, StoreError>;
    /// These entries of the log.
    fn events(&self, ids: &[EventId]) -> Result<Vec<LogRow>, StoreError>;
}
