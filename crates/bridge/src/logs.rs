//! The output of jobs, as whoever runs them keeps it.

use tidegate_core::names::EventId;
use tokio::sync::broadcast;

/// Where the output of jobs is read. A task is named by its `.triggered` event.
pub trait JobLogs: Send + Sync {
    /// The newest `bytes_max` bytes of what a task's jobs have said so far; none where no job of ours
    /// runs it. May block: it is called off the async threads.
    fn log(&self, task: EventId, bytes_max: usize) -> Option<JobLog>;

    /// Tasks whose output has grown, from now on. A receiver that lags reads anew.
    fn subscribe(&self) -> broadcast::Receiver<EventId>;
}

/// The output of a task's jobs, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLog {
    /// Standard output and standard error, as they came.
    pub text: String,
    /// How much was dropped before `text` begins, in bytes.
    pub dropped_bytes: u64,
    /// Whether a job is running.
    pub running: bool,
}

impl JobLog {
    /// The newest `bytes_max` bytes of it, from a whole character on.
    #[must_use]
    pub fn end(&self, bytes_max: usize) -> Self {
        let start = self.text.len().saturating_sub(bytes_max);
        let start = self.text.ceil_char_boundary(start);
        Self {
            text: self.text[start..].to_owned(),
            dropped_bytes: self.dropped_bytes + start as u64,
            running: self.running,
        }
    }
}
