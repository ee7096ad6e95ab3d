//! The event as it is stored and sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::EventType;
use crate::names::{CommitId, ContextId, EventId};

/// `contenttype` of every event. Keptn's API model says `contenttype`, not `datacontenttype`.
pub const CONTENT_TYPE: &str = "application/json";
/// `shkeptnspecversion` of the events that we make.
pub const SPEC_VERSION: &str = "0.2.4";

/// An event with everything that the log needs. Fields that Tidegate does not know live on in
/// `rest` and in `data`, as they were received.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique within the installation.
    pub id: EventId,
    /// The type, such as `sh.keptn.event.deployment.triggered`.
    pub kind: EventType,
    /// Who made it: a URI or one of Keptn's service names.
    pub source: String,
    /// When it was accepted.
    pub time: Timestamp,
    /// The delivery that it belongs to.
    pub context: ContextId,
    /// The `.triggered` event that it answers.
    pub triggered_id: Option<EventId>,
    /// The commit of the stage branch that its readers shall use.
    pub commit: Option<CommitId>,
    /// `data`.
    pub data: Map<String, Value>,
    /// Every other field of the envelope.
    pub rest: Map<String, Value>,
}

impl Event {
    /// The event as Keptn's API spells it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let fields = self.fields().into_iter();
        Value::Object(fields.map(|(key, field)| (key.to_owned(), field.into_value())).collect())
    }

    /// The event as stored text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("all keys are texts, and memory takes what is written")
    }

    /// All fields, in the order of their keys, copied as little as may be: every event is written once
    /// at least.
    fn fields(&self) -> BTreeMap<&str, Field<'_>> {
        let rest = self.rest.iter().map(|(key, value)| (key.as_str(), Field::Value(value)));
        let mut fields: BTreeMap<_, _> = rest.collect();
        fields.insert("id", Field::Made(self.id.to_string()));
        fields.insert("type", Field::Text(self.kind.as_str()));
        fields.insert("source", Field::Text(&self.source));
        fields.insert("time", Field::Made(self.time.to_string()));
        fields.insert("shkeptncontext", Field::Made(self.context.to_string()));
        fields.insert("contenttype", Field::Text(CONTENT_TYPE));
        if let Some(id) = self.triggered_id {
            fields.insert("triggeredid", Field::Made(id.to_string()));
        }
        if let Some(commit) = &self.commit {
            fields.insert("gitcommitid", Field::Text(commit.as_str()));
        }
        fields.insert("data", Field::Data(&self.data));
        fields
    }

    /// Reads back what [`Event::to_json`] wrote.
    ///
    /// # Errors
    /// The stored text is damaged; the message names the field.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        Self::from_object(serde_json::from_str(json)?)
    }

    fn from_object(mut object: Map<String, Value>) -> Result<Self, serde_json::Error> {
        use serde::de::Error as _;
        let mut take = |key: &str| match object.remove(key) {
            Some(Value::String(text)) => Ok(Some(text)),
            None => Ok(None),
            Some(_) => Err(serde_json::Error::custom(format!("{key} is not a text"))),
        };
        let must = |key: &str, value: Option<String>| {
            value.ok_or_else(|| serde_json::Error::custom(format!("{key} is missing")))
        };
        let bad = |error: &dyn std::fmt::Display| serde_json::Error::custom(error);
        take("contenttype")?;
        let id = must("id", take("id")?)?.parse().map_err(|e| bad(&e))?;
        let kind = EventType::new(&must("type", take("type")?)?);
        let source = must("source", take("source")?)?;
        let time = must("time", take("time")?)?.parse().map_err(|e| bad(&e))?;
        let context =
            must("shkeptncontext", take("shkeptncontext")?)?.parse().map_err(|e| bad(&e))?;
        // A `triggeredid` that is no UUID answers nothing; it stays among the other fields.
        let triggered_id = match take("triggeredid")? {
            Some(text) => match text.parse() {
                Ok(id) => Some(id),
                Err(_) => {
                    object.insert("triggeredid".to_owned(), Value::from(text));
                    None
                }
            },
            None => None,
        };
        let commit = match object.remove("gitcommitid") {
            Some(Value::String(text)) => match CommitId::new(&text) {
                Ok(commit) => Some(commit),
                Err(_) => {
                    object.insert("gitcommitid".to_owned(), Value::from(text));
                    None
                }
            },
            Some(other) => {
                object.insert("gitcommitid".to_owned(), other);
                None
            }
            None => None,
        };
        let data = match object.remove("data") {
            Some(Value::Object(data)) => data,
            _ => return Err(serde_json::Error::custom("data is not an object")),
        };
        Ok(Self { id, kind, source, time, context, triggered_id, commit, data, rest: object })
    }
}

/// One field of the envelope.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Text(&'a str),
    Made(String),
    Data(&'a Map<String, Value>),
    Value(&'a Value),
}

impl Field<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Made(text) => Value::from(text),
            Self::Data(data) => Value::Object(data.clone()),
            Self::Value(value) => value.clone(),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        Self::from_object(object).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_reads_back_whole_unknown_fields_included() {
        let json = r#"{"id":"11111111-1111-4111-8111-111111111111","type":"t","source":"s",
            "time":"2026-11-24T10:00:00.5Z","shkeptncontext":"22222222-2222-4222-8222-222222222222",
            "triggeredid":"not-a-uuid","gitcommitid":"","traceparent":"00-1-2-3",
            "data":{"project":"p","x":{"y":[1,2.5,null]}}}"#;
        let event = Event::from_json(json).unwrap();
        assert_eq!(event.triggered_id, None);
        assert_eq!(event.rest["traceparent"], "00-1-2-3");
        assert_eq!(Event::from_json(&event.to_json()).unwrap().data, event.data);
        assert_eq!(event.to_json(), event.to_value().to_string());
        let again = event.to_value();
        assert_eq!(again["triggeredid"], "not-a-uuid");
        assert_eq!(again["gitcommitid"], "");
        assert_eq!(again["contenttype"], "application/json");
    }
}
