//! What people read about jobs. Keptn's words where Keptn has any.

use tidegate_core::job::{Task, job_name as name, task_failed};

use super::process::{Ending, JobId, JobLog, JobResult};

/// The name of a job, as Keptn 1.4 builds it.
pub(super) fn job_name(id: JobId) -> String {
    name(id.event, id.action, id.task)
}

pub(super) fn config_unreadable(reason: &str) -> String {
    format!("could not retrieve config for job-executor-service: {reason}")
}

pub(super) fn not_created(job: &str, reason: &str) -> String {
    format!("job {job} could not be started: {reason}")
}

/// Whether a job passed; the message says why it did not, and what it has said.
pub(super) fn judge(job: &str, task: &Task, result: &JobResult) -> Result<(), String> {
    let failed = |what: &str| format!("job {job} failed. Reason: Error, Message: {what}");
    let reason = match &result.ending {
        Ending::Exited { code: 0 } => return Ok(()),
        Ending::Exited { code } => failed(&format!("the program ended with exit code {code}")),
        Ending::Signalled { signal } => {
            failed(&format!("the program was ended by signal {signal}"))
        }
        Ending::TimedOut { after_s } => format!(
            "job {job} failed: it was stopped after {after_s} s; set maxPollDuration of task '{}' \
             if it needs longer",
            task.name
        ),
        Ending::Aborted => format!("job {job} was aborted"),
        Ending::NotStarted { reason } => not_created(job, reason),
        Ending::Lost => format!(
            "job {job} failed: its supervisor was killed, so nobody knows what the program has \
             done. It was not run again; look at what it was to do, then trigger the sequence anew, \
             or set idempotent: true on task '{}' if running it twice does no harm",
            task.name
        ),
        Ending::Refused { reason } => reason.clone(),
    };
    Err(task_failed(&reason, &log_text(&result.log)))
}

/// The log with a line about what is not in it.
pub(super) fn log_text(log: &JobLog) -> String {
    match log.dropped_bytes {
        0 => log.text.clone(),
        dropped => format!("[{dropped} bytes of earlier output were not kept]\n{}", log.text),
    }
}
