//! The home of a cluster: a Postgres that any number of servers share.
//!
//! Invariants: one transaction writes at a time, over the whole store and all servers, because each
//! one begins by locking the row in `writer`. `COMMIT` returns after the write-ahead log is synced
//! (`synchronous_commit=on` on every connection; a server with `fsync` or `full_page_writes` off is
//! refused). A commit whose answer was lost is looked up, never repeated. Every entry of the log
//! carries a checksum that is compared whenever it is read.
//!
//! Connections are not encrypted: use a Unix socket, the loopback, or a network that is yours alone.
//! Connect to Postgres itself or to a pooler that pools whole sessions; settings of a session matter.

mod approvals;
mod audit;
mod census;
mod commit;
mod connect;
mod contexts;
mod deferred;
mod deletion;
mod executions;
mod failure;
mod home;
mod integrations;
mod lanes;
mod latest;
mod list;
mod log;
mod migrate;
mod nul;
mod outbox;
mod overview;
mod people;
mod plans;
mod pool;
mod projects;
mod prune;
mod reader;
mod sagas;
mod session;
mod shipyards;
mod tasks;
mod timers;
mod tokens;
mod view;

#[cfg(test)]
mod tests;

pub use connect::Patience;
pub use failure::PostgresError;
pub use home::PostgresHome;
pub use pool::PostgresReaders;
