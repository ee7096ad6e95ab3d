//! The loop: accept, step, commit, dispatch.
//!
//! Invariants: nobody hears *accepted* before the commit that holds the input is synced; a batch
//! commits as a whole or not at all; [`Machine`] does no I/O of its own: clock, randomness, store
//! and shipyards are ports, so that a simulator can drive it; only [`Engine`] knows threads.

mod accept;
mod failure;
mod handle;
mod machine;
mod port;
mod resolve;
mod saga;
mod shell;

pub use accept::input_of;
pub use failure::Failure;
pub use handle::{Accepted, Ballot, Committed, Engine};
pub use machine::{Done, Machine, Notice, Submission, Work};
pub use port::{Clock, Entropy, Resolved, Resolver, SystemClock, SystemEntropy};
pub use resolve::RepositoryResolver;

#[cfg(test)]
mod tests;
