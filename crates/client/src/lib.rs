//! A typed client of Tidegate's HTTP API, for the command line and for tests. Others may use it.
//!
//! Invariants: the token goes to the endpoint and nowhere else, not through a redirect, and not
//! through a proxy on the way to this machine; it is never shown, not even by `Debug`; every event
//! is sent with an idempotency key.

mod answer;
mod approvals;
mod client;
mod endpoint;
mod error;
mod evaluations;
mod events;
mod inventory;
mod live;
mod overridden;
mod principal;
mod projects;
mod resources;
mod sequences;
mod sign_in;
mod token;
mod tokens;

pub use approvals::{
    Approval, ApprovalPage, ApprovalQuery, ApprovalState, Decided, Decision, Replaced,
};
pub use client::Client;
pub use endpoint::{Endpoint, EndpointError};
pub use error::{ClientError, Refusal};
pub use evaluations::{EvaluatedIndicator, Evaluation, MeasuredIndicator, NewEvaluation};
pub use events::{EventEntry, EventQuery, IdempotencyKey};
pub use inventory::{Project, Service, Stage, Upstream};
pub use live::{Live, News, Topic};
pub use overridden::Overridden;
pub use principal::Principal;
pub use projects::Metadata;
pub use resources::ResourcePlace;
pub use sequences::{
    Control, ReachedStage, Run, RunState, Sequence, SequencePage, SequenceQuery, SequenceState,
    Task, TaskState, Verdict,
};
pub use sign_in::SignInLink;
pub use token::{Token, TokenError};
pub use tokens::{CreatedToken, NamedToken, TokenKind, TokenOrigin};

/// Makes TLS ready. Called first thing by every program that makes a [`Client`]; a second call does
/// nothing.
pub fn init() {
    // An error says that a provider is there already.
    drop(rustls::crypto::ring::default_provider().install_default());
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;
