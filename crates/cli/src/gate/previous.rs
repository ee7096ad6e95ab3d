//! Earlier evaluations, in any of the forms that people have them in.

use serde_json::{Map, Value};
use tidegate_core::quality::{Past, vectors};

const FORMS: &str = "write [{\"id\": \"1\", \"result\": \"pass\", \"indicatorResults\": [{\"metric\": \
                     \"error_rate\", \"value\": 0.1, \"success\": true}]}], or evaluation.finished events";

/// Reads earlier evaluations, newest first: a list, or an object that holds one as `previous` or `events`, of
/// evaluations in the form of the vectors, of `evaluation.finished` events, or of what `tidegate gate evaluate
/// --output json` prints; or one of these alone.
///
/// # Errors
/// A sentence that says which of them cannot be read, counted from 1.
pub(crate) fn read(value: Value) -> Result<Vec<Past>, String> {
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut fields) => {
            let listed = ["previous", "events"].iter().find_map(|key| fields.remove(*key));
            match listed {
                Some(Value::Array(items)) => items,
                Some(_) => return Err(format!("these are no evaluations; {FORMS}")),
                None => vec![Value::Object(fields)],
            }
        }
        _ => return Err(format!("these are no evaluations; {FORMS}")),
    };
    let read = |(number, item): (usize, &Value)| {
        one(item, number).map_err(|why| format!("evaluation {number}: {why}; {FORMS}"))
    };
    (1..).zip(&items).map(read).collect()
}

/// `number`: what it is called by where it has no id.
fn one(item: &Value, number: usize) -> Result<Past, String> {
    let fields = item.as_object().ok_or("it is no object")?;
    let id = fields.get("id").and_then(Value::as_str);
    let id = id.map_or_else(|| number.to_string(), str::to_owned);
    let invalidated = fields.get("invalidated").and_then(Value::as_bool).unwrap_or_default();
    match fields.get("data") {
        Some(Value::Object(data)) => of_event(&id, data, invalidated),
        Some(_) => Err("data is no object".to_owned()),
        None if fields.contains_key("evaluation") => of_event(&id, fields, invalidated),
        None => vectors::previous(item).map_err(|error| error.to_string()),
    }
}

fn of_event(id: &str, data: &Map<String, Value>, invalidated: bool) -> Result<Past, String> {
    if !data.contains_key("evaluation") {
        return Err("data.evaluation is missing".to_owned());
    }
    Past::of(id, data, invalidated)
}
