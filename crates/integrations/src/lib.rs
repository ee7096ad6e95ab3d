//! Executors of tasks. They see what any integration sees, answer with the same events, and are the
//! only part of Tidegate that starts programs.
//!
//! Invariants: a task is answered once, whatever crashes; secrets reach the program and nothing else.

mod answer_id;
mod files;
pub mod gate;
pub mod jobs;
mod mask;
mod outbox;
pub mod provisioning;
mod reading;
pub mod remediation;
pub mod sli;
mod work;
