//! The output of jobs, as the Bridge wants it.

use tidegate_bridge::{JobLog, JobLogs};
use tidegate_core::names::EventId;
use tidegate_integrations::jobs;
use tokio::sync::broadcast;

/// Jobs and Bridge do not know each other; this is where they meet.
pub(crate) struct Logs(pub(crate) jobs::Logs);

impl JobLogs for Logs {
    fn log(&self, task: EventId, bytes_max: usize) -> Option<JobLog> {
        let jobs::JobLog { text, dropped_bytes, running, .. } = self.0.log(task, bytes_max)?;
        Some(JobLog { text, dropped_bytes, running })
    }

    fn subscribe(&self) -> broadcast::Receiver<EventId> {
        self.0.subscribe()
    }
}
