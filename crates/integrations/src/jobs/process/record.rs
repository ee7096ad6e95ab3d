//! What is asked of a job, and what is written down about it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::job::PreparedTask;
use tidegate_core::names::EventId;

use super::super::port::JobFile;
use super::log::JobLog;
use crate::mask::Mask;

/// One task of one action on one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId {
    /// The event that triggered it.
    pub event: EventId,
    /// The action's place in the file, counted from 0.
    pub action: usize,
    /// The task's place in the action, counted from 1.
    pub task: usize,
}

impl fmt::Display for JobId {
    /// The name of the job's directory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}-{:03}", self.event, self.action, self.task)
    }
}

/// What a job runs.
pub struct JobSpec {
    /// The name of the task.
    pub task: String,
    /// The container image that a local command stands for.
    pub image: String,
    /// Command and variables.
    pub command: PreparedTask,
    /// What lies under `/keptn`.
    pub files: Vec<JobFile>,
    /// Where the program starts; empty means `/keptn`.
    pub working_dir: String,
    /// How long it may run.
    pub timeout: Duration,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By itself; 0 is success.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// By a signal that was not ours.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// It was stopped because it ran too long.
    TimedOut {
        /// How long it was allowed to run, in seconds.
        after_s: u64,
    },
    /// It was stopped, or not started, because somebody aborted the sequence.
    Aborted,
    /// The program did not start.
    NotStarted {
        /// Why, as a sentence.
        reason: String,
    },
    /// Its supervisor was killed: the program may have done anything.
    Lost,
    /// This server has no local command for it; nothing was started.
    Refused {
        /// What to add to the configuration.
        reason: String,
    },
}

/// A job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobResult {
    /// How.
    pub ending: Ending,
    /// When the supervisor began, if it did.
    pub started_at: Option<Timestamp>,
    /// When the end was known.
    pub ended_at: Timestamp,
    /// What the program has said.
    pub log: JobLog,
}

/// What the supervisor is told on its standard input. On disk lies only [`RunSpec::redacted`].
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RunSpec {
    pub(super) task: String,
    /// The program and its arguments; never empty.
    pub(super) argv: Vec<String>,
    /// The whole environment.
    pub(super) env: BTreeMap<String, String>,
    pub(super) working_dir: PathBuf,
    pub(super) timeout_ms: u64,
    /// Time between SIGTERM and SIGKILL.
    pub(super) grace_ms: u64,
    /// Bytes of output that are kept.
    pub(super) output_max: usize,
    /// The file whose existence means that the job shall not start.
    pub(super) cancel: PathBuf,
    /// What must not be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) secrets: Vec<String>,
}

impl RunSpec {
    /// The same without secrets.
    pub(super) fn redacted(&self) -> Self {
        let mask = |text: &String| Mask::text(&self.secrets, text);
        Self {
            argv: self.argv.iter().map(mask).collect(),
            env: self.env.iter().map(|(name, value)| (name.clone(), mask(value))).collect(),
            secrets: Vec::new(),
            ..self.clone()
        }
    }
}

/// `started.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) at: Timestamp,
    /// The supervisor, and so its session.
    pub(super) pid: i32,
    /// Where process ids mean the same: the boot and the namespace.
    pub(super) machine: String,
}

/// `result.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_disk_holds_no_secret() {
        let spec = RunSpec {
            task: "t".into(),
            argv: vec!["x".into(), "--token=hunter2".into()],
            env: [("A".into(), "hunter2".into()), ("B".into(), "b".into())].into(),
            working_dir: "/".into(),
            timeout_ms: 1,
            grace_ms: 1,
            output_max: 1,
            cancel: "/c".into(),
            secrets: vec!["hunter2".into()],
        };
        let written = serde_json::to_string(&spec.redacted()).unwrap();
        assert!(!written.contains("hunter2"), "{written}");
        assert!(written.contains("--token=***") && written.contains(r#""B":"b""#), "{written}");
    }
}
