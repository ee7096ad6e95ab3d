//! A server that knows nothing but the document: it refuses what is not in there, and answers with what is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::{Client, Token};

/// What the client reads of an answer: the schema of the type that it is read into.
pub(super) struct Reads {
    pub(super) schema: Value,
    pub(super) named: BTreeMap<String, Value>,
}

impl Reads {
    /// What is called `field` in the type is called `name` in the answer.
    pub(super) fn called(self, field: &str, name: &str) -> Self {
        let rename = |schema: Value| {
            let text =
                schema.to_string().replace(&format!("\"{field}\":"), &format!("\"{name}\":"));
            serde_json::from_str(&text).expect("a key was replaced by a key")
        };
        let named = self.named.into_iter().map(|(name, schema)| (name, rename(schema))).collect();
        Self { schema: rename(self.schema), named }
    }
}

/// The document, as the server gives it.
pub(super) fn document() -> Value {
    serde_json::from_str(&tidegate_api::document("0.0.0")).unwrap()
}

#[derive(Default)]
struct Seen {
    problems: Vec<String>,
    /// The schemas of what was answered.
    answers: Vec<Value>,
}

struct Shared {
    document: Value,
    seen: Mutex<Seen>,
}

/// The server.
pub(super) struct Documented {
    shared: Arc<Shared>,
    client: Client,
}

impl Documented {
    pub(super) async fn start() -> Self {
        crate::init();
        let shared = Arc::new(Shared { document: document(), seen: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Client::new(endpoint, Token::new("t0ken").unwrap()).unwrap();
        Self { shared, client }
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// What was wrong with the requests since the last time, and what was read that no answer has.
    pub(super) fn problems(&self, reads: &Reads) -> Vec<String> {
        let Seen { mut problems, answers } = std::mem::take(&mut *self.shared.seen.lock().unwrap());
        let Some(schema) = answers.first() else {
            problems.push("no request came, or none that the document knows".to_owned());
            return problems;
        };
        let missing = missing(&self.shared.document, schema, reads);
        problems.extend(missing.iter().map(|field| format!("reads {field}, which no answer has")));
        problems
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let method = parts.method.as_str().to_ascii_lowercase();
    let path = parts.uri.path().to_owned();
    let mut seen = shared.seen.lock().unwrap();
    let Some(operation) = operation(&shared.document, &method, &path) else {
        seen.problems.push(format!("{method} {path} is not in the document"));
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    };
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).unwrap().0;
    let parameter = |place: &str, name: &str| {
        let mut known = operation["parameters"].as_array().into_iter().flatten();
        known.any(|known| known["in"] == place && known["name"].as_str() == Some(name))
    };
    for (name, _) in &query {
        if !parameter("query", name) {
            seen.problems.push(format!("{method} {path} knows no parameter {name}"));
        }
    }
    if parts.headers.contains_key("idempotency-key") && !parameter("header", "Idempotency-Key") {
        seen.problems.push(format!("{method} {path} takes no Idempotency-Key"));
    }
    if !parts.headers.contains_key("x-token") {
        seen.problems.push(format!("{method} {path} came without a token"));
    }
    if !body.is_empty() {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let sent: Value = serde_json::from_slice(&body).unwrap();
        seen.problems.extend(unlike(&shared.document, schema, &sent));
    }
    // The first answer holds all that an answer can hold, the others what they must, or lists would not end.
    let is_first = seen.answers.is_empty();
    let (status, content) = good(operation);
    let schema = content["application/json"]["schema"].clone();
    let body = match schema.is_null() {
        true => String::new(),
        false => example(&shared.document, &schema, is_first).to_string(),
    };
    seen.answers.push(schema);
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

/// What the document says of a request; pieces that are there word for word come before variable ones.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let pieces: Vec<&str> = path.split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        let mut pairs = known.iter().zip(&pieces);
        known.len() == pieces.len() && pairs.all(|(a, b)| a == b || a.starts_with('{'))
    };
    let paths = document["paths"].as_object()?.iter().filter(|(path, _)| fits(path));
    let (_, item) = paths.min_by_key(|(path, _)| path.matches('{').count())?;
    item.get(method)
}

/// The good answer of an operation.
fn good(operation: &Value) -> (u16, &Value) {
    let mut answers = operation["responses"].as_object().unwrap().iter();
    let (status, answer) = answers.find(|(status, _)| status.starts_with('2')).unwrap();
    (status.parse().unwrap(), &answer["content"])
}

/// What is wrong with what was sent: it breaks the schema, or says something that the schema does not know.
fn unlike(document: &Value, schema: &Value, sent: &Value) -> Vec<String> {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    let broken = validator.iter_errors(sent).map(|error| format!("sends {sent}: {error}"));
    let unknown = unknown(document, schema, sent, "");
    broken
        .chain(unknown.into_iter().map(|field| format!("sends {field}, which nobody reads")))
        .collect()
}

fn unknown(document: &Value, schema: &Value, sent: &Value, place: &str) -> Vec<String> {
    match sent {
        Value::Object(fields) => {
            let known = properties(document, schema);
            let mut found = Vec::new();
            for (name, field) in fields {
                let place = format!("{place}{name}");
                match known.get(name) {
                    Some(known) => {
                        found.extend(unknown(document, known, field, &format!("{place}.")));
                    }
                    // What is free to hold anything has no properties.
                    None if known.is_empty() => {}
                    None => found.push(place),
                }
            }
            found
        }
        Value::Array(items) => {
            let schema = &resolved(document, schema)["items"];
            items.iter().flat_map(|item| unknown(document, schema, item, place)).collect()
        }
        _ => Vec::new(),
    }
}

/// The fields that are read and that no answer of this schema has.
pub(super) fn missing(document: &Value, answer: &Value, reads: &Reads) -> Vec<String> {
    let read = json!({"components": {"schemas": reads.named}});
    missing_in(document, answer, &read, &reads.schema, "")
}

fn missing_in(
    document: &Value,
    answer: &Value,
    read: &Value,
    wanted: &Value,
    place: &str,
) -> Vec<String> {
    let (answer, wanted) = (resolved(document, answer), resolved(read, wanted));
    if wanted["type"] == "array" {
        return missing_in(document, &answer["items"], read, &wanted["items"], place);
    }
    let given = properties(document, answer);
    let mut found = Vec::new();
    for (name, field) in properties(read, wanted) {
        match given.get(&name) {
            Some(given) => {
                let place = format!("{place}{name}.");
                found.extend(missing_in(document, given, read, field, &place));
            }
            None => found.push(format!("{place}{name}")),
        }
    }
    found
}

/// The schema that another one points to; of several, the one that is not null.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(path) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        let named = document.pointer(path).unwrap_or_else(|| panic!("{path} is not there"));
        return resolved(document, named);
    }
    match schema["oneOf"].as_array() {
        Some(choices) => {
            let choice = choices.iter().find(|choice| choice["type"] != "null");
            choice.map_or(schema, |choice| resolved(document, choice))
        }
        None => schema,
    }
}

