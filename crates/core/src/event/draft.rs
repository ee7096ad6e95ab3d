//! What a client sends, parsed with limits. A draft becomes an [`Event`] when the edge gives it an
//! id and a time: Keptn 1.4 replaces both on its public route.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::{Builder, Uuid};

use super::data::{LABEL_BYTES_MAX, LABELS_MAX};
use super::{Event, EventType};
use crate::names::{CommitId, ContextId, EventId};

/// Most nodes (values of any kind) in one event.
pub const NODES_MAX: usize = 20_000;
const TYPE_BYTES_MAX: usize = 1024;
const SOURCE_BYTES_MAX: usize = 4096;

/// An event as a client wrote it, before it has an id and a time of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The type.
    pub kind: EventType,
    /// The source, as sent.
    pub source: String,
    /// The client's id, where it sent a UUID. It tells a repeated event from a new one.
    pub client_id: Option<Uuid>,
    /// The context, as sent; empty means none.
    context: String,
    triggered_id: Option<EventId>,
    commit: Option<CommitId>,
    /// `data`.
    pub data: Map<String, Value>,
    rest: Map<String, Value>,
}

/// Why a body is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Not JSON, or a field of the wrong type.
    #[error("{0}")]
    Malformed(String),
    /// A required field is absent.
    #[error("{0} in body is required")]
    Missing(&'static str),
    /// JSON of the right shape that Keptn could not read either.
    #[error("could not parse common event data: {0}")]
    Data(String),
    /// Over a limit.
    #[error("{0}")]
    TooLarge(String),
}

impl Draft {
    /// Parses a JSON body.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, DraftError> {
        let value =
            serde_json::from_slice(body).map_err(|e| DraftError::Malformed(e.to_string()))?;
        Self::from_value(value)
    }

    /// Reads a JSON value.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn from_value(value: Value) -> Result<Self, DraftError> {
        let Value::Object(mut object) = value else {
            return Err(DraftError::Malformed("the body is not a JSON object".to_owned()));
        };
        let data = match object.remove("data") {
            Some(Value::Object(data)) => data,
            None | Some(Value::Null) => return Err(DraftError::Missing("data")),
            Some(_) => return Err(wrong("data", "an object")),
        };
        let mut take = |key: &str| match object.remove(key) {
            Some(Value::String(text)) => Ok(text),
            None | Some(Value::Null) => Ok(String::new()),
            Some(_) => Err(wrong(key, "a string")),
        };
        let source = take("source")?;
        let kind = take("type")?;
        let (id, context) = (take("id")?, take("shkeptncontext")?);
        let (time, triggered, commit) = (take("time")?, take("triggeredid")?, take("gitcommitid")?);
        // Both spellings are in use; events of ours carry Keptn's.
        take("contenttype")?;
        take("datacontenttype")?;
        if source.is_empty() {
            return Err(DraftError::Missing("source"));
        }
        if kind.is_empty() {
            return Err(DraftError::Missing("type"));
        }
        if !time.is_empty() && !is_time(&time) {
            let hint = "time is not RFC 3339, such as 2026-11-24T10:00:00Z";
            return Err(DraftError::Malformed(format!("{hint}: {time:?}")));
        }
        limits(&kind, &source, &data, &object)?;
        common(&data)?;
        let triggered_id = triggered.parse().ok();
        if triggered_id.is_none() && !triggered.is_empty() {
            object.insert("triggeredid".to_owned(), Value::from(triggered));
        }
        let commit_id = CommitId::new(&commit).ok();
        if commit_id.is_none() && !commit.is_empty() {
            object.insert("gitcommitid".to_owned(), Value::from(commit));
        }
        Ok(Self {
            kind: EventType::new(&kind),
            source,
            client_id: Uuid::parse_str(&id).ok(),
            context,
            triggered_id,
            commit: commit_id,
            data,
            rest: object,
        })
    }

    /// Completes the event. `fresh` becomes the context where the client sent none.
    #[must_use]
    pub fn into_event(self, id: EventId, time: Timestamp, fresh: ContextId) -> Event {
        let mut rest = self.rest;
        rest.entry("specversion").or_insert_with(|| Value::from("1.0"));
        Event {
            id,
            kind: self.kind,
            source: self.source,
            time,
            context: context(&self.context).unwrap_or(fresh),
            triggered_id: self.triggered_id,
            commit: self.commit,
            data: self.data,
            rest,
        }
    }
}

/// Keptn 1.4: a UUID is kept; any other text becomes the version-4 UUID made of its first 16 bytes,
/// padded with spaces. None for an empty text.
fn context(text: &str) -> Option<ContextId> {
    if text.is_empty() {
        return None;
    }
    let id = Uuid::parse_str(text).unwrap_or_else(|_| {
        let mut bytes = [b' '; 16];
        for (slot, byte) in bytes.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        Builder::from_random_bytes(bytes).into_uuid()
    });
    Some(id.into())
}

