//! The event that a form asks for.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_core::names::{ProjectName, SequenceName, StageName};
use tidegate_core::quality::Timeframe;
use tidegate_core::quality::time::{Span, of_trigger, resolve};
use tidegate_core::shipyard::{Shipyard, TaskDefinition};
use tidegate_store::ServiceRow;

use super::Form;

/// `source` of what is triggered here. Keptn 1.4: clients know the Bridge by it.
const SOURCE: &str = "https://github.com/keptn/keptn/bridge";

/// What is wrong with each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Errors {
    pub(super) form: Option<String>,
    pub(super) service: Option<String>,
    pub(super) sequence: Option<String>,
    pub(super) image: Option<String>,
    pub(super) labels: Option<String>,
    pub(super) values: Option<String>,
    pub(super) timeframe: Option<String>,
}

/// The event, or everything that is wrong with the form.
pub(super) fn body(
    form: &Form,
    project: &ProjectName,
    shipyard: &Shipyard,
    services: &[ServiceRow],
    now: Timestamp,
) -> Result<Value, Box<Errors>> {
    let mut errors = Errors::default();
    let service = form.service.trim();
    if services.iter().all(|known| known.name.as_str() != service) {
        errors.service = Some(match service {
            "" => "Choose a service.".to_owned(),
            _ => format!("{project} has no service of this name."),
        });
    }
    let chosen = keep(sequence(&form.sequence, shipyard), &mut errors.sequence);
    let labels = keep(labels(&form.labels), &mut errors.labels);
    let mut values = keep(values(&form.values), &mut errors.values).unwrap_or_default();
    let image = form.image.trim();
    let deploys = chosen.as_ref().is_some_and(|chosen| chosen.does("deployment"));
    if image.is_empty() && deploys && !values.contains_key("image") {
        errors.image = Some("Name the image that is to be deployed.".to_owned());
    } else if image.contains(|c: char| c.is_whitespace() || c.is_control()) {
        errors.image = Some("An image has no white space in its name.".to_owned());
    }
    if !image.is_empty() && values.contains_key("image") {
        errors.values = Some("The image stands in its own field: leave it out here.".to_owned());
    }
    let time = keep(time(form.timeframe.trim(), chosen.as_ref(), now), &mut errors.timeframe);
    let (Some(chosen), Some(labels), true) = (chosen, labels, errors == Errors::default()) else {
        return Err(Box::new(errors));
    };
    let mut data = json!({"project": project, "stage": chosen.stage, "service": service});
    if !labels.is_empty() {
        data["labels"] = Value::Object(labels);
    }
    if !image.is_empty() {
        values.insert("image".to_owned(), Value::from(image));
    }
    if !values.is_empty() {
        data["configurationChange"] = json!({"values": values});
    }
    if let Some(Timeframe { start, end }) = time.flatten() {
        data["evaluation"] = json!({"start": start, "end": end});
    }
    let (stage, name) = (&chosen.stage, &chosen.name);
    Ok(json!({
        "specversion": "1.0",
        "type": format!("sh.keptn.event.{stage}.{name}.triggered"),
        "source": format!("{SOURCE}#{stage}.{name}.triggered"),
        "data": data,
    }))
}

fn keep<T>(read: Result<T, String>, error: &mut Option<String>) -> Option<T> {
    read.map_err(|why| *error = Some(why)).ok()
}

/// A sequence that can be triggered.
struct Chosen {
    stage: StageName,
    name: SequenceName,
    tasks: Arc<[TaskDefinition]>,
}

impl Chosen {
    fn does(&self, task: &str) -> bool {
        self.tasks.iter().any(|known| known.name == task)
    }
}

fn sequence(text: &str, shipyard: &Shipyard) -> Result<Chosen, String> {
    let none = || "Choose a sequence.".to_owned();
    let (stage, name) = text.split_once('.').ok_or_else(none)?;
    let stage = StageName::new(stage).map_err(|_| none())?;
    let name = SequenceName::new(name).map_err(|_| none())?;
    let tasks = shipyard.tasks(&stage, &name);
    let tasks = tasks.map_err(|why| format!("It cannot be triggered: {why}."))?;
    Ok(Chosen { stage, name, tasks })
}

/// The time that is evaluated, fixed now.
fn time(
    timeframe: &str,
    chosen: Option<&Chosen>,
    now: Timestamp,
) -> Result<Option<Timeframe>, String> {
    let asked = Span { timeframe, ..Span::default() };
    if resolve(asked, now).is_err() {
        return Err("Write a span such as 5m or 1h30m, at least a minute.".to_owned());
    }
    let Some(Chosen { name, tasks, .. }) = chosen else { return Ok(None) };
    of_trigger(name.as_str(), tasks, asked, now)
        .map_err(|error| format!("It cannot be evaluated: {error}; {}.", error.hint()))
}

/// `key=value`, one a line.
fn labels(text: &str) -> Result<Map<String, Value>, String> {
    let mut labels = Map::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let pair = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = pair.filter(|(key, _)| !key.is_empty()) else {
            return Err(format!("Line {}: write key=value.", number + 1));
        };
        if labels.insert(key.to_owned(), Value::from(value)).is_some() {
            return Err(format!("Line {}: the key {key} comes twice.", number + 1));
        }
    }
    Ok(labels)
}

