//! Integrations: programs of somebody's own that work on events, as Keptn's registry of them ("the uniform")
//! knows them; and which part of Tidegate stands down for which of them, so that nothing is done twice.

mod check;
mod model;
mod pattern;
mod record;
mod registry;
mod rules;
mod stand_down;

#[cfg(test)]
mod tests;

pub use check::{RECORD_BYTES_MAX, SUBSCRIPTIONS_MAX, TEXT_BYTES_MAX, UniformError};
pub use model::{Filter, IntegrationId, Kubernetes, Metadata, Registration, Sent, Subscription};
pub use pattern::matches;
pub use record::{Record, Registrar};
pub use registry::{
    Command, Decision, INTEGRATIONS_MAX, Outcome, RecordChange, decide, next_lapse,
};
pub use rules::{Mode, Modes, Policy, Rules};
pub use stand_down::{StoodDown, left_to};
