//! The data of a `get-sli.triggered` event: which values a quality gate wants of which provider.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::event::{Scope, answer_to, labels};
use crate::excerpt::excerpt;

/// Most indicators of one question: each is a query.
pub const INDICATORS_MAX: usize = 1_000;
/// Most filters of one question.
pub const FILTERS_MAX: usize = 100;

/// A question to an SLI provider, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct GetSli {
    /// Whose values.
    pub scope: Scope,
    /// The labels of the delivery.
    pub labels: BTreeMap<String, String>,
    /// The provider that is asked, such as `prometheus`. Others stay silent.
    pub provider: String,
    /// From when, as the gate wrote it.
    pub start: String,
    /// Until when.
    pub end: String,
    /// The indicators, in the order of the objectives; one may be there twice.
    pub indicators: Vec<String>,
    /// The filter of `slo.yaml`.
    pub filters: Vec<Filter>,
    /// `data.deployment`, such as `primary` or `canary`; empty where nobody said.
    pub deployment: String,
    /// What every answer begins with.
    pub(super) common: Map<String, Value>,
}

/// An entry of the filter of `slo.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its key; never empty.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Why the data are no question: which field, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read get-sli.triggered: {0}")]
pub struct GetSliError(String);

impl GetSli {
    /// Reads the data of a `get-sli.triggered` event. Null is as good as absent.
    ///
    /// # Errors
    /// The first field that is missing, of another kind, or over a limit.
    pub fn of(data: &Map<String, Value>) -> Result<Self, GetSliError> {
        let scope = Scope::of(data).map_err(GetSliError)?;
        let asked = match data.get("get-sli") {
            Some(Value::Object(asked)) => asked,
            None | Some(Value::Null) => return Err(GetSliError("data.get-sli is missing".into())),
            Some(_) => return Err(must("data.get-sli", "an object")),
        };
        let field = |key: &str| text(asked.get(key), &format!("data.get-sli.{key}"));
        Ok(Self {
            scope,
            labels: labels(data),
            provider: field("sliProvider")?,
            start: field("start")?,
            end: field("end")?,
            indicators: list(asked, "indicators", INDICATORS_MAX, |item, path| {
                text(Some(item), path)
            })?,
            filters: list(asked, "customFilters", FILTERS_MAX, filter)?,
            deployment: text(data.get("deployment"), "data.deployment")?,
            common: answer_to(data),
        })
    }

    /// The deployment that is measured. Keptn 1.4: the label `deployment` where there is one, else
    /// [`Self::deployment`], else `primary`.
    #[must_use]
    pub fn measured_deployment(&self) -> &str {
        match self.labels.get("deployment") {
            Some(label) => label,
            None if self.deployment.is_empty() => "primary",
            None => &self.deployment,
        }
    }
}

fn must(path: &str, be: &str) -> GetSliError {
    GetSliError(format!("{path} must be {be}"))
}

fn text(value: Option<&Value>, path: &str) -> Result<String, GetSliError> {
    match value {
        Some(Value::String(text)) => Ok(text.clone()),
        None | Some(Value::Null) => Ok(String::new()),
        Some(_) => Err(must(path, "a text")),
    }
}

fn list<T>(
    asked: &Map<String, Value>,
    key: &str,
    max: usize,
    read: impl Fn(&Value, &str) -> Result<T, GetSliError>,
) -> Result<Vec<T>, GetSliError> {
    let path = format!("data.get-sli.{key}");
    match asked.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() > max => {
            Err(GetSliError(format!("{path} has more than {max} entries")))
        }
        Some(Value::Array(items)) => {
            let places = items.iter().enumerate();
            places.map(|(at, item)| read(item, &format!("{path}[{at}]"))).collect()
        }
        Some(_) => Err(must(&path, "a list")),
    }
}

