//! What Keptn *means*: events, shipyards, sequences, approvals, quality gates, SLIs, remediation and job
//! plans as pure functions over plain data.
//!
//! Invariants: no clock, randomness, thread, socket, file or global in this crate; the same rows and
//! the same input give the same effects, byte for byte; nothing here crosses projects.

pub mod approval;
pub mod audit;
pub mod built_in;
#[cfg(test)]
mod dice;
pub mod event;
mod excerpt;
#[cfg(test)]
mod fuzz;
mod go;
pub mod job;
pub mod names;
pub mod principal;
pub mod quality;
pub mod remediation;
pub mod sequence;
pub mod shipyard;
pub mod sli;
pub mod uniform;
pub mod yaml;
