//! The sequence machine: what must happen next, given what has happened.

mod abort;
mod answer;
mod ask;
mod complete;
mod context;
mod control;
mod effects;
mod evidence;
mod ids;
mod input;
mod lane;
mod merge;
mod problem;
mod record;
mod rows;
mod step;
mod summary;
mod task;
mod timer;
mod triggered;
mod view;
mod vote;
mod work;

#[cfg(test)]
mod tests;

pub use context::{
    Context, ContextState, EventRef, Following, LatestEvaluation, Override, Pauses, StageState,
    Starts,
};
pub use effects::{
    Change, Delivery, Disposition, Effects, LogEntry, OpenEvent, Refusal, Reply, Resolve,
};
pub use evidence::Evidence;
pub use ids::{Ids, age_of, new_id};
pub use input::{Answer, Command, Control, Env, FollowOn, Input, Resolution, Settings, Timer};
pub(crate) use record::EVALUATION;
pub use record::is_of_services;
pub use rows::{
    AnswerKey, Answered, Before, Commits, DEPLOYED_KEPT, Deployed, Execution, ExecutionState,
    LaneHead, LatestEvent, PreviousTask, ProjectHead, Queue, Queued, Task, TaskState,
};
pub use step::{RULES_VERSION, step};
pub use view::{View, ViewError};