/// The year 1 of Go's zero time is fine; so is any offset.
fn is_time(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

fn wrong(field: &str, want: &str) -> DraftError {
    DraftError::Malformed(format!("field {field} must be {want}"))
}

fn limits(
    kind: &str,
    source: &str,
    data: &Map<String, Value>,
    rest: &Map<String, Value>,
) -> Result<(), DraftError> {
    let over = |what: String| Err(DraftError::TooLarge(what));
    if kind.len() > TYPE_BYTES_MAX {
        return over(format!("type is longer than {TYPE_BYTES_MAX} bytes"));
    }
    if source.len() > SOURCE_BYTES_MAX {
        return over(format!("source is longer than {SOURCE_BYTES_MAX} bytes"));
    }
    if within_nodes(data) && within_nodes(rest) {
        Ok(())
    } else {
        over(format!("the event has more than {NODES_MAX} values"))
    }
}

/// Whether a mapping has at most [`NODES_MAX`] values of any kind.
#[must_use]
pub fn within_nodes(fields: &Map<String, Value>) -> bool {
    let mut left = NODES_MAX;
    fields.values().all(|value| fits(value, &mut left))
}

/// Counts nodes down; false when the budget is gone. Depth is bounded by the parser (128).
fn fits(value: &Value, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter().all(|item| fits(item, left)),
        Value::Object(fields) => fields.values().all(|field| fits(field, left)),
        _ => true,
    }
}

/// The shared fields must be texts, and labels texts by text: Keptn's clients decode them so.
fn common(data: &Map<String, Value>) -> Result<(), DraftError> {
    for key in ["project", "stage", "service", "status", "result", "message"] {
        if !matches!(data.get(key), None | Some(Value::Null | Value::String(_))) {
            return Err(DraftError::Data(format!("data.{key} must be a string")));
        }
    }
    match data.get("labels") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(labels)) if labels.len() > LABELS_MAX => {
            Err(DraftError::TooLarge(format!("data.labels has more than {LABELS_MAX} entries")))
        }
        Some(Value::Object(labels)) => labels.iter().try_for_each(|(key, value)| match value {
            Value::String(text) if key.len().max(text.len()) <= LABEL_BYTES_MAX => Ok(()),
            Value::String(_) => Err(DraftError::TooLarge(format!(
                "a label is longer than {LABEL_BYTES_MAX} bytes: {:?}",
                key.chars().take(40).collect::<String>()
            ))),
            _ => Err(DraftError::Data(format!("data.labels.{key} must be a string"))),
        }),
        Some(_) => Err(DraftError::Data("data.labels must be an object of strings".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<Draft, DraftError> {
        Draft::parse(value.to_string().as_bytes())
    }

    fn event(value: &Value) -> Event {
        let (id, fresh) = (EventId::from_bytes([1; 16]), ContextId::from_bytes([2; 16]));
        parse(value).unwrap().into_event(id, Timestamp::UNIX_EPOCH, fresh)
    }

    #[test]
    fn required_fields_are_named_one_at_a_time_in_keptns_order() {
        assert_eq!(parse(&json!({})).unwrap_err().to_string(), "data in body is required");
        let no_source = json!({"data": {}});
        assert_eq!(parse(&no_source).unwrap_err().to_string(), "source in body is required");
        let no_type = json!({"data": {}, "source": "s"});
        assert_eq!(parse(&no_type).unwrap_err().to_string(), "type in body is required");
    }

    #[test]
    fn wrong_types_are_malformed_and_name_the_field() {
        for (body, field) in [
            (json!({"data": [], "source": "s", "type": "t"}), "data"),
            (json!({"data": {}, "source": 1, "type": "t"}), "source"),
            (json!({"data": {}, "source": "s", "type": "t", "time": "yesterday"}), "time"),
        ] {
            match parse(&body).unwrap_err() {
                DraftError::Malformed(text) => assert!(text.contains(field), "{text}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(Draft::parse(b"{"), Err(DraftError::Malformed(_))));
    }

    #[test]
    fn odd_but_accepted_events_are_completed() {
        let bare = event(&json!({"data": {}, "source": "s", "type": "t"}));
        assert_eq!(bare.context, ContextId::from_bytes([2; 16]));
        let odd = json!({"data": {}, "source": "s", "type": "t", "id": "7",
            "time": "0001-01-01T00:00:00Z", "shkeptncontext": "release-42"});
        let odd = event(&odd);
        assert_eq!(odd.context.uuid().get_version_num(), 4);
        assert_eq!(odd.context.to_string(), "72656c65-6173-452d-b432-202020202020");
        let kept = json!({"data": {}, "source": "s", "type": "t",
            "shkeptncontext": "6F9619FF-8B86-D011-B42D-00CF4FC964FF"});
        assert_eq!(event(&kept).context.to_string(), "6f9619ff-8b86-d011-b42d-00cf4fc964ff");
    }

    #[test]
    fn labels_are_texts_within_limits() {
        let with =
            |labels: Value| parse(&json!({"data": {"labels": labels}, "source": "s", "type": "t"}));
        assert!(with(json!({"a": "b"})).is_ok());
        assert!(with(Value::Null).is_ok());
        assert!(matches!(with(json!({"a": 1})), Err(DraftError::Data(_))));
        assert!(matches!(with(json!(["a"])), Err(DraftError::Data(_))));
        assert!(matches!(with(json!({"a": "x".repeat(1025)})), Err(DraftError::TooLarge(_))));
        let many: Map<String, Value> = (0..101).map(|i| (i.to_string(), json!("v"))).collect();
        assert!(matches!(with(Value::Object(many)), Err(DraftError::TooLarge(_))));
    }

    #[test]
    fn depth_and_width_are_bounded() {
        let deep = format!(
            r#"{{"source":"s","type":"t","data":{{"x":{}1{}}}}}"#,
            "[".repeat(1000),
            "]".repeat(1000)
        );
        assert!(matches!(Draft::parse(deep.as_bytes()), Err(DraftError::Malformed(_))));
        let wide = json!({"source": "s", "type": "t", "data": {"x": vec![0; NODES_MAX]}});
        assert!(matches!(parse(&wide), Err(DraftError::TooLarge(_))));
    }
}
