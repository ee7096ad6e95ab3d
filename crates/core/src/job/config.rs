//! What `job/config.yaml` says.

use std::time::Duration;

use super::environment::EnvEntry;
use super::read;
use crate::yaml::Place;

/// A job configuration: which tasks run on which event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobConfig {
    /// The actions, in file order.
    pub actions: Vec<Action>,
}

/// Tasks that run one after another when an event matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The name, for people.
    pub name: String,
    /// Any of these starts it.
    pub events: Vec<EventPattern>,
    /// Whether it runs without a `.started` and a `.finished`.
    pub silent: bool,
    /// The tasks, in file order.
    pub tasks: Vec<Task>,
}

/// What an event must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern {
    /// A regular expression, searched for anywhere in the event type. Empty finds itself everywhere.
    pub name: String,
    /// What must also hold of the event.
    pub property: Option<PropertyMatch>,
}

/// A condition on one value of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyMatch {
    /// The JSONPath of the value.
    pub path: String,
    /// The text that it must be.
    pub text: String,
}

/// One program run. What only a Kubernetes cluster can use (resources, accounts, security contexts)
/// is checked when the file is read and not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The name, for people.
    pub name: String,
    /// Files or directories of the project that the program finds under `/keptn`.
    pub files: Vec<String>,
    /// The container image.
    pub image: String,
    /// The program and its first arguments; empty means what the image runs by itself.
    pub cmd: Vec<String>,
    /// The arguments after `cmd`.
    pub args: Vec<String>,
    /// The variables, in file order.
    pub env: Vec<EnvEntry>,
    /// Where the program starts; empty means the executor's choice.
    pub working_dir: String,
    /// How long the program may run. Keptn 1.4: 300 s unless `maxPollDuration` says otherwise.
    pub max_poll: Duration,
    /// Whether it may be started again after its end was lost. Not a key of Keptn's.
    pub idempotent: bool,
}

/// Why a file is no job configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobConfigError {
    /// Larger than we read.
    #[error("1:1: the job configuration is larger than {max} bytes; split it by service or stage")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// Not YAML, over a limit, an unknown key or a value of the wrong kind.
    #[error("{place}: {reason}")]
    Unreadable {
        /// Where.
        place: Place,
        /// What is wrong there.
        reason: String,
    },
    /// No `apiVersion`.
    #[error("{place}: apiVersion must be specified; write apiVersion: v2")]
    NoVersion {
        /// Where.
        place: Place,
    },
    /// Another `apiVersion` than `v2`.
    #[error("{place}: apiVersion {found} is not supported, use v2")]
    Version {
        /// Where.
        place: Place,
        /// What the file says.
        found: String,
    },
}

impl JobConfig {
    /// Reads a file, strictly: an unknown or repeated key is an error for the whole file.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self, JobConfigError> {
        read::config(text)
    }
}
