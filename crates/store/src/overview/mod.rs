//! Where services stand: what pages about whole projects are made of. Each answer is one reading of one
//! state of the store, costs the same however long the history is, and asks for what it shows in bulk.

mod environment;
mod projects;
mod source;
mod versions;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_core::approval::Approval;
use tidegate_core::names::{ContextId, ProjectName, SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Context, Deployed, ExecutionState, LatestEvaluation, PreviousTask};

use crate::query::{LogRow, Page};
use crate::rows::ProjectRow;

pub(crate) use environment::environment;
pub(crate) use projects::projects;
pub(crate) use source::{Activity, Lane, OpenApproval, Runs, Source, StageLanes};
pub(crate) use versions::versions;

/// Most evaluations of a service in a stage.
pub const EVALUATIONS_MAX: usize = 5;
/// Most open approvals of a stage that are read; there may be more.
pub const ASKED_MAX: usize = 5;
/// Most open approvals of a project that are counted.
pub const OPEN_MAX: u64 = 10_000;
/// Newest deliveries that say what has failed.
pub const RECENT_MAX: u64 = 300;
/// The same in a list of projects.
pub const RECENT_OF_EACH_MAX: u64 = 25;
/// Newest decisions that say what was declined.
pub const DECIDED_MAX: u64 = 100;

/// A service in a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The stage.
    pub stage: StageName,
    /// The service.
    pub service: ServiceName,
}

/// Which services of a project.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentFilter {
    /// A part of their names; empty means all.
    pub service: String,
    /// Only those that stand so.
    pub only: Option<Only>,
}

/// How services stand in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// An approval waits there.
    Asked(StageName),
    /// Of the newest deliveries the last one that was evaluated there has failed.
    FailedGate(StageName),
}

/// Where the services of a project stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// The project.
    pub project: ProjectRow,
    /// The services that were asked for, by name.
    pub services: Page<ServiceName>,
    /// Where these services stand in the stages that they have been to, by stage and service.
    pub cells: Vec<Cell>,
    /// How many approvals wait in each stage, of all services.
    pub waiting: BTreeMap<StageName, u64>,
    /// Whether more than [`OPEN_MAX`] wait, which were not counted.
    pub waiting_is_cut: bool,
    /// The newest approvals that wait, at most [`ASKED_MAX`] of each stage, of services whose names have
    /// the part that was asked for.
    pub asked: Vec<Asked>,
    /// How many sequences hold the place that they run in, by stage, of all services.
    pub running: BTreeMap<StageName, u64>,
    /// The newest deliveries of all services, newest first, at most [`RECENT_MAX`].
    pub recent: Vec<Context>,
    /// The newest decisions, newest first, at most [`DECIDED_MAX`].
    pub decided: Vec<Approval>,
}

/// A service in a stage that it has been to.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Which.
    pub place: Place,
    /// What was deployed there, newest last.
    pub deployed: Vec<Deployed>,
    /// The event that said so of the newest; none where it is not kept any more.
    pub released: Option<LogRow>,
    /// The sequence that was triggered last.
    pub newest: Option<Run>,
    /// How the deliveries that came last were evaluated, newest last, at most [`EVALUATIONS_MAX`].
    pub evaluations: Vec<(ContextId, LatestEvaluation)>,
}

/// A run of a sequence, without the data that it carries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Run {
    /// The delivery.
    pub context: ContextId,
    /// The sequence.
    pub sequence: SequenceName,
    /// When it was triggered.
    pub triggered_at: Timestamp,
    /// Tasks that are done, in order.
    pub previous: Vec<PreviousTask>,
    /// Where it stands.
    pub state: ExecutionState,
}

/// An approval that waits, with what its card shows beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The approval.
    pub approval: Approval,
    /// What was deployed where it waits, newest last.
    pub deployed: Vec<Deployed>,
    /// The delivery.
    pub context: Option<Context>,
}

/// Which projects, and in which order.
#[derive(Debug, Clone)]
pub struct ProjectsFilter {
    /// A part of their names; empty means all.
    pub name: String,
    /// The order.
    pub order: ProjectOrder,
    /// Deliveries that began later are of interest.
    pub since: Timestamp,
}

/// An order of projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProjectOrder {
    /// Those in which an approval waits first, then by when something was triggered last.
    #[default]
    Attention,
    /// By name.
    Name,
}

/// Where a project stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectOverview {
    /// The project.
    pub project: ProjectRow,
    /// How many approvals wait in it.
    pub waiting: u64,
    /// What is in the stages that services have been to.
    pub stages: BTreeMap<StageName, StageOverview>,
    /// The newest deliveries, newest first: those of interest, at most [`RECENT_OF_EACH_MAX`], and one
    /// more.
    pub recent: Vec<Context>,
    /// The newest decisions, newest first, where a delivery has failed that is of interest.
    pub decided: Vec<Approval>,
}

/// What is in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageOverview {
    /// How many services have something deployed there.
    pub deployed: u64,
    /// How many sequences hold the place that they run in.
    pub running: u64,
    /// How many approvals wait there.
    pub waiting: u64,
}

/// What runs where.
#[derive(Debug, Clone, PartialEq)]
pub struct Versions {
    /// Services of all projects, by project and name.
    pub rows: Page<Version>,
    /// Their projects, by name.
    pub projects: Vec<ProjectRow>,
}

/// What runs of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The project.
    pub project: ProjectName,
    /// The service.
    pub service: ServiceName,
    /// What was deployed to each stage, newest last.
    pub stages: BTreeMap<StageName, Vec<Deployed>>,
}
