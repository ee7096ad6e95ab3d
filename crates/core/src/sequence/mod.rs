//! The sequence machine: what must happen next, given what has happened.

mod abort;
mod admit;
mod answer;
mod complete;
mod effects;
mod input;
mod merge;
mod rows;
mod step;
mod summary;
mod triggered;
mod view;
mod vote;
mod work;

#[cfg(test)]
mod tests;

pub use effects::{
    Change, Delivery, Disposition, Effects, LogEntry, OpenEvent, Refusal, Reply, Resolve,
};
pub use input::{Answer, Env, Ids, Input, Resolution};
pub use rows::{
    AnswerKey, Answered, Commits, Context, ContextState, DEPLOYED_KEPT, Deployed, EventRef,
    Evidence, Execution, ExecutionState, LaneHead, LatestEvaluation, PreviousTask, ProjectHead,
    Queue, Queued, StageState, Task, TaskState,
};
pub use step::step;
pub use view::{View, ViewError};
