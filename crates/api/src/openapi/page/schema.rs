//! Schemas, in words: what a value is called, which fields it has, and what one looks like.

use serde_json::{Map, Value};

/// How deep an example goes. No schema of ours holds itself.
const DEPTH_MAX: usize = 12;

/// What a value is: words, and the schema that they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kind {
    /// Before the name of the schema.
    pub(super) before: String,
    /// The name of a schema, which is explained elsewhere on the page.
    pub(super) schema: Option<String>,
    /// Behind it.
    pub(super) after: String,
}

/// Plain text and what is set apart from it, in turns.
pub(super) type Prose = Vec<(String, String)>;

/// A text, with what stands between backquotes set apart.
pub(super) fn prose(text: &str) -> Prose {
    let mut pieces = text.split('`').map(str::to_owned);
    let mut prose = Prose::new();
    while let Some(plain) = pieces.next() {
        prose.push((plain, pieces.next().unwrap_or_default()));
    }
    prose
}

/// A field of an object, or a parameter.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) description: Prose,
    /// What else a value has to be.
    pub(super) rules: String,
}

/// The document, to find schemas in.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'a>(pub(super) &'a Value);

impl<'a> Schemas<'a> {
    /// The schema that another one points to, or itself.
    pub(super) fn resolve(self, schema: &'a Value) -> &'a Value {
        match named(schema) {
            Some(name) => &self.0["components"]["schemas"][name],
            None => schema,
        }
    }

    /// What a value of this schema is.
    pub(super) fn kind(self, schema: &Value) -> Kind {
        if let Some(name) = named(schema) {
            return Kind { schema: Some(name.to_owned()), ..Kind::default() };
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let is_null = |choice: &&Value| choice["type"] == "null";
            let is_nullable = choices.iter().any(|choice| is_null(&choice));
            let kind = choices.iter().find(|choice| !is_null(choice));
            let mut kind = kind.map(|choice| self.kind(choice)).unwrap_or_default();
            if is_nullable {
                kind.after.push_str(" or null");
            }
            return kind;
        }
        if schema["type"] == "array" {
            let mut items = self.kind(&schema["items"]);
            items.before.insert_str(0, "list of ");
            return items;
        }
        if schema["type"] == "object" && schema["additionalProperties"].is_object() {
            let mut values = self.kind(&schema["additionalProperties"]);
            values.before.insert_str(0, "map of ");
            return values;
        }
        Kind { before: words(schema), ..Kind::default() }
    }

    /// The fields of an object, those of what it is composed of first.
    pub(super) fn fields(self, schema: &'a Value) -> Vec<Field> {
        let schema = self.resolve(schema);
        let mut fields: Vec<Field> = Vec::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            fields.extend(self.fields(part));
        }
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for (name, property) in properties {
            let required = schema["required"].as_array().into_iter().flatten();
            fields.push(Field {
                name: name.clone(),
                kind: self.kind(property),
                is_required: required.into_iter().any(|known| known == name),
                description: prose(&self.description(property)),
                rules: rules(self.resolve(property)),
            });
        }
        fields
    }

    /// What is said of a value, by its place or by its schema.
    pub(super) fn description(self, schema: &'a Value) -> String {
        let said = |schema: &Value| schema["description"].as_str().map(str::to_owned);
        said(schema).or_else(|| said(self.resolve(schema))).unwrap_or_default()
    }

    /// What a value looks like.
    pub(super) fn example(self, schema: &Value) -> Value {
        self.example_within(schema, DEPTH_MAX)
    }

    fn example_within(self, schema: &Value, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        if let Some(example) = schema["examples"].get(0).or_else(|| schema.get("example")) {
            return example.clone();
        }
        if let Some(name) = named(schema) {
            return self.example_within(&self.0["components"]["schemas"][name], depth - 1);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let choice = choices.iter().find(|choice| choice["type"] != "null");
            return choice.map_or(Value::Null, |choice| self.example_within(choice, depth - 1));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().map(|part| self.example_within(part, depth - 1));
            let fields = parts.filter_map(|part| match part {
                Value::Object(fields) => Some(fields),
                _ => None,
            });
            return Value::Object(fields.flatten().collect());
        }
        match first_type(schema) {
            "object" => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                let fields = properties
                    .map(|(name, field)| (name.clone(), self.example_within(field, depth - 1)));
                Value::Object(fields.collect())
            }
            "array" => Value::Array(vec![self.example_within(&schema["items"], depth - 1)]),
            "string" => Value::from(""),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(Value::from(0)),
            "boolean" => Value::from(false),
            _ => Value::Null,
        }
    }
}

