//! The loop: accept, step, commit, dispatch.
//!
//! Invariants: nobody hears *accepted* before the commit that holds the input is synced; a batch
//! commits as a whole or not at all; [`Driver`] and [`Machine`] do no I/O of their own: clock,
//! randomness, store and shipyards are ports, so that a simulator can drive them; only [`Engine`]
//! knows threads.

mod accept;
mod clock;
mod commits;
mod deletion;
mod driver;
mod failure;
mod files;
mod handle;
mod integrations;
mod later;
mod machine;
mod metrics;
mod once;
mod port;
mod repository;
mod resolve;
mod saga;
mod shell;
mod turns;
mod upstream;
mod work;

pub use accept::input_of;
pub use commits::{Committed, Follower, Missed, Position, PositionError};
pub use driver::{BATCH_MAX, Driver, Turn, Wake};
pub use failure::Failure;
pub use handle::{Accepted, Ballot, Engine};
pub use machine::Machine;
pub use metrics::{LONG_SECONDS, LabelBound, LabelText, Metrics, OTHER, Places, SHORT_SECONDS};
pub use port::{
    Clock, Entropy, Ports, Provisioned, Provisioner, Resolved, Resolver, Retention, SystemClock,
    SystemEntropy,
};
pub use resolve::RepositoryResolver;
pub use saga::{PROJECT_NAME_BYTES_MAX, SERVICE_NAME_BYTES_MAX};
pub use work::{Done, Notice, Submission, Work};

#[cfg(test)]
mod tests;