fn values(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => Ok(values),
        Ok(_) => Err("Write a JSON object: {\"replicaCount\": 2}.".to_owned()),
        Err(error) => Err(format!("This is no JSON: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tidegate_core::names::ServiceName;

    use super::*;

    const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }, { name: test }]
        - name: empty
        - name: hello
          tasks: [{ name: greet }]
        - name: soak
          tasks: [{ name: evaluation, properties: { timeframe: 10m } }]
";

    fn event(form: &Form) -> Result<Value, Box<Errors>> {
        let services = [ServiceRow {
            name: ServiceName::new("carts").unwrap(),
            created: Timestamp::UNIX_EPOCH,
        }];
        let shipyard = Shipyard::parse(SHIPYARD).unwrap();
        body(form, &ProjectName::new("shop").unwrap(), &shipyard, &services, now())
    }

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    fn form(sequence: &str) -> Form {
        Form {
            service: "carts".to_owned(),
            sequence: sequence.to_owned(),
            image: "carts:1".to_owned(),
            ..Form::default()
        }
    }

    #[test]
    fn a_form_becomes_the_event_that_keptns_bridge_sends() {
        let form = Form {
            labels: "build=7\r\n\n url = https://ci/?a=b ".to_owned(),
            values: "{\"replicaCount\": 2}".to_owned(),
            ..form("qa.delivery")
        };
        assert_eq!(
            event(&form).unwrap(),
            json!({
                "specversion": "1.0",
                "type": "sh.keptn.event.qa.delivery.triggered",
                "source": "https://github.com/keptn/keptn/bridge#qa.delivery.triggered",
                "data": {
                    "project": "shop", "stage": "qa", "service": "carts",
                    "labels": {"build": "7", "url": "https://ci/?a=b"},
                    "configurationChange": {"values": {"replicaCount": 2, "image": "carts:1"}},
                },
            })
        );
        let bare = Form { image: String::new(), ..self::form("qa.hello") };
        assert_eq!(
            event(&bare).unwrap()["data"],
            json!({"project": "shop", "stage": "qa", "service": "carts"})
        );
    }

    #[test]
    fn the_time_of_an_evaluation_is_fixed_when_it_is_triggered() {
        let of = |sequence: &str, timeframe: &str| {
            let form = Form { timeframe: timeframe.to_owned(), ..form(sequence) };
            event(&form).map(|mut event| event["data"]["evaluation"].take())
        };
        let from = |minutes: &str| {
            let (start, end) =
                (format!("2026-11-24T09:{minutes}:00.000Z"), "2026-11-24T10:00:00.000Z");
            json!({"start": start, "end": end})
        };
        assert_eq!(of("qa.evaluation", "").unwrap(), from("55"), "every stage has one");
        assert_eq!(of("qa.evaluation", "20m").unwrap(), from("40"));
        assert_eq!(of("qa.soak", "20m").unwrap(), from("40"), "whatever the shipyard says");
        assert_eq!(of("qa.soak", "").unwrap(), Value::Null);
        let refused = of("qa.delivery", "20m").unwrap_err().timeframe.unwrap();
        assert!(refused.starts_with("It cannot be evaluated: the sequence evaluates"), "{refused}");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_its_field() {
        let wrong = Form {
            service: "nobody".to_owned(),
            sequence: "qa.delivery".to_owned(),
            image: String::new(),
            labels: "a=1\nb".to_owned(),
            values: "[1]".to_owned(),
            timeframe: "30s".to_owned(),
            ..Form::default()
        };
        let errors = *event(&wrong).unwrap_err();
        assert_eq!(errors.service.unwrap(), "shop has no service of this name.");
        assert_eq!(errors.image.unwrap(), "Name the image that is to be deployed.");
        assert_eq!(errors.labels.unwrap(), "Line 2: write key=value.");
        assert!(errors.values.unwrap().starts_with("Write a JSON object"));
        assert!(errors.timeframe.unwrap().starts_with("Write a span"));
        assert_eq!((errors.form, errors.sequence), (None, None));
        for (sequence, why) in [
            ("", "Choose a sequence."),
            ("qa", "Choose a sequence."),
            ("qa.nothing", "no task sequence with name nothing"),
            ("prod.delivery", "no stage with name prod"),
            ("qa.empty", "does not contain any tasks"),
        ] {
            let error = event(&form(sequence)).unwrap_err().sequence.clone().unwrap();
            assert!(error.contains(why), "{sequence}: {error}");
        }
        let spaced = Form { image: "carts :1".to_owned(), ..form("qa.delivery") };
        assert!(event(&spaced).unwrap_err().image.is_some());
        let twice = Form { labels: "a=1\na=2".to_owned(), ..form("qa.delivery") };
        assert!(event(&twice).unwrap_err().labels.unwrap().contains("comes twice"));
        let broken = Form { values: "{\n  \"a\" 1}".to_owned(), ..form("qa.delivery") };
        assert!(event(&broken).unwrap_err().values.unwrap().contains("line 2"));
        let both = Form { values: "{\"image\": \"x\"}".to_owned(), ..form("qa.delivery") };
        assert!(event(&both).unwrap_err().values.is_some());
    }

    #[test]
    fn a_timeframe_is_a_minute_at_least() {
        for good in ["1m", "5m", "1h30m", "1.5h", "90s"] {
            assert!(time(good, None, now()).is_ok(), "{good}");
        }
        for bad in ["5", "m", "30s", "5 m", "-5m", "5d", "1..5h", "5mm"] {
            assert!(time(bad, None, now()).is_err(), "{bad}");
        }
    }
}
