//! A home in memory, on a disk that fails on purpose. Tests and the simulator drive the engine on it;
//! no server ever does, because nothing of it outlives the process.
//!
//! Invariants: a commit is one record of a journal, and it counts once it is synced; what is read after
//! a crash comes from the bytes of the journal alone; a record is taken whole or not at all.

mod approvals;
mod audit;
mod census;
mod contents;
mod contexts;
mod deferred;
mod deletion;
mod disk;
mod executions;
mod home;
mod integrations;
mod journal;
mod lanes;
mod log;
mod outbox;
mod overview;
mod page;
mod people;
mod projects;
mod prune;
mod reader;
mod sagas;
mod table;
mod timers;
mod tokens;
mod transaction;
mod view;

#[cfg(test)]
mod tests;

pub use contents::{Contents, LaneContents};
pub use disk::{Fault, MemoryDisk};
pub use home::MemoryHome;
pub use reader::MemoryReader;
