//! Values as texts, as Keptn's job executor (in Go) writes them.

use serde_json::{Number, Value};

use crate::go::{float_text, whole};

/// Without `as`: a mapping as JSON, anything else in Go's default form.
pub(super) fn plain(value: &Value) -> String {
    if value.is_object() { json(value) } else { go(value) }
}

/// Go's `%v`.
fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => go_number(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k}:{}", go(v))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// Every number of JSON is a float in Go.
fn go_number(number: &Number) -> String {
    number.as_f64().map_or_else(|| number.to_string(), float_text)
}

/// `as: json`, in one line. A float without a fraction is written as Go does: as an integer.
pub(super) fn json(value: &Value) -> String {
    whole_numbers(value.clone()).to_string()
}

fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().and_then(whole).map_or(Value::Number(number), Value::from)
        }
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, whole_numbers(value))).collect()
        }
        other => other,
    }
}

/// `as: yaml`, with a newline at the end.
pub(super) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    yaml_block(value, 0, &mut out);
    out
}

/// A value from the start of a line, or after the `- ` of a list.
fn yaml_block(value: &Value, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                // The first item of a list in a list stands on the line of its parent.
                if at > 0 {
                    out.push_str(&pad);
                }
                out.push_str("- ");
                yaml_block(item, indent + 1, out);
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (key, field)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push_str(&pad);
                }
                out.push_str(&yaml_text(key));
                out.push(':');
                yaml_field(field, indent, out);
            }
        }
        Value::Array(_) => out.push_str("[]\n"),
        Value::Object(_) => out.push_str("{}\n"),
        Value::String(text) => {
            out.push_str(&yaml_text(text));
            out.push('\n');
        }
        Value::Null => out.push_str("null\n"),
        Value::Bool(_) | Value::Number(_) => {
            out.push_str(&go(value));
            out.push('\n');
        }
    }
}

/// A value after `key:`. Lists below a key are not indented further.
fn yaml_field(value: &Value, indent: usize, out: &mut String) {
    let below = match value {
        Value::Array(items) if !items.is_empty() => indent,
        Value::Object(fields) if !fields.is_empty() => indent + 1,
        _ => {
            out.push(' ');
            return yaml_block(value, indent, out);
        }
    };
    out.push('\n');
    out.push_str(&"  ".repeat(below));
    yaml_block(value, below, out);
}

/// A text that reads back as the same text: bare where that is beyond doubt, else quoted.
fn yaml_text(text: &str) -> String {
    const WORDS: [&str; 11] =
        ["", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];
    let bare = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let clear = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '_'))
        && text.chars().all(bare)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if clear { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_go_does() {
        for (value, expected) in [
            (json!(2), "2"),
            (json!(2.0), "2"),
            (json!(0.5), "0.5"),
            (json!(-17), "-17"),
            (json!(100_000), "100000"),
            (json!(1_000_000), "1e+06"),
            (json!(123_456_789), "1.23456789e+08"),
            (json!(0.0001), "0.0001"),
            (json!(0.000_01), "1e-05"),
            (json!(1e30), "1e+30"),
            (json!(true), "true"),
            (json!("a b"), "a b"),
            (json!(["a", "b"]), "[a b]"),
            (json!([["a"], null, {"b": 1, "a": 2}]), "[[a] <nil> map[a:2 b:1]]"),
            (json!([]), "[]"),
            (json!({"k": 1}), r#"{"k":1}"#),
            (json!({"k": [1.0, 1.5]}), r#"{"k":[1,1.5]}"#),
            (json!(null), "<nil>"),
        ] {
            assert_eq!(plain(&value), expected);
        }
    }

    #[test]
    fn json_is_one_line() {
        assert_eq!(json(&json!(["a", "b"])), r#"["a","b"]"#);
        assert_eq!(json(&json!("p")), r#""p""#);
        assert_eq!(json(&json!(1_000_000)), "1000000");
    }

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        assert_eq!(yaml(&json!({"k": 1})), "k: 1\n");
        assert_eq!(yaml(&json!({"a": [1, {"b": "c", "d": []}]})), "a:\n- 1\n- b: c\n  d: []\n");
        for value in [
            json!({"a": {"b": {"c": ["x", ["y", "z"], {}]}}, "d": null}),
            json!([[1, 2], [{"a": true, "b": [3]}]]),
            json!(["yes", "no", "1", "1e3", "", " x", "x ", "a: b", "- c", "#", "~", "null"]),
            json!({"true": "two\nlines", "quote\"": "tab\t", "ü": "😀"}),
            json!("plain"),
            json!(1.5),
        ] {
            let text = yaml(&value);
            let back = crate::yaml::parse(&text).unwrap().to_json();
            assert_eq!(back, value, "{text}");
        }
    }
}