fn filter(item: &Value, path: &str) -> Result<Filter, GetSliError> {
    let Value::Object(fields) = item else {
        return Err(must(path, "an object with key and value"));
    };
    let key = text(fields.get("key"), &format!("{path}.key"))?;
    let value = text(fields.get("value"), &format!("{path}.value"))?;
    if key.is_empty() {
        // Its placeholder would be every `$` of a query.
        let value = excerpt(&value, 100);
        return Err(GetSliError(format!("{path} has no key; its value is {value:?}")));
    }
    Ok(Filter { key, value })
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A question with these fields beside the usual ones, in `data` and in `data.get-sli`.
    pub(in crate::sli) fn asked(data: Value, get_sli: Value) -> Map<String, Value> {
        let (Value::Object(data), Value::Object(get_sli)) = (data, get_sli) else {
            panic!("both are objects")
        };
        let mut all = json!({"project": "shop", "stage": "qa", "service": "carts",
            "get-sli": {"sliProvider": "prometheus", "start": "2022-01-31T10:00:00.000Z",
                "end": "2022-01-31T10:05:00.000Z"}});
        all["get-sli"].as_object_mut().unwrap().extend(get_sli);
        all.as_object_mut().unwrap().extend(data);
        all.as_object().unwrap().clone()
    }

    fn refused(data: Value, get_sli: Value) -> String {
        GetSli::of(&asked(data, get_sli)).unwrap_err().to_string()
    }

    #[test]
    fn every_field_is_read() {
        let data = asked(
            json!({"labels": {"build": "7"}, "deployment": "canary", "result": "fail"}),
            json!({"indicators": ["a", "b", "a"],
                "customFilters": [{"key": "handler", "value": "x"}, {"key": "y", "value": null}]}),
        );
        let question = GetSli::of(&data).unwrap();
        assert_eq!(question.scope.service, "carts");
        assert_eq!(question.labels["build"], "7");
        assert_eq!(question.provider, "prometheus");
        assert_eq!(question.start, "2022-01-31T10:00:00.000Z");
        assert_eq!(question.end, "2022-01-31T10:05:00.000Z");
        assert_eq!(question.indicators, ["a", "b", "a"]);
        let filter =
            |key: &str, value: &str| Filter { key: key.to_owned(), value: value.to_owned() };
        assert_eq!(question.filters, [filter("handler", "x"), filter("y", "")]);
        assert_eq!(question.deployment, "canary");
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        let nulls = json!({"indicators": null, "customFilters": null, "start": null});
        let question = GetSli::of(&asked(json!({"deployment": null}), nulls)).unwrap();
        assert!(question.indicators.is_empty() && question.filters.is_empty());
        assert_eq!((question.start.as_str(), question.deployment.as_str()), ("", ""));
    }

    #[test]
    fn the_label_names_the_deployment_before_the_data_do() {
        let deployment = |data: Value| {
            GetSli::of(&asked(data, json!({}))).unwrap().measured_deployment().to_owned()
        };
        let both = json!({"labels": {"deployment": "direct"}, "deployment": "canary"});
        assert_eq!(deployment(both), "direct");
        assert_eq!(deployment(json!({"labels": {"a": "b"}, "deployment": "canary"})), "canary");
        assert_eq!(deployment(json!({"deployment": ""})), "primary");
        // Keptn 1.4: a label that is there counts, also an empty one.
        assert_eq!(deployment(json!({"labels": {"deployment": ""}, "deployment": "canary"})), "");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (data, get_sli, says) in [
            (json!({"stage": ""}), json!({}), "data.stage is missing or empty"),
            (json!({"get-sli": null}), json!({}), "data.get-sli is missing"),
            (json!({"get-sli": []}), json!({}), "data.get-sli must be an object"),
            (json!({"deployment": 1}), json!({}), "data.deployment must be a text"),
            (json!({}), json!({"start": 1}), "data.get-sli.start must be a text"),
            (json!({}), json!({"indicators": "a"}), "data.get-sli.indicators must be a list"),
            (json!({}), json!({"indicators": ["a", 1]}), "data.get-sli.indicators[1] must be"),
            (json!({}), json!({"customFilters": ["a"]}), "data.get-sli.customFilters[0] must be"),
            (json!({}), json!({"customFilters": [{"key": [], "value": ""}]}), "[0].key must be"),
            (json!({}), json!({"customFilters": [{"value": "v"}]}), "[0] has no key; its value is"),
            (json!({}), json!({"indicators": vec!["a"; 1001]}), "has more than 1000 entries"),
            (
                json!({}),
                json!({"customFilters": vec![json!({"key": "k"}); 101]}),
                "data.get-sli.customFilters has more than 100 entries",
            ),
        ] {
            let error = refused(data, get_sli);
            assert!(error.contains(says), "{error}");
            assert!(error.starts_with("cannot read get-sli.triggered: "), "{error}");
        }
    }
}
