//! Durable state: the log, the rows that follow from it, and the outbox, in one commit.
//!
//! Invariants: what [`Home::commit`]ted is on stable storage when the call returns; an error other
//! than a refusal leaves the transaction without effect; nothing outside of this crate writes SQL.

mod audit;
mod census;
mod codec;
mod codes;
mod contract;
mod integration;
pub mod memory;
mod overview;
pub mod postgres;
mod query;
mod rows;
mod search;
pub mod sqlite;
mod token;
mod void;
pub mod watched;

#[cfg(test)]
mod suite;
#[cfg(test)]
mod testing;

pub use audit::AuditHead;
pub use census::{COUNTED_MAX, Census, WAITING_AGES, Waiting};
pub use contract::{Home, InputRecord, StoreError, Write, Written};
pub use overview::{
    ASKED_MAX, Asked, Cell, DECIDED_MAX, EVALUATIONS_MAX, Environment, EnvironmentFilter, OPEN_MAX,
    Only, Place, ProjectOrder, ProjectOverview, ProjectsFilter, RECENT_MAX, RECENT_OF_EACH_MAX,
    Run, StageOverview, Version, Versions,
};
pub use query::{
    ApprovalFilter, ApprovalState, EventFilter, ExecutionFilter, ExecutionSummary, LINE_MAX,
    LineRow, LogRow, OpenEventFilter, PAGE_MAX, Page, Reader, SequenceFilter, ServiceRow, Standing,
};
pub use rows::{
    Deferred, DeliveryRow, IdempotencyRow, Intent, NewProject, ProjectRow, QuarantineRow,
    SessionRow, SignInRow, TimerRow, TokenRow,
};
pub use search::{Found, Position, PositionError, SEARCHED_MAX, SequenceSearch, Start};
pub use void::{void_answers, void_evaluations};
