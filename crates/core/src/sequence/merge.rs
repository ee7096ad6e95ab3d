//! Keptn 1.4's merge of event data, oddities included: clients rely on them.

use serde_json::{Map, Value};

/// Merges `new` into `old`. Mappings merge key by key; a text is replaced, by an empty one where
/// `new` is null; lists are joined, the new items first; a number or a boolean stays what it was
/// first; any other change of kind takes the new value.
pub(super) fn merge(old: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (key, value) in new {
        match old.get_mut(key) {
            Some(slot) => merge_value(slot, value),
            None => {
                old.insert(key.clone(), value.clone());
            }
        }
    }
}

fn merge_value(old: &mut Value, new: &Value) {
    match (&mut *old, new) {
        (Value::Object(old), Value::Object(new)) => merge(old, new),
        (Value::Array(old), Value::Array(new)) => {
            let mut joined = new.clone();
            joined.append(old);
            *old = joined;
        }
        (Value::Number(_) | Value::Bool(_), _)
        | (Value::Object(_) | Value::Array(_), Value::Null) => {}
        (Value::String(old), Value::Null) => old.clear(),
        _ => *old = new.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_merges_by_its_own_rule() {
        for (old, new, merged) in [
            (
                json!({"a": {"x": "1"}}),
                json!({"a": {"y": "2"}}),
                json!({"a": {"x": "1", "y": "2"}}),
            ),
            (json!({"a": "old"}), json!({"a": "new"}), json!({"a": "new"})),
            (json!({"a": [1]}), json!({"a": [2, 3]}), json!({"a": [2, 3, 1]})),
            (json!({"a": 1}), json!({"a": 2}), json!({"a": 1})),
            (json!({"a": true}), json!({"a": false}), json!({"a": true})),
            (json!({"a": 1}), json!({"a": "x"}), json!({"a": 1})),
            (json!({"a": "x"}), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": null}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"a": "x"}), json!({"a": null}), json!({"a": ""})),
            (json!({"a": [1]}), json!({"a": null}), json!({"a": [1]})),
            (json!({"a": {"x": 1}}), json!({"a": [2]}), json!({"a": [2]})),
            (json!({}), json!({"a": null}), json!({"a": null})),
        ] {
            let mut result = old.as_object().unwrap().clone();
            merge(&mut result, new.as_object().unwrap());
            assert_eq!(Value::Object(result), merged, "{old} + {new}");
        }
    }
}