/// The name that a reference gives.
pub(super) fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// The type of a value; the first that is not null, where there are several.
fn first_type(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(only) => only,
        Value::Array(several) => {
            let mut several = several.iter().filter_map(Value::as_str);
            several.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema["properties"].is_object() => "object",
        _ => "",
    }
}

/// The words for a value that has no name.
fn words(schema: &Value) -> String {
    let word = match (first_type(schema), schema["format"].as_str()) {
        ("string", Some("date-time")) => "time",
        ("string", Some("uuid")) => "UUID",
        ("string", _) => "text",
        ("integer", _) => "whole number",
        ("boolean", _) => "true or false",
        ("", _) => "any value",
        (other, _) => other,
    };
    let is_nullable =
        schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
    let tail = if is_nullable { " or null" } else { "" };
    format!("{word}{tail}")
}

/// What a value has to be beside its type.
pub(super) fn rules(schema: &Value) -> String {
    let mut rules = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        rules.push(format!("one of {}", words.join(", ")));
    }
    for (key, before) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "at least characters:"),
        ("maxLength", "at most characters:"),
        ("maxItems", "at most items:"),
        ("maxProperties", "at most entries:"),
        ("default", "default"),
    ] {
        if let Some(value) = schema.get(key).filter(|value| **value != 0) {
            rules.push(format!("{before} {value}"));
        }
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        rules.push(format!("matches {pattern}"));
    }
    rules.join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_between_backquotes_is_set_apart() {
        let pair = |plain: &str, code: &str| (plain.to_owned(), code.to_owned());
        assert_eq!(prose("all of it"), [pair("all of it", "")]);
        assert_eq!(prose("`a` or `b`."), [pair("", "a"), pair(" or ", "b"), pair(".", "")]);
    }

    #[test]
    fn a_value_is_told_in_words_that_lead_to_its_schema() {
        let document = json!({});
        let kind = |schema| {
            let Kind { before, schema, after } = Schemas(&document).kind(&schema);
            format!("{before}{}{after}", schema.map(|name| format!("[{name}]")).unwrap_or_default())
        };
        let named = json!({"$ref": "#/components/schemas/Stage"});
        assert_eq!(kind(named.clone()), "[Stage]");
        assert_eq!(kind(json!({"type": "array", "items": named})), "list of [Stage]");
        assert_eq!(kind(json!({"oneOf": [named, {"type": "null"}]})), "[Stage] or null");
        assert_eq!(kind(json!({"type": ["string", "null"]})), "text or null");
        assert_eq!(kind(json!({"type": "string", "format": "uuid"})), "UUID");
        assert_eq!(kind(json!({})), "any value");
    }

    #[test]
    fn an_example_is_made_of_those_of_its_parts() {
        let document = json!({"components": {"schemas": {
            "Page": {"type": "object", "properties": {"next": {"type": "string", "examples": ["0"]}}},
            "Stage": {"type": "object", "properties": {"name": {"type": "string", "examples": ["qa"]},
                "open": {"type": "boolean"}, "count": {"type": "integer", "minimum": 1}}}
        }}});
        let schema = json!({"allOf": [
            {"$ref": "#/components/schemas/Page"},
            {"type": "object", "properties": {
                "stages": {"type": "array", "items": {"$ref": "#/components/schemas/Stage"}}}}
        ]});
        assert_eq!(
            Schemas(&document).example(&schema),
            json!({"next": "0", "stages": [{"name": "qa", "open": false, "count": 1}]})
        );
        let names: Vec<String> =
            Schemas(&document).fields(&schema).into_iter().map(|field| field.name).collect();
        assert_eq!(names, ["next", "stages"]);
    }
}
