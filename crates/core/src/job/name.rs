//! The name of a job.

use crate::names::EventId;

/// Keptn 1.4: how much of the event id stands in the name.
const ID_CHARS: usize = 24;

/// The name of the job for one task: deterministic, so that a repeated delivery finds the job that
/// the first one made. `action` counts from 0 and `task` from 1, as Keptn 1.4 does; its names also
/// have the double dash, because the 24th character of a UUID is one.
#[must_use]
pub fn job_name(event: EventId, action: usize, task: usize) -> String {
    let id = event.to_string();
    let start = &id[..ID_CHARS];
    format!("job-executor-service-job-{start}-{action:03}-{task:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_keptn() {
        let id = "f2b878d3-03c0-4e8f-bc3f-454bc1b3d79b".parse().unwrap();
        assert_eq!(job_name(id, 0, 1), "job-executor-service-job-f2b878d3-03c0-4e8f-bc3f--000-001");
    }
}
