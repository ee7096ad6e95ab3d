//! The parts of Tidegate that work on events as integrations do.

use serde::{Deserialize, Serialize};

/// A part of Tidegate that answers tasks. It sees what any integration sees, and answers with the same
/// events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltIn {
    /// Runs what `job/config.yaml` says.
    Jobs,
    /// Judges evaluations, as Keptn's lighthouse-service does.
    Gate,
    /// Fetches the values of SLIs, as Keptn's SLI providers do.
    Sli,
    /// Picks the next action against a problem, as Keptn's remediation-service does.
    Remediation,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jobs, Self::Gate, Self::Sli, Self::Remediation];

    /// The number that stands for it where it is stored. Never changed.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Jobs => 0,
            Self::Gate => 1,
            Self::Sli => 2,
            Self::Remediation => 3,
        }
    }

    /// The one that a stored number stands for.
    #[must_use]
    pub fn of_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|one| i64::from(one.code()) == code)
    }

    /// `source` of what it answers, by Keptn's name where Keptn has one: clients read it.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Jobs => "job-executor-service",
            Self::Gate => "lighthouse-service",
            // Its answers name the provider that was asked.
            Self::Sli => "sli-providers",
            Self::Remediation => "remediation-service",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_number_is_read_back() {
        for one in BuiltIn::ALL {
            assert_eq!(BuiltIn::of_code(i64::from(one.code())), Some(one));
        }
        assert_eq!(BuiltIn::of_code(99), None);
    }
}
