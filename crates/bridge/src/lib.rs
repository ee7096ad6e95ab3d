//! The web UI: server-rendered pages that work without JavaScript, and small scripts that keep them
//! true.
//!
//! Invariants: a page shows only what the store holds; templates lay out and never ask; every form
//! carries the session's token and is refused without it; text that others wrote passes through
//! `view::Text`; no script, style or font comes from anywhere else.

mod assets;
mod dress;
mod form;
mod frame;
mod headers;
mod live;
mod logs;
mod next;
mod pages;
mod problem;
mod readable;
mod router;
mod state;
mod view;
mod visitor;

#[cfg(test)]
mod tests;

pub use logs::{JobLog, JobLogs};
pub use router::router;
pub use state::BridgeState;
