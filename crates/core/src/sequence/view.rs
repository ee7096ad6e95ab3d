//! What a step may read.

use std::sync::Arc;

use crate::approval::Approval;
use crate::event::Scope;
use crate::names::{ContextId, EventId, ExecutionId, ProjectName};
use crate::uniform::Record;

use super::context::Context;
use super::rows::{Execution, LaneHead, ProjectHead, Task};

/// A row could not be read. The step is undone and its input is answered with an internal error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not read {what}: {why}")]
pub struct ViewError {
    /// Table and key.
    pub what: String,
    /// What the store says.
    pub why: String,
}

/// The rows of the write transaction, by key. Heads are counters and pointers: a step costs the same
/// with one or a million sequences waiting.
pub trait View {
    /// The head of a project; none where no such project exists.
    ///
    /// # Errors
    /// As for every method here: the row could not be read.
    fn project(&self, name: &ProjectName) -> Result<Option<ProjectHead>, ViewError>;
    /// A context of a project.
    ///
    /// # Errors
    /// The row could not be read.
    fn context(&self, project: &ProjectName, id: ContextId) -> Result<Option<Context>, ViewError>;
    /// The head of a lane; empty where nothing ever ran there.
    ///
    /// # Errors
    /// The row could not be read.
    fn lane(&self, lane: &Scope) -> Result<LaneHead, ViewError>;
    /// An execution of a project.
    ///
    /// # Errors
    /// The row could not be read.
    fn execution(
        &self,
        project: &ProjectName,
        id: ExecutionId,
    ) -> Result<Option<Execution>, ViewError>;
    /// The executions of a context that are not final and stand behind a position of the log, in the
    /// order they were triggered, at most `limit`.
    ///
    /// # Errors
    /// The rows could not be read.
    fn open_executions(
        &self,
        project: &ProjectName,
        context: ContextId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Execution>, ViewError>;
    /// An open task of a project, by the id of its `.triggered` event.
    ///
    /// # Errors
    /// The row could not be read.
    fn task(&self, project: &ProjectName, id: EventId) -> Result<Option<Task>, ViewError>;
    /// An approval of a project, open or decided, by the id of its `approval.triggered` event.
    ///
    /// # Errors
    /// The row could not be read.
    fn approval(&self, project: &ProjectName, id: EventId) -> Result<Option<Approval>, ViewError>;
    /// The integrations of the installation, by id. There are few, and they are asked for where a part of
    /// Tidegate may stand down only.
    ///
    /// # Errors
    /// The rows could not be read.
    fn integrations(&self) -> Result<Arc<[Record]>, ViewError>;
}
