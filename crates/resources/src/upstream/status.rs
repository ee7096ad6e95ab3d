//! What an installation has set about upstreams, and how a project stands to its own.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;

use super::credentials::Upstream;

/// What an installation has set.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Where nobody is let go to.
    pub deny: Vec<Regex>,
    /// How long a fetch or a push may take.
    pub time_max: Duration,
    /// What becomes of a sequence that is triggered while an upstream cannot be reached.
    pub when_unreachable: WhenUnreachable,
    /// The program that speaks SSH: OpenSSH's, 8.4 or newer.
    pub ssh: String,
}

impl Default for UpstreamSettings {
    /// Everywhere, within ten seconds; otherwise on what is known.
    fn default() -> Self {
        Self {
            deny: Vec::new(),
            time_max: Duration::from_secs(10),
            when_unreachable: WhenUnreachable::default(),
            ssh: "ssh".to_owned(),
        }
    }
}

/// What becomes of a sequence that is triggered while the upstream cannot be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenUnreachable {
    /// It runs on the newest commits that are known, and says so.
    #[default]
    LastKnown,
    /// It waits until the upstream answers.
    Wait,
    /// It ends with an error.
    Fail,
}

/// Since when an upstream cannot be reached, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// The first call in vain.
    pub since: Timestamp,
    /// What `git` said at the last one.
    pub reason: String,
}

/// How a project stands to its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its address.
    pub upstream: Upstream,
    /// Branches with commits that it does not have yet, and how many.
    pub unsynced: Vec<(String, usize)>,
    /// Branches that hold commits which did not fit.
    pub conflicts: Vec<String>,
    /// Whether it could not be reached.
    pub unreachable: Option<Unreachable>,
}

/// What synchronising has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// Both are the same but for what the upstream did not take.
    Done {
        /// Branches that have another tip here than before.
        moved: BTreeSet<String>,
    },
    /// Nothing is known that was not known before; why.
    Unreachable(String),
}

/// What a write has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// What the work has answered.
    pub value: T,
    /// Branches that have another tip here than before because of the upstream.
    pub moved: BTreeSet<String>,
    /// Whether the upstream has it.
    pub is_synced: bool,
}
