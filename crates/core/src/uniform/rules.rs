//! What an installation has set about integrations.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::built_in::BuiltIn;
use crate::names::ProjectName;

/// The word for [`Mode::Auto`].
const AUTO: &str = "auto";

/// Whether a part of Tidegate works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Unless an integration of Keptn's name is there that does the same.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// `"auto"`, `true` or `false`.
impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => to.serialize_str(AUTO),
            Self::On => to.serialize_bool(true),
            Self::Off => to.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ModeVisitor)
    }
}

struct ModeVisitor;

impl Visitor<'_> for ModeVisitor {
    type Value = Mode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "true, false or {AUTO:?}")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Mode, E> {
        Ok(if on { Mode::On } else { Mode::Off })
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Mode, E> {
        match word {
            AUTO => Ok(Mode::Auto),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }
}

/// Whether one part of Tidegate works, project by project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// In every project that is not named.
    pub enabled: Mode,
    /// In those that are.
    pub projects: BTreeMap<ProjectName, Mode>,
}

impl Policy {
    /// Whether it works in a project.
    #[must_use]
    pub fn of(&self, project: &ProjectName) -> Mode {
        self.projects.get(project).copied().unwrap_or(self.enabled)
    }
}

/// Whether each part of Tidegate works, project by project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Modes {
    /// What runs `job/config.yaml`.
    pub jobs: Policy,
    /// What judges evaluations.
    pub gate: Policy,
    /// What measures for them.
    pub sli: Policy,
    /// What picks actions against problems.
    pub remediation: Policy,
}

impl Modes {
    /// Whether a part works in a project.
    #[must_use]
    pub fn of(&self, part: BuiltIn, project: &ProjectName) -> Mode {
        let policy = match part {
            BuiltIn::Jobs => &self.jobs,
            BuiltIn::Gate => &self.gate,
            BuiltIn::Sli => &self.sli,
            BuiltIn::Remediation => &self.remediation,
        };
        policy.of(project)
    }
}

/// What an installation has set about integrations, and since when it can hear of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How long an integration counts as alive that is not heard of.
    pub ttl: SignedDuration,
    /// How long one that is not alive stays registered.
    pub forget_after: SignedDuration,
    /// When the server was started.
    pub since: Timestamp,
    /// Which parts of Tidegate stand down.
    pub modes: Modes,
}

impl Default for Rules {
    /// Keptn 1.4's own minute, and the two days of its chart.
    fn default() -> Self {
        Self {
            ttl: SignedDuration::from_mins(1),
            forget_after: SignedDuration::from_hours(48),
            since: Timestamp::MIN,
            modes: Modes::default(),
        }
    }
}
