//! Remediation: which action to take about a problem, by a service's `remediation.yaml`. Keptn 1.4's
//! remediation-service, but for two faults that keep it from ever taking a second action: the `result` and
//! `status` that a repeated sequence inherits are no part of the answer, and the newest index counts.
//!
//! Nothing here reads a file or sends an event: whoever answers `get-action.triggered` brings the text of
//! the file, and sends what [`GetAction::answer`] says.

mod action;
mod file;
mod lint;
mod sequence;
#[cfg(test)]
mod tests;

pub use action::{GetAction, GetActionError, NoAction, Problem, errored};
pub use file::{Action, Remediation, Remediations, SPEC_VERSION};
pub use lint::lint;
pub use sequence::{sequence, unremedied};

/// The sequence that remedies a problem. A round of it may be followed by the next.
const SEQUENCE: &str = "remediation";
/// The type of the event that keeps a problem that nothing remedies. Tidegate's own.
pub const OPEN: &str = "sh.keptn.event.problem.open";
/// The type of the event that says that the problem of a context is over. Tidegate's own.
pub const RESOLVED: &str = "sh.keptn.event.problem.resolved";
/// The task that asks for the next action.
pub const GET_ACTION: &str = "get-action";
/// What its answer says beside what all answers say. Of two answers the newer one counts, as a whole.
pub const ANSWER_KEYS: [&str; 2] = ["action", "get-action"];

/// Where the file lies below the directory of a service. Keptn 1.4 looks nowhere else.
pub const REMEDIATION_PATH: &str = "remediation.yaml";
