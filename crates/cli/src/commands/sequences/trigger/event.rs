//! The event that triggers a sequence.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_core::quality::time::{EVALUATION, Span, of_trigger};
use tidegate_core::shipyard::TaskDefinition;

use crate::failure::Failure;
use crate::input;

/// `source` of events that these commands send.
const SOURCE: &str = "https://tidegate.dev/cli";

/// What shall be triggered.
pub(super) struct Trigger<'a> {
    pub(super) sequence: &'a str,
    /// Its tasks; none where the shipyard does not know it.
    pub(super) tasks: &'a [TaskDefinition],
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
        self.fix_time(&mut data)?;
        Ok(json!({
            "type": format!("sh.keptn.event.{stage}.{sequence}.triggered"),
            "source": SOURCE,
            "specversion": "1.0",
            "data": data,
        }))
    }

    /// Writes the time that is evaluated. What cannot be evaluated is told here, and not by an evaluation that
    /// ends errored.
    fn fix_time(&self, data: &mut Map<String, Value>) -> Result<(), Failure> {
        let [start, end, timeframe] =
            [self.start, self.end, self.timeframe].map(Option::unwrap_or_default);
        let given = Span { start, end, timeframe };
        let asked = if given == Span::default() { Span::of(data) } else { given };
        let time = of_trigger(self.sequence, self.tasks, asked, Timestamp::now())
            .map_err(|error| Failure::Usage(format!("{error}; {}", error.hint())))?;
        let Some(time) = time else { return Ok(()) };
        let fields = data.entry(EVALUATION).or_insert(Value::Null);
        if fields.is_null() {
            *fields = json!({});
        }
        let fields = fields.as_object_mut().ok_or_else(|| {
            Failure::Usage(format!("{EVALUATION} in the data must be a JSON object"))
        })?;
        fields.remove("timeframe");
        fields.insert("start".to_owned(), time.start.into());
        fields.insert("end".to_owned(), time.end.into());
        Ok(())
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
    use tidegate_core::names::TaskName;

    use super::*;

    fn texts(pairs: &[&str]) -> Vec<String> {
        pairs.iter().map(|pair| (*pair).to_owned()).collect()
    }

    fn event(labels: &[&str], values: &[&str], data: Option<&Path>) -> Result<Value, Failure> {
        let (labels, values) = (texts(labels), texts(values));
        let trigger = Trigger {
            sequence: "delivery",
            tasks: &[],
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

    /// `data.evaluation` of what triggers a sequence of one evaluation with these properties.
    fn evaluation(
        sequence: &str,
        properties: &Value,
        [start, end, timeframe]: [Option<&str>; 3],
        data: Option<&Path>,
    ) -> Result<Value, Failure> {
        let task = TaskDefinition {
            name: TaskName::new(EVALUATION).unwrap(),
            properties: properties.as_object().unwrap().clone(),
            triggered_after: None,
        };
        let (project, stage, service) = ("tour", "qa", "hello");
        let trigger = Trigger {
            sequence,
            tasks: &[task],
            project,
            stage,
            service,
            image: None,
            labels: &[],
            values: &[],
            start,
            end,
            timeframe,
            data,
        };
        Ok(trigger.build()?["data"]["evaluation"].take())
    }

    /// How long that is, in seconds, and whether it ends now.
    fn length(evaluation: &Value) -> (i64, bool) {
        let at = |key: &str| evaluation[key].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert_eq!(evaluation.get("timeframe"), None, "{evaluation}");
        let is_now = Timestamp::now().duration_since(at("end")).as_secs() < 60;
        (at("end").duration_since(at("start")).as_secs(), is_now)
    }

    #[test]
    fn the_time_of_an_evaluation_is_fixed_when_it_is_triggered() {
        let (none, own) = (json!({}), json!({"timeframe": "10m"}));
        let (from, to) = (Some("2026-11-24T10:00:00Z"), Some("2026-11-24T10:10:00Z"));
        let of = |sequence, own: &Value, asked| evaluation(sequence, own, asked, None).unwrap();
        assert_eq!(length(&of("evaluation", &none, [None; 3])), (300, true));
        assert_eq!(length(&of("evaluation", &own, [None; 3])), (600, true));
        for own in [&none, &own] {
            let asked = [None, None, Some("30m")];
            assert_eq!(length(&of("evaluation", own, asked)), (1800, true));
            assert_eq!(length(&of("soak", own, asked)), (1800, true));
            let then =
                json!({"start": "2026-11-24T10:00:00.000Z", "end": "2026-11-24T10:10:00.000Z"});
            assert_eq!(of("evaluation", own, [from, to, None]), then);
            assert_eq!(of("soak", own, [from, None, Some("10m")]), then);
            assert_eq!(of("soak", own, [None; 3]), Value::Null);
        }
        let fixed = json!({"end": "2026-11-24T10:00:00Z"});
        for (own, asked, why) in [
            (&none, [from, None, None], "end or a timeframe"),
            (&none, [from, from, None], "60 seconds"),
            (&none, [Some("today"), None, Some("5m")], "2022-01-31T10:00:00.000Z"),
            (&none, [None, None, Some("5 minutes")], "1h30m"),
            (&fixed, [None, None, Some("5m")], "the shipyard fixes the end"),
        ] {
            let Err(Failure::Usage(told)) = evaluation("evaluation", own, asked, None) else {
                panic!("{asked:?}");
            };
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_time_in_further_data_is_asked_for_too() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.json");
        let of = |data: &str, asked| {
            std::fs::write(&file, data).unwrap();
            evaluation("evaluation", &json!({"timeframe": "10m"}), asked, Some(&file))
        };
        let data = "{\"evaluation\": {\"timeframe\": \"30m\", \"more\": 1}}";
        let built = of(data, [None; 3]).unwrap();
        assert_eq!((length(&built), &built["more"]), ((1800, true), &json!(1)));
        assert_eq!(length(&of(data, [None, None, Some("1h")]).unwrap()), (3600, true));
        assert_eq!(length(&of("{\"evaluation\": null}", [None; 3]).unwrap()), (600, true));
        assert!(of("{\"evaluation\": 5}", [None; 3]).is_err());
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
