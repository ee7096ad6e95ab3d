//! The line that tries an operation.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::schema::Schemas;

/// What a part of a URL may hold as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The command, with the examples of the document. The endpoint and the token come from the variables that
/// the command line knows, too.
pub(super) fn line(
    schemas: Schemas<'_>,
    method: &str,
    path: &str,
    operation: &Value,
    is_open: bool,
) -> String {
    let mut path = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = example(schemas, parameter);
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), &encoded(&value)),
            Some("query") if parameter["required"] == true => {
                query.push(format!("{name}={}", encoded(&value)));
            }
            _ => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut words = vec!["curl -sS".to_owned()];
    if method != "get" {
        words.push(format!("-X {}", method.to_uppercase()));
    }
    if !is_open {
        words.push("-H \"x-token: $TIDEGATE_API_TOKEN\"".to_owned());
    }
    let content = operation["requestBody"]["content"].as_object();
    if let Some((kind, content)) = content.and_then(|content| content.iter().next()) {
        words.push(format!("-H 'content-type: {kind}'"));
        match kind.as_str() {
            "application/json" => {
                let body = schemas.example(&content["schema"]).to_string();
                words.push(format!("-d {}", quoted(&body)));
            }
            _ => words.push("--data-binary @request".to_owned()),
        }
    }
    words.push(format!("\"$TIDEGATE_ENDPOINT{path}{query}\""));
    words.join(" \\\n  ")
}

/// An example of a parameter, as text.
fn example(schemas: Schemas<'_>, parameter: &Value) -> String {
    let own = parameter.get("example").cloned();
    match own.unwrap_or_else(|| schemas.example(&parameter["schema"])) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_are_put_where_a_url_and_a_shell_take_them() {
        let operation = json!({
            "parameters": [
                {"name": "name", "in": "path", "required": true, "example": "job/config.yaml"},
                {"name": "filter", "in": "query", "required": true, "example": "a:b AND c:d"},
                {"name": "limit", "in": "query", "example": 5}
            ],
            "requestBody": {"content": {"application/json": {"schema": {"examples": [{"a": "it's"}]}}}}
        });
        let document = json!({});
        let line = line(Schemas(&document), "put", "/x/{name}", &operation, false);
        assert_eq!(
            line,
            "curl -sS \\\n  -X PUT \\\n  -H \"x-token: $TIDEGATE_API_TOKEN\" \\\n  \
             -H 'content-type: application/json' \\\n  -d '{\"a\":\"it'\\''s\"}' \\\n  \
             \"$TIDEGATE_ENDPOINT/x/job%2Fconfig.yaml?filter=a%3Ab%20AND%20c%3Ad\""
        );
    }
}
