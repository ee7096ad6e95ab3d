//! The data of `.started` and `.finished`, in Keptn's words.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event::EventObject;
use crate::event::Outcome;

/// Longest message, in bytes, without its headings: logs beyond it lose their beginnings. The whole
/// log stays with the job.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The event type whose answer says when the tests began and ended.
const TEST: &str = "sh.keptn.event.test.triggered";

/// The data of a `.started` event: project, stage, service and labels.
#[must_use]
pub fn started(event: &EventObject) -> Map<String, Value> {
    let mut data = scope(event);
    if let Some(labels @ Value::Object(_)) = event.value()["data"].get("labels") {
        data.insert("labels".to_owned(), labels.clone());
    }
    data
}

/// The data of a `.finished` event after all tasks have passed. `logs` holds name and output of each
/// task; `window` is when the first began and the last ended. Keptn 1.4 does not copy labels here.
#[must_use]
pub fn succeeded(
    event: &EventObject,
    logs: &[(String, String)],
    window: (Timestamp, Timestamp),
) -> Map<String, Value> {
    let mut data = scope(event);
    Outcome::PASS.write(&mut data);
    let share = MESSAGE_BYTES_MAX / logs.len().max(1);
    let messages = logs.iter().map(|(name, log)| {
        format!("Task '{name}' finished successfully!\n\nLogs:\n{}\n\n", newest(log, share))
    });
    let message: String = messages.collect();
    if !message.is_empty() {
        data.insert("message".to_owned(), Value::from(message));
    }
    if event.kind().as_str() == TEST {
        let (start, end) = (seconds(window.0), seconds(window.1));
        data.insert("test".to_owned(), json!({"start": start, "end": end}));
    }
    data
}

/// The data of a `.finished` event after something went wrong.
#[must_use]
pub fn failed(event: &EventObject, message: &str) -> Map<String, Value> {
    let mut data = started(event);
    Outcome::ERROR.write(&mut data);
    data.insert("message".to_owned(), Value::from(message));
    data
}

/// The message about a task that failed: the reason, then what the program has said. Keptn 1.4 says
/// `Error while creating job:` first, although the job was created, and throws the output away.
#[must_use]
pub fn task_failed(reason: &str, log: &str) -> String {
    let log = newest(log, MESSAGE_BYTES_MAX);
    if log.is_empty() { reason.to_owned() } else { format!("{reason}\n\nLogs:\n{log}") }
}

fn scope(event: &EventObject) -> Map<String, Value> {
    let parts = ["project", "stage", "service"];
    parts.map(|key| (key.to_owned(), Value::from(event.data_text(key)))).into_iter().collect()
}

/// RFC 3339 in whole seconds.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// The end of a log.
fn newest(log: &str, max: usize) -> Cow<'_, str> {
    if log.len() <= max {
        return Cow::Borrowed(log);
    }
    let mut start = log.len() - max;
    while !log.is_char_boundary(start) {
        start += 1;
    }
    Cow::Owned(format!("[the first {start} bytes are left out here]\n{}", &log[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::plan::tests::event;

    fn window() -> (Timestamp, Timestamp) {
        ("2022-09-16T05:57:10.9Z".parse().unwrap(), "2022-09-16T05:58:20Z".parse().unwrap())
    }

    #[test]
    fn a_passing_test_is_reported_as_by_keptn() {
        let logs = [("Run locust".to_owned(), "all good\n".to_owned())];
        let data = succeeded(&event(TEST), &logs, window());
        assert_eq!(
            Value::from(data),
            json!({"project": "p", "stage": "s", "service": "v",
                "status": "succeeded", "result": "pass",
                "message": "Task 'Run locust' finished successfully!\n\nLogs:\nall good\n\n\n",
                "test": {"start": "2022-09-16T05:57:10Z", "end": "2022-09-16T05:58:20Z"}})
        );
    }

    #[test]
    fn only_tests_have_a_window_and_no_task_means_no_message() {
        let data = succeeded(&event("sh.keptn.event.deployment.triggered"), &[], window());
        assert!(!data.contains_key("test") && !data.contains_key("message"));
        assert_eq!(data["result"], "pass");
    }

    #[test]
    fn a_failure_keeps_the_labels_and_appends_the_log() {
        let message = task_failed("job x failed", "boom\n");
        let data = failed(&event(TEST), &message);
        assert_eq!(
            Value::from(data),
            json!({"project": "p", "stage": "s", "service": "v",
                "labels": {"build-id": "17", "my key": "x"},
                "status": "errored", "result": "fail",
                "message": "job x failed\n\nLogs:\nboom\n"})
        );
        assert_eq!(task_failed("reason", ""), "reason");
    }

    #[test]
    fn long_logs_keep_their_end() {
        let log = format!("{}end", "ü".repeat(MESSAGE_BYTES_MAX));
        let logs = [("a".to_owned(), log.clone()), ("b".to_owned(), log.clone())];
        let data = succeeded(&event(TEST), &logs, window());
        let message = data["message"].as_str().unwrap();
        assert!(message.len() < MESSAGE_BYTES_MAX + 500);
        assert_eq!(message.matches("üend").count(), 2);
        assert!(task_failed("r", &log).len() < MESSAGE_BYTES_MAX + 100);
    }
}
