//! What a job configuration (`job/config.yaml`, apiVersion v2) asks for when an event arrives:
//! reading it, matching it, planning its tasks, filling in their variables, and the words of the
//! answer. Keptn's grammar and meaning are those of job-executor-service 0.3.0.
//!
//! Nothing here runs anything: an executor takes a [`Plan`], calls [`PlannedTask::prepare`] for one
//! task after the other, and reports with [`succeeded`] or [`failed`].

mod answer;
mod config;
mod environment;
mod event;
mod expand;
pub mod jsonpath;
mod matching;
mod name;
mod plan;
mod print;
mod read;

pub use answer::{MESSAGE_BYTES_MAX, failed, started, succeeded, task_failed};
pub use config::{Action, EventPattern, JobConfig, JobConfigError, PropertyMatch, Task};
pub use environment::{EnvEntry, EnvError, EnvSource, Format, PreparedTask};
pub use event::EventObject;
pub use expand::expand;
pub use name::job_name;
pub use plan::{Plan, PlannedAction, PlannedTask, plan};

/// Where a job configuration lies below the directory of a service, or at the top of a stage or
/// project.
pub const CONFIG_PATH: &str = "job/config.yaml";