/// The fields of an object, with those of what it is composed of.
fn properties<'a>(document: &'a Value, schema: &'a Value) -> BTreeMap<String, &'a Value> {
    let schema = resolved(document, schema);
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut found: BTreeMap<String, &Value> =
        parts.flat_map(|part| properties(document, part)).collect();
    let own = schema["properties"].as_object().into_iter().flatten();
    found.extend(own.map(|(name, field)| (name.clone(), field)));
    found
}

/// What a value of a schema looks like: with all that it can hold, or with what it must.
fn example(document: &Value, schema: &Value, whole: bool) -> Value {
    let own = schema["examples"].get(0).or_else(|| resolved(document, schema)["examples"].get(0));
    if let Some(example) = own {
        return example.clone();
    }
    let schema = resolved(document, schema);
    if schema["allOf"].is_array() || schema["properties"].is_object() {
        let required = required(document, schema);
        let fields = properties(document, schema).into_iter();
        let fields = fields.filter(|(name, _)| whole || required.contains(name));
        let fields = fields.map(|(name, field)| (name, example(document, field, whole)));
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    let kind = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    match kind.as_str() {
        Some("array") if whole => json!([example(document, &schema["items"], whole)]),
        Some("array") => json!([]),
        Some("string") => json!(""),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        Some("object") => json!({}),
        _ => Value::Null,
    }
}

fn required(document: &Value, schema: &Value) -> Vec<String> {
    let schema = resolved(document, schema);
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut found: Vec<String> = parts.flat_map(|part| required(document, part)).collect();
    let own = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.extend(own.map(str::to_owned));
    found
}
