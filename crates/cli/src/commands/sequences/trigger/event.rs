//! The event that triggers a sequence.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_core::quality::time::{Span, resolve};

use crate::failure::Failure;
use crate::input;

/// `source` of events that these commands send.
const SOURCE: &str = "https://tidegate.dev/cli";
/// The sequence that every stage has.
const EVALUATION: &str = "evaluation";
/// What it evaluates where nothing else is said, as in Keptn.
const TIMEFRAME: &str = "5m";

/// What shall be triggered.
pub(super) struct Trigger<'a> {
    pub(super) sequence: &'a str,
    pub(super) project: &'a str,
    pub(super) stage: &'a str,
    pub(super) service: &'a str,
    pub(super) image: Option<&'a str>,
    pub(super) labels: &'a [String],
    pub(super) values: &'a [String],
    pub(super) start: Option<&'a str>,
    pub(super) end: Option<&'a str>,
    pub(super) timeframe: Option<&'a str>,
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
        if let Some(time) = self.time()? {
            data.insert(EVALUATION.to_owned(), time);
        } else if sequence == EVALUATION && !data.contains_key(EVALUATION) {
            data.insert(EVALUATION.to_owned(), json!({"timeframe": TIMEFRAME}));
        }
        Ok(json!({
            "type": format!("sh.keptn.event.{stage}.{sequence}.triggered"),
            "source": SOURCE,
            "specversion": "1.0",
            "data": data,
        }))
    }

    /// The time to evaluate, as the event says it; none where none is asked for. What cannot be evaluated is
    /// told here, and not by an evaluation that ends errored.
    fn time(&self) -> Result<Option<Value>, Failure> {
        let asked = [("start", self.start), ("end", self.end), ("timeframe", self.timeframe)];
        let time: Map<String, Value> = asked
            .iter()
            .filter_map(|(key, text)| Some(((*key).to_owned(), Value::from((*text)?))))
            .collect();
        if time.is_empty() {
            return Ok(None);
        }
        let [start, end, timeframe] = asked.map(|(_, text)| text.unwrap_or_default());
        let span = Span { start, end, timeframe };
        resolve(span, Timestamp::now())
            .map_err(|error| Failure::Usage(format!("{error}; {}", error.hint())))?;
        Ok(Some(Value::Object(time)))
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
            start: None,
            end: None,
            timeframe: None,
            data,
        };
        trigger.build()
    }

    fn evaluation(
        sequence: &str,
        [start, end, timeframe]: [Option<&str>; 3],
    ) -> Result<Value, Failure> {
        let (project, stage, service) = ("tour", "qa", "hello");
        let trigger = Trigger {
            sequence,
            project,
            stage,
            service,
            image: None,
            labels: &[],
            values: &[],
            start,
            end,
            timeframe,
            data: None,
        };
        Ok(trigger.build()?["data"]["evaluation"].take())
    }

    #[test]
    fn an_evaluation_is_of_the_time_that_is_asked_for_or_of_the_last_five_minutes() {
        let (from, to) = (Some("2026-11-24T10:00:00Z"), Some("2026-11-24T10:10:00Z"));
        let of = |sequence, asked| evaluation(sequence, asked).unwrap();
        assert_eq!(of("evaluation", [None; 3]), json!({"timeframe": "5m"}));
        assert_eq!(of("evaluation", [None, None, Some("10m")]), json!({"timeframe": "10m"}));
        assert_eq!(of("evaluation", [from, to, None]), json!({"start": from, "end": to}));
        assert_eq!(of("soak", [from, None, Some("1h")]), json!({"start": from, "timeframe": "1h"}));
        assert_eq!(of("soak", [None; 3]), Value::Null);
        for (asked, why) in [
            ([from, None, None], "end or a timeframe"),
            ([from, from, None], "60 seconds"),
            ([Some("today"), None, Some("5m")], "2022-01-31T10:00:00.000Z"),
            ([None, None, Some("5 minutes")], "1h30m"),
        ] {
            let Err(Failure::Usage(told)) = evaluation("evaluation", asked) else {
                panic!("{asked:?}");
            };
            assert!(told.contains(why), "{told}");
        }
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
