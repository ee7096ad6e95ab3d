//! Evaluations that do not count any more, because somebody has said so, and those that count again.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::event::{Event, text};
use crate::names::EventId;

/// Says that an evaluation shall not be compared with. Keptn 1.4: it names the task, by `triggeredid`, so that
/// every `evaluation.finished` of that task is void.
pub const INVALIDATED: &str = "sh.keptn.event.evaluation.invalidated";
/// Takes that back. Tidegate's own; made like the one that it takes back.
pub const RESTORED: &str = "sh.keptn.event.evaluation.restored";

/// What was said last of each evaluation that anything was said of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Void(HashMap<EventId, Said>);

/// What was said of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it shall not count.
    pub void: bool,
    /// The event that says so.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// `data.evaluation.reason`; empty where none is given.
    pub reason: String,
    /// The number of the event in the project's log.
    n: u64,
}

impl Void {
    /// Reads events of both types, in any order, each with its number in the project's log. Others say nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = (u64, &'a Event)>) -> Self {
        let mut said = HashMap::<EventId, Said>::new();
        for (n, event) in events {
            let void = match event.kind.as_str() {
                INVALIDATED => true,
                RESTORED => false,
                _ => continue,
            };
            let Some(task) = event.triggered_id else { continue };
            if said.get(&task).is_some_and(|newer| newer.n > n) {
                continue;
            }
            let reason = match event.data.get("evaluation") {
                Some(Value::Object(evaluation)) => text(evaluation, "reason").to_owned(),
                _ => String::new(),
            };
            said.insert(task, Said { void, event: event.id, at: event.time, reason, n });
        }
        Self(said)
    }

    /// Whether the evaluations of a task do not count.
    #[must_use]
    pub fn holds(&self, task: Option<EventId>) -> bool {
        task.and_then(|task| self.0.get(&task)).is_some_and(|said| said.void)
    }

    /// What was said last of the evaluations of a task.
    #[must_use]
    pub fn said(&self, task: EventId) -> Option<&Said> {
        self.0.get(&task)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Draft;
    use crate::names::ContextId;

    fn task(n: u128) -> EventId {
        uuid::Uuid::from_u128(n).into()
    }

    fn event(kind: &str, of: Option<EventId>, reason: &str) -> Event {
        let mut body = json!({"type": kind, "source": "test",
            "data": {"project": "tour", "stage": "qa", "service": "hello",
                "evaluation": {"reason": reason}}});
        if let Some(of) = of {
            body["triggeredid"] = json!(of);
        }
        let context = ContextId::from(uuid::Uuid::from_u128(9));
        Draft::from_value(body).unwrap().into_event(task(99), Timestamp::UNIX_EPOCH, context)
    }

    #[test]
    fn what_was_said_last_counts_in_whatever_order_it_is_read() {
        let events = [
            (3, event(INVALIDATED, Some(task(1)), "trial run")),
            (7, event(RESTORED, Some(task(1)), "it was none")),
            (5, event(INVALIDATED, Some(task(2)), "")),
            (9, event("sh.keptn.event.evaluation.finished", Some(task(2)), "")),
            (8, event(INVALIDATED, None, "of nothing")),
        ];
        let forwards = Void::of(events.iter().map(|(n, event)| (*n, event)));
        let backwards = Void::of(events.iter().rev().map(|(n, event)| (*n, event)));
        assert_eq!(forwards, backwards);
        assert!(!forwards.holds(Some(task(1))) && forwards.holds(Some(task(2))));
        assert!(!forwards.holds(Some(task(3))) && !forwards.holds(None));
        assert_eq!(forwards.said(task(1)).map(|said| said.reason.as_str()), Some("it was none"));
    }

    #[test]
    fn what_was_restored_can_be_declared_invalid_again() {
        let events = [
            (1, event(INVALIDATED, Some(task(1)), "a")),
            (2, event(RESTORED, Some(task(1)), "b")),
            (3, event(INVALIDATED, Some(task(1)), "c")),
        ];
        let void = Void::of(events.iter().map(|(n, event)| (*n, event)));
        assert!(void.holds(Some(task(1))));
        assert_eq!(void.said(task(1)).map(|said| said.reason.as_str()), Some("c"));
    }
}
