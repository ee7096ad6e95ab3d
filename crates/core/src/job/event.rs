//! The event as paths see it.

use serde_json::{Map, Value};

use crate::event::{EventType, labels, text};

/// Keptn 1.4: the keys of the envelope that a path can name, beside `data`.
const ENVELOPE: [&str; 7] =
    ["id", "shkeptncontext", "time", "source", "specversion", "type", "gitcommitid"];

/// An event with the keys that paths can name: `id`, `shkeptncontext`, `time`, `source`, `data`,
/// `specversion`, `type` and `gitcommitid`, and no others. All but `data` are texts, also `type`
/// and `source`, which Keptn 1.4 shows as addresses in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct EventObject {
    kind: EventType,
    value: Value,
}

impl EventObject {
    /// The view of an event as Keptn's API spells it. An absent key is an empty text.
    #[must_use]
    pub fn of(event: &Value) -> Self {
        let mut object = Map::new();
        for key in ENVELOPE {
            let text = event.get(key).and_then(Value::as_str).unwrap_or_default();
            object.insert(key.to_owned(), Value::from(text));
        }
        let data = event.get("data").cloned().unwrap_or_default();
        object.insert("data".to_owned(), data);
        let kind = EventType::new(text(&object, "type"));
        Self { kind, value: Value::Object(object) }
    }

    /// The event type.
    #[must_use]
    pub fn kind(&self) -> &EventType {
        &self.kind
    }

    /// What `$` is.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// A text of the event's data, such as `project`; empty where it is absent.
    #[must_use]
    pub fn data_text(&self, key: &str) -> &str {
        self.value["data"].get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The labels of the event, sorted.
    pub fn labels(&self) -> impl Iterator<Item = (String, String)> {
        self.value["data"].as_object().map(labels).unwrap_or_default().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_has_keptns_keys_and_no_others() {
        let event = EventObject::of(&json!({
            "id": "1", "type": "t", "source": "s", "triggeredid": "2", "extra": true,
            "data": {"project": "p", "labels": {"a": "b"}}
        }));
        let keys: Vec<_> = event.value().as_object().unwrap().keys().cloned().collect();
        let mut expected: Vec<_> = ENVELOPE.into_iter().chain(["data"]).collect();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(event.value()["type"], "t");
        assert_eq!(event.data_text("project"), "p");
        assert_eq!(event.labels().collect::<Vec<_>>(), [("a".to_owned(), "b".to_owned())]);
        assert_eq!(EventObject::of(&Value::Null).data_text("project"), "");
    }
}
