//! The event that triggers a sequence.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::input;

/// `source` of events that these commands send.
const SOURCE: &str = "https://tidegate.dev/cli";

/// What shall be triggered.
pub(super) struct Trigger<'a> {
    pub(super) sequence: &'a str,
    pub(super) project: &'a str,
    pub(super) stage: &'a str,
    pub(super) service: &'a str,
    pub(super) image: Option<&'a str>,
    pub(super) labels: &'a [String],
    pub(super) values: &'a [String],
    pub(super) data: Option<&'a Path>,
}

impl Trigger<'_> {
    /// The event, as Keptn spells it.
    ///
    /// # Errors
    /// An option does not make sense.
    pub(super) fn build(&self) -> Result<Value, Failure> {
        let mut data = match self.data {
            Some(file) => object(file)?,
            None => Map::new(),
        };
        let Self { sequence, project, stage, service, .. } = *self;
        for (key, value) in [("project", project), ("stage", stage), ("service", service)] {
            data.insert(key.to_owned(), value.into());
        }
        if !self.labels.is_empty() {
            data.insert("labels".to_owned(), labels(self.labels)?.into());
        }
        let mut values = values(self.values)?;
        if let Some(image) = self.image {
            values.insert("image".to_owned(), image.into());
        }
        if !values.is_empty() {
            data.insert("configurationChange".to_owned(), json!({"values": values}));
        }
        Ok(json!({
            "type": format!("sh.keptn.event.{stage}.{sequence}.triggered"),
            "source": SOURCE,
            "specversion": "1.0",
            "data": data,
        }))
    }
}

fn object(file: &Path) -> Result<Map<String, Value>, Failure> {
    let refuse = |why: &str| Failure::Usage(format!("{} is no JSON object: {why}", file.display()));
    match serde_json::from_slice(&input::read(file)?) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(refuse("it must begin with {")),
        Err(error) => Err(refuse(&error.to_string())),
    }
}

fn labels(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut labels = Map::new();
    for pair in pairs {
        let (key, value) =
            pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                Failure::Usage(format!("{pair:?} is no label; write it like build=17"))
            })?;
        labels.insert(key.to_owned(), value.into());
    }
    Ok(labels)
}

/// Values by their paths: `a.b=c` is `{"a": {"b": "c"}}`. What reads as JSON is taken as that.
fn values(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for pair in pairs {
        let refuse = || Failure::Usage(format!("{pair:?} is no value; write it like a.b=c, once"));
        let (path, value) = pair.split_once('=').ok_or_else(refuse)?;
        let mut keys: Vec<&str> = path.split('.').collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(refuse());
        }
        let last = keys.pop().ok_or_else(refuse)?;
        let mut place = &mut values;
        for key in keys {
            let below = place.entry(key).or_insert_with(|| Value::Object(Map::new()));
            place = below.as_object_mut().ok_or_else(refuse)?;
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if place.insert(last.to_owned(), value).is_some() {
            return Err(refuse());
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[&str]) -> Vec<String> {
        pairs.iter().map(|pair| (*pair).to_owned()).collect()
    }

    fn event(labels: &[&str], values: &[&str], data: Option<&Path>) -> Result<Value, Failure> {
        let (labels, values) = (texts(labels), texts(values));
        let trigger = Trigger {
            sequence: "delivery",
            project: "tour",
            stage: "qa",
            service: "hello",
            image: Some("hello:v2"),
            labels: &labels,
            values: &values,
            data,
        };
        trigger.build()
    }

    #[test]
    fn an_event_says_where_what_and_with_which_labels() {
        let event = event(&["a=b=c"], &["x.y=2", "x.z=two"], None).unwrap();
        assert_eq!(event["type"], "sh.keptn.event.qa.delivery.triggered");
        assert_eq!(
            event["data"],
            json!({"project": "tour", "stage": "qa", "service": "hello", "labels": {"a": "b=c"},
                "configurationChange": {"values": {
                    "image": "hello:v2", "x": {"y": 2, "z": "two"}}}})
        );
    }

    #[test]
    fn further_data_are_kept_and_cannot_say_another_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.json");
        std::fs::write(&file, "{\"problem\": 7, \"project\": \"other\"}").unwrap();
        let built = event(&[], &[], Some(&file)).unwrap();
        assert_eq!(
            (&built["data"]["problem"], &built["data"]["project"]),
            (&json!(7), &json!("tour"))
        );
        std::fs::write(&file, "[]").unwrap();
        assert!(matches!(event(&[], &[], Some(&file)), Err(Failure::Usage(_))));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for bad in ["x", "=x"] {
            assert!(event(&[bad], &[], None).is_err(), "{bad}");
        }
        for bad in [&["x"][..], &["a..b=c"], &["=c"], &["a=b", "a.b=c"], &["a=b", "a=c"]] {
            assert!(event(&[], bad, None).is_err(), "{bad:?}");
        }
    }
}
