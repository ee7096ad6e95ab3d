//! The embedded home: one file, one writing connection, a few reading ones.
//!
//! Invariants: `COMMIT` returns after the write-ahead log is synced (`synchronous=FULL`, read back at
//! start); no checkpoint runs inside of a commit; every entry of the log carries a checksum that is
//! compared whenever it is read. One process per directory is the caller's business.

mod approvals;
mod audit;
mod backup;
mod census;
mod check;
mod checkpoint;
mod codec;
mod contexts;
mod deferred;
mod deletion;
mod executions;
mod export;
mod home;
mod integrations;
mod kept;
mod keys;
mod lanes;
mod latest;
mod list;
mod log;
mod metrics;
mod migrate;
mod open;
mod outbox;
mod overview;
mod people;
mod plans;
mod pool;
mod projects;
mod prune;
mod reader;
mod reserve;
mod sagas;
mod salvage;
mod tail;
mod tally;
mod tasks;
mod timers;
mod tokens;
mod view;
mod waiting;
mod words;

#[cfg(test)]
mod tests;

pub use backup::{Copied, Loss, backup, verify};
pub use check::{Checked, Finding, check};
pub use export::{Exported, export};
pub use home::SqliteHome;
pub use metrics::files;
pub use pool::SqliteReaders;
