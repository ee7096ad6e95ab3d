//! An evaluation begins: which values are asked of whom, or why none are.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Evaluation, Slo, Timeframe, time};
use crate::event::{Scope, answer_to};

/// What is known when an evaluation begins.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// Whose gate it is.
    pub scope: &'a Scope,
    /// The data of `evaluation.triggered`.
    pub data: &'a Map<String, Value>,
    /// `slo.yaml` as it is stored, empty where there is none; or why it cannot be read.
    pub slo: Result<&'a str, &'a str>,
    /// Who measures for the project.
    pub provider: Option<&'a str>,
    /// The time it is.
    pub now: Timestamp,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The provider is asked: the data of `get-sli.triggered`.
    Values(Map<String, Value>),
    /// There is nothing to ask for: that is the evaluation.
    Over(Box<Evaluation>),
}

/// Decides what an evaluation asks for. Keptn 1.4 looks at the time first, then at the file, then at the
/// provider; without a file the provider is asked for nothing.
#[must_use]
pub fn ask(begin: &Begin<'_>) -> Ask {
    let over = |evaluation| Ask::Over(Box::new(evaluation));
    let timeframe = match time::of_event(begin.data, begin.now) {
        Ok(timeframe) => timeframe,
        Err(error) => {
            return over(Evaluation::errored(&Timeframe::default(), error.to_string()));
        }
    };
    let unread = |why: &str| {
        over(Evaluation::errored(&timeframe, format!("error retrieving SLO file: {why}")))
    };
    let slo = match begin.slo {
        Ok("") => None,
        Ok(text) => match Slo::parse(text) {
            Ok(slo) => Some(slo),
            // Keptn 1.4 drops the place; whoever has to mend the file needs it.
            Err(error) => return unread(&error.told(begin.scope)),
        },
        Err(why) => return unread(why),
    };
    let Some(provider) = begin.provider.filter(|name| !name.is_empty()) else {
        return over(Evaluation::no_provider(&timeframe, begin.scope.project.as_str()));
    };
    Ask::Values(question(begin.data, slo.as_ref(), provider, &timeframe))
}

fn question(
    data: &Map<String, Value>,
    slo: Option<&Slo>,
    provider: &str,
    timeframe: &Timeframe,
) -> Map<String, Value> {
    let mut question = answer_to(data);
    let Timeframe { start, end } = timeframe;
    let mut asked = json!({"sliProvider": provider, "start": start, "end": end});
    if let Some(slo) = slo {
        let indicators: Vec<&str> = slo.indicators().collect();
        if !indicators.is_empty() {
            asked["indicators"] = json!(indicators);
        }
        if !slo.filter.is_empty() {
            let filters = slo.filter.iter();
            asked["customFilters"] =
                filters.map(|(key, value)| json!({"key": key, "value": value})).collect();
        }
    }
    question.insert("get-sli".to_owned(), asked);
    question.insert("deployment".to_owned(), Value::from(deployment(data)));
    question
}

/// Keptn 1.4: the first of the names of what was deployed.
fn deployment(data: &Map<String, Value>) -> &str {
    let names = data.get("deployment").and_then(|deployment| deployment.get("deploymentNames"));
    names.and_then(|names| names.get(0)).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, TaskResult};

    const SLO: &str = "\
filter: { handler: ItemsController }
objectives:
  - { sli: latency, pass: [{ criteria: ['<600'] }] }
  - { sli: info_only }
  - { sli: latency }
total_score: { pass: '90%' }
";

    fn data(more: &Value) -> Map<String, Value> {
        let mut data = json!({"project": "p", "stage": "s", "service": "v", "result": "pass",
            "labels": {"build": "17"}, "evaluation": {"timeframe": "5m"}});
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        data.as_object().unwrap().clone()
    }

    fn asked(more: &Value, slo: Result<&str, &str>, provider: Option<&str>) -> Ask {
        let data = data(more);
        let scope = Scope::of(&data).unwrap();
        let now = "2026-01-31T10:05:00Z".parse().unwrap();
        ask(&Begin { scope: &scope, data: &data, slo, provider, now })
    }

    fn evaluation(ask: Ask) -> Evaluation {
        match ask {
            Ask::Over(evaluation) => *evaluation,
            Ask::Values(data) => panic!("asked for {data:?}"),
        }
    }

    #[test]
    fn every_indicator_is_asked_for_in_the_order_of_the_file() {
        let more = json!({"deployment": {"deploymentNames": ["canary", "primary"]}});
        let Ask::Values(question) = asked(&more, Ok(SLO), Some("prometheus")) else {
            panic!("nothing is asked")
        };
        assert_eq!(
            Value::Object(question),
            json!({"project": "p", "stage": "s", "service": "v", "labels": {"build": "17"},
                "deployment": "canary",
                "get-sli": {"sliProvider": "prometheus",
                    "start": "2026-01-31T10:00:00.000Z", "end": "2026-01-31T10:05:00.000Z",
                    "indicators": ["latency", "info_only", "latency"],
                    "customFilters": [{"key": "handler", "value": "ItemsController"}]}})
        );
    }

    #[test]
    fn without_a_file_the_provider_is_asked_for_nothing() {
        let Ask::Values(question) = asked(&json!({}), Ok(""), Some("prometheus")) else {
            panic!("nothing is asked")
        };
        assert_eq!(question["get-sli"].as_object().unwrap().len(), 3, "no indicators, no filters");
        assert_eq!(question["deployment"], "");
    }

    #[test]
    fn without_a_provider_it_passes_with_score_0() {
        for provider in [None, Some("")] {
            let evaluation = evaluation(asked(&json!({}), Ok(SLO), provider));
            assert_eq!((evaluation.outcome, evaluation.details.score), (Outcome::PASS, 0.0));
            assert_eq!(
                evaluation.message,
                "no evaluation performed by lighthouse because no SLI-provider configured for \
                 project p"
            );
        }
    }

    #[test]
    fn a_file_that_is_null_is_said_to_be_once_and_where() {
        for (slo, place) in [("~", "1:1"), ("# x\n# y\n--- # z\n~", "4:1"), ("\n--- null\n", "2:5")]
        {
            let message = evaluation(asked(&json!({}), Ok(slo), None)).message;
            assert_eq!(
                message,
                format!(
                    "error retrieving SLO file: Could not parse SLO file for service v in stage s in project p \
                     (slo.yaml:{place}: the file is null; write objectives and a total_score)"
                )
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_errored_evaluation_and_the_time_comes_first() {
        let broken = "objectives: 5";
        for (more, slo, message) in [
            (
                json!({"evaluation": {}}),
                Ok(broken),
                "evaluation.triggered event does not contain evaluation timeframe",
            ),
            (json!({}), Err("no such branch"), "error retrieving SLO file: no such branch"),
            (
                json!({}),
                Ok(broken),
                "error retrieving SLO file: Could not parse SLO file for service v in stage s in \
                 project p (slo.yaml:1:13",
            ),
        ] {
            let evaluation = evaluation(asked(&more, slo, None));
            assert!(evaluation.message.starts_with(message), "{}", evaluation.message);
            assert_eq!(evaluation.outcome, Outcome::ERROR);
            assert_eq!(evaluation.details.result, TaskResult::Fail);
        }
    }
}
