//! What was measured, in any of the forms that people have it in.

use serde_json::{Map, Value, json};
use tidegate_core::quality::SliAnswer;

/// What a file of results says.
#[derive(Debug)]
pub(crate) struct Results {
    /// What the provider answered.
    pub(crate) answer: SliAnswer,
    /// The data of the event that it stands in: project, stage, service and labels, where there is one.
    pub(crate) data: Map<String, Value>,
}

const FORMS: &str = "write [{\"metric\": \"error_rate\", \"value\": 0.1, \"success\": true}], \
                     {\"error_rate\": 0.1}, or a get-sli.finished event";

/// Reads results: a list as Keptn's `indicatorValues`; an object that holds one as `sliResults` or
/// `indicatorValues`; a `get-sli.finished` event or its data; or numbers by their names, all of them measured.
///
/// # Errors
/// A sentence that says what cannot be read.
pub(crate) fn read(value: Value) -> Result<Results, String> {
    let data = data(value)?;
    let answer = SliAnswer::of(&data).map_err(|error| {
        let place = error.strip_prefix("data.get-sli cannot be read: ").unwrap_or(&error);
        format!("a result cannot be read: {place}; {FORMS}")
    })?;
    Ok(Results { answer, data })
}

/// The same as the data of a `get-sli.finished` event.
fn data(value: Value) -> Result<Map<String, Value>, String> {
    let mut fields = match value {
        Value::Array(values) => return Ok(answered(&values.into(), &Value::Null)),
        Value::Object(fields) => fields,
        _ => return Err(format!("this holds no results; {FORMS}")),
    };
    if let Some(Value::Object(data)) = fields.get("data") {
        fields = data.clone();
    }
    if fields.get("get-sli").is_some_and(Value::is_object) {
        return Ok(fields);
    }
    if let Some(values @ Value::Array(_)) = fields.get("sliResults") {
        let how = fields.get("getSli").unwrap_or(&Value::Null);
        return Ok(answered(values, how));
    }
    if let Some(values @ Value::Array(_)) = fields.get("indicatorValues") {
        return Ok(answered(values, &Value::Null));
    }
    if !fields.is_empty() && fields.values().all(Value::is_number) {
        return Ok(answered(&fields.iter().map(measured).collect(), &Value::Null));
    }
    Err(format!("this holds no results; {FORMS}"))
}

fn measured((metric, value): (&String, &Value)) -> Value {
    json!({"metric": metric, "value": value, "success": true})
}

/// `how`: status, result and message, where the provider said them.
fn answered(values: &Value, how: &Value) -> Map<String, Value> {
    let mut data = Map::new();
    for key in ["status", "result", "message"] {
        if let Some(text) = how.get(key) {
            data.insert(key.to_owned(), text.clone());
        }
    }
    data.insert("get-sli".to_owned(), json!({"indicatorValues": values}));
    data
}
