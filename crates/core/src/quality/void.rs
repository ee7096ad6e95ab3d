//! Evaluations, and what else answers a task, that do not count any more, because somebody has said so; and those
//! that count again.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::event::{Event, EventType, text};
use crate::names::{EventId, TaskName};

/// Says that an evaluation shall not be compared with. Keptn 1.4: it names the task, by `triggeredid`, so that
/// every `evaluation.finished` of that task is void.
pub const INVALIDATED: &str = "sh.keptn.event.evaluation.invalidated";
/// Takes that back. Tidegate's own; made like the one that it takes back.
pub const RESTORED: &str = "sh.keptn.event.evaluation.restored";

/// Ends the type of an event by which what answers a task does not count, as in [`INVALIDATED`].
const INVALIDATED_END: &str = ".invalidated";
/// Ends the type of one that takes that back.
const RESTORED_END: &str = ".restored";

/// The types of the events that say whether the answers to a task count: `<task>.invalidated` and
/// `<task>.restored`. Keptn 1.4 knows the first, and for any task.
#[must_use]
pub fn said_of(task: &TaskName) -> [EventType; 2] {
    [INVALIDATED_END, RESTORED_END]
        .map(|end| EventType::new(&format!("sh.keptn.event.{task}{end}")))
}

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
    /// Reads events of both types of one task, in any order, each with its number in the project's log. Others say nothing.
    pub fn of<'a>(events: impl IntoIterator<Item = (u64, &'a Event)>) -> Self {
        let mut said = HashMap::<EventId, Said>::new();
        for (n, event) in events {
            let kind = event.kind.as_str();
            let void = kind.ends_with(INVALIDATED_END);
            if !void && !kind.ends_with(RESTORED_END) {
                continue;
            }
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
    fn it_is_said_of_evaluations_by_the_events_of_their_task() {
        let [invalidated, restored] = said_of(&TaskName::new("evaluation").unwrap());
        assert_eq!((invalidated.as_str(), restored.as_str()), (INVALIDATED, RESTORED));
        let of_another = [(1, event("sh.keptn.event.test.invalidated", Some(task(1)), ""))];
        assert!(Void::of(of_another.iter().map(|(n, event)| (*n, event))).holds(Some(task(1))));
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
