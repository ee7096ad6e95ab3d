//! Jobs: the programs that `job/config.yaml` names, as processes of this machine.
//!
//! The way of a job: the [`Runner`] takes a delivery from its [`JobPort`], plans with
//! [`tidegate_core::job`], and hands each task to the [`ProcessExecutor`], which starts one
//! [`supervise`] process for it. That process outlives the server; what it leaves in the job's
//! directory is the truth about the job.
//!
//! Invariants: the program of a job is started at most once, unless the task says that twice is
//! fine; a server that is killed finds its jobs again; no secret is written to disk or shown in the
//! arguments of a process of ours; output and time are bounded.

mod config;
mod configs;
mod engine_port;
mod images;
mod metrics;
mod port;
mod process;
mod runner;
mod service;
mod wording;

pub use config::JobsConfig;
pub use engine_port::Secrets;
pub use images::{ImageMap, ImageRule, Refusal};
pub use metrics::JobMetrics;
pub use port::{JobDelivery, JobFile, JobPort};
pub use process::{
    Ending, ExecutorConfig, JobId, JobLog, JobResult, JobSpec, LogFollower, ProcessExecutor,
    copy_records, supervise,
};
pub use runner::Runner;
pub use service::{Jobs, JobsSetup, Logs, ResultFiles};
