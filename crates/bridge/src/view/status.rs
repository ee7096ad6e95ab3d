//! The words, shapes and colours of states. One list for all pages.

use tidegate_core::event::{Outcome, Status as Done, TaskResult};

/// A state as people see it: always a shape, a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Waits for its turn.
    Queued,
    /// Is being done.
    Running,
    /// A person must decide.
    NeedsApproval,
    /// Somebody has paused it.
    Paused,
    /// Done, and good.
    Passed,
    /// Done, and good enough.
    Warning,
    /// Done, and bad; or could not be done.
    Failed,
    /// Nobody answered in time.
    TimedOut,
    /// Somebody let it through.
    Approved,
    /// Somebody let it through although its gate had failed.
    Overridden,
    /// Somebody said no.
    Declined,
    /// Somebody stopped it.
    Aborted,
    /// Has not been reached.
    Ahead,
    /// Decides nothing.
    Info,
    /// Nothing is known.
    Unknown,
}

impl Status {
    /// Every state, for the gallery and for tests.
    #[cfg(any(test, debug_assertions))]
    pub(crate) const ALL: [Self; 15] = [
        Self::Queued,
        Self::Running,
        Self::NeedsApproval,
        Self::Paused,
        Self::Passed,
        Self::Warning,
        Self::Failed,
        Self::TimedOut,
        Self::Approved,
        Self::Overridden,
        Self::Declined,
        Self::Aborted,
        Self::Ahead,
        Self::Info,
        Self::Unknown,
    ];

    /// How a task or a sequence ended.
    pub(crate) fn of(outcome: Outcome) -> Self {
        match (outcome.status, outcome.result) {
            (Done::Aborted, _) => Self::Aborted,
            (Done::Errored | Done::Unknown, _) | (Done::Succeeded, TaskResult::Fail) => {
                Self::Failed
            }
            (Done::Succeeded, TaskResult::Warning) => Self::Warning,
            (Done::Succeeded, TaskResult::Pass) => Self::Passed,
        }
    }

    /// How an approval ended.
    pub(crate) fn of_approval(outcome: Outcome) -> Self {
        match Self::of(outcome) {
            Self::Passed | Self::Warning => Self::Approved,
            Self::Failed => Self::Declined,
            other => other,
        }
    }

    /// A result as an event spells it.
    pub(crate) fn of_result(result: &str) -> Self {
        match result {
            "pass" => Self::Passed,
            "warning" => Self::Warning,
            "fail" => Self::Failed,
            "info" => Self::Info,
            _ => Self::Unknown,
        }
    }

    /// The word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::NeedsApproval => "Needs approval",
            Self::Paused => "Paused",
            Self::Passed => "Passed",
            Self::Warning => "Warning",
            Self::Failed => "Failed",
            Self::TimedOut => "Timed out",
            Self::Approved => "Approved",
            Self::Overridden => "Overridden",
            Self::Declined => "Declined",
            Self::Aborted => "Aborted",
            Self::Ahead => "Not reached",
            Self::Info => "Info",
            Self::Unknown => "Unknown",
        }
    }

    /// The name of its symbol in the sprite.
    pub(crate) fn icon(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::NeedsApproval => "gate-closed",
            Self::Paused => "pause",
            Self::Passed => "check",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::TimedOut => "hourglass",
            Self::Approved => "gate-open",
            Self::Overridden => "gate-forced",
            Self::Declined => "hand",
            Self::Aborted => "stop",
            Self::Ahead => "ahead",
            Self::Info => "info",
            Self::Unknown => "unknown",
        }
    }

    /// The name of its colours in the style sheet.
    pub(crate) fn tone(&self) -> &'static str {
        match self {
            Self::Queued | Self::Paused | Self::Info | Self::Unknown => "quiet",
            Self::Ahead => "ahead",
            Self::Running => "running",
            Self::NeedsApproval => "ask",
            Self::Passed | Self::Approved => "pass",
            Self::Warning | Self::Overridden => "warn",
            Self::Failed | Self::TimedOut | Self::Declined => "fail",
            Self::Aborted => "stopped",
        }
    }

    /// Whether something is still to come.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::NeedsApproval | Self::Paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_as_what_happened() {
        let outcome = |result, status| Outcome { result, status };
        assert_eq!(Status::of(Outcome::PASS), Status::Passed);
        assert_eq!(Status::of(Outcome::ERROR), Status::Failed);
        // Keptn 1.4 reports `pass` for what was stopped; people must see that it was stopped.
        assert_eq!(Status::of(Outcome::ABORTED), Status::Aborted);
        assert_eq!(Status::of(outcome(TaskResult::Warning, Done::Succeeded)), Status::Warning);
        assert_eq!(Status::of_approval(Outcome::FAIL), Status::Declined);
        assert_eq!(Status::of_approval(Outcome::PASS), Status::Approved);
    }

    #[test]
    fn every_state_has_a_shape_and_a_word_of_its_own() {
        let sprite = include_str!("../../templates/icons.svg");
        for (index, status) in Status::ALL.iter().enumerate() {
            assert!(sprite.contains(&format!("id=\"i-{}\"", status.icon())), "{status:?}");
            for other in &Status::ALL[..index] {
                assert_ne!(status.icon(), other.icon());
                assert_ne!(status.word(), other.word());
            }
        }
    }
}
