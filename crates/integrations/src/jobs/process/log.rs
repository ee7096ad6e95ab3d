//! Reading what jobs have said.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use tidegate_core::names::EventId;

use super::directory::{Directories, JobDir};
use super::lock::Lock;

/// Output, as far as it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobLog {
    /// The newest output. What is not UTF-8 is shown as �.
    pub text: String,
    /// How many bytes before it were not kept.
    pub dropped_bytes: u64,
    /// Whether more may come.
    pub running: bool,
}

const HEADER: [&str; 2] = ["[", " bytes of earlier output were not kept]\n"];

/// The first line of a log that was cut.
pub(super) fn header(dropped: u64) -> String {
    format!("{}{dropped}{}", HEADER[0], HEADER[1])
}

/// Reads the newest `max` bytes of a log; nothing where there is none.
pub(super) fn read(path: &Path, max: usize) -> io::Result<JobLog> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(JobLog::default()),
        other => other?,
    };
    let mut beginning = [0; 64];
    let length = file.read(&mut beginning)?;
    let (skipped, mut dropped) = cut_before(&beginning[..length]).unwrap_or_default();
    let size = file.metadata()?.len().saturating_sub(skipped);
    let over = size.saturating_sub(max as u64);
    dropped += over;
    file.seek(SeekFrom::Start(skipped + over))?;
    let mut bytes = Vec::new();
    file.take(max as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(JobLog { text, dropped_bytes: dropped, running: false })
}

/// The length of the header, and what it says.
fn cut_before(beginning: &[u8]) -> Option<(u64, u64)> {
    let line = beginning.split_inclusive(|byte| *byte == b'\n').next()?;
    let number =
        std::str::from_utf8(line).ok()?.strip_prefix(HEADER[0])?.strip_suffix(HEADER[1])?;
    Some((line.len() as u64, number.parse().ok()?))
}

/// The logs of all jobs of an event, one after another; none where it has no job here. With more
/// than one job each begins with the name of its task.
pub(super) fn of_event(
    directories: &Directories,
    event: EventId,
    max: usize,
) -> io::Result<Option<JobLog>> {
    of_jobs(&directories.of_event(event)?, max)
}

/// The logs of these jobs, one after another; none where there is no job.
pub(super) fn of_jobs(jobs: &[JobDir], max: usize) -> io::Result<Option<JobLog>> {
    if jobs.is_empty() {
        return Ok(None);
    }
    let mut whole = JobLog::default();
    let share = max / jobs.len();
    for job in jobs {
        // Looked at first: a job that ends meanwhile is read again, not shown as complete too soon.
        whole.running |= job.ended()?.is_none() && Lock::is_held(&job.lock());
        let log = read(&job.log(), share)?;
        if jobs.len() > 1 {
            whole.text += &heading(job, whole.text.is_empty());
        }
        whole.text += &log.text;
        whole.dropped_bytes += log.dropped_bytes;
    }
    Ok(Some(whole))
}

fn heading(job: &JobDir, first: bool) -> String {
    let gap = if first { "" } else { "\n" };
    format!("{gap}Task '{}':\n", job.task().unwrap_or_default())
}
