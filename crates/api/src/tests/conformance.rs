//! Whether answers are what the document says. Every answer of every test of this crate is looked at.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use axum::http::HeaderMap;
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document, as everybody gets it.
pub(super) fn document() -> Value {
    serde_json::to_value(crate::openapi::document("9.8.7")).unwrap()
}

/// The document, ready to be held against answers.
pub(super) struct Contract {
    document: Value,
    /// The pieces of each path.
    paths: BTreeMap<String, Vec<String>>,
    /// What was made of each schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

impl Contract {
    pub(super) fn read() -> Self {
        let document = document();
        let paths = document["paths"].as_object().unwrap().keys();
        let paths = paths
            .map(|path| (path.clone(), path.split('/').map(str::to_owned).collect()))
            .collect();
        Self { document, paths, validators: Mutex::default() }
    }

    /// Whether a value is as its schema says.
    pub(super) fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        match self.validator(schema).iter_errors(value).next() {
            Some(error) => Err(format!("{error} at {:?}", error.instance_path().to_string())),
            None => Ok(()),
        }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let make = || {
            // References point into the document, so it comes along.
            let whole = json!({"allOf": [schema], "components": self.document["components"]});
            let validator = jsonschema::options().should_validate_formats(true).build(&whole);
            Arc::new(validator.unwrap_or_else(|error| panic!("{schema} is no schema: {error}")))
        };
        let mut known = self.validators.lock().unwrap();
        Arc::clone(known.entry(schema.to_string()).or_insert_with(make))
    }

    /// What is said of a path; pieces that are there word for word come before variable ones.
    fn item(&self, path: &str) -> Option<&Value> {
        let path = &with_one_name(path);
        let pieces: Vec<&str> = path.split('/').collect();
        let fits = |(_, known): &(&String, &Vec<String>)| {
            known.len() == pieces.len()
                && known.iter().zip(&pieces).all(|(known, piece)| {
                    known == piece || (!piece.is_empty() && known.starts_with('{'))
                })
        };
        let variable = |(_, known): &(&String, &Vec<String>)| {
            known.iter().filter(|piece| piece.starts_with('{')).count()
        };
        let (path, _) = self.paths.iter().filter(fits).min_by_key(variable)?;
        Some(&self.document["paths"][path])
    }

    fn judge(
        &self,
        (method, path): (&str, &str),
        status: u16,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<(), String> {
        let (method, is_head) = match method {
            "HEAD" => ("get", true),
            _ => (method, false),
        };
        let item = self.item(path);
        let operation = item.map(|item| &item[method.to_ascii_lowercase()]);
        let Some(operation) = operation.filter(|operation| operation.is_object()) else {
            // Nobody serves it, or another service of Keptn's would.
            return match status {
                401 | 403 | 404 | 405 | 429 => Ok(()),
                _ => Err("the document does not know it".to_owned()),
            };
        };
        let answer = &operation["responses"][status.to_string()];
        if !answer.is_object() {
            return Err("the document does not know this status here".to_owned());
        }
        for (name, _) in answer["headers"].as_object().into_iter().flatten() {
            if name != "Retry-After" && !headers.contains_key(name) {
                return Err(format!("there is no header {name}"));
            }
        }
        let Some(contents) = answer["content"].as_object() else {
            return match body {
                "" => Ok(()),
                _ => Err("the document knows of no body here".to_owned()),
            };
        };
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let content = contents.get(kind).ok_or_else(|| format!("nothing is said of {kind:?}"))?;
        match kind {
            _ if is_head => Ok(()),
            "application/json" => {
                let value = serde_json::from_str(body).map_err(|error| error.to_string())?;
                self.check(&content["schema"], &value)
            }
            _ => Ok(()),
        }
    }
}

/// The name of a file may hold slashes that are not encoded, and slashes may come twice before it.
fn with_one_name(path: &str) -> String {
    let path = match path.strip_prefix("/api/resource-service/") {
        Some(rest) => format!("/api/resource-service/{}", rest.replace("//", "/")),
        None => return path.to_owned(),
    };
    match path.split_once("/resource/") {
        Some((place, name)) => format!("{place}/resource/{}", name.replace('/', "%2F")),
        None => path,
    }
}

/// Holds an answer against the document.
pub(super) fn check((method, path): (&str, &str), status: u16, headers: &HeaderMap, body: &str) {
    if let Err(problem) = CONTRACT.judge((method, path), status, headers, body) {
        panic!("{method} {path} was answered {status}: {problem}: {body}");
    }
}

#[test]
fn an_answer_that_is_not_as_the_document_says_is_noticed() {
    let headers = HeaderMap::from_iter([(
        axum::http::header::CONTENT_TYPE,
        "application/json".parse().unwrap(),
    )]);
    let judge = |path, status, body| CONTRACT.judge(("GET", path), status, &headers, body);
    assert_eq!(judge("/health", 200, r#"{"status":"ok"}"#), Ok(()));
    for (path, status, body) in [
        ("/health", 201, r#"{"status":"ok"}"#),
        ("/health", 200, r#"{"status":1}"#),
        ("/health", 200, "{}"),
        ("/health", 200, "ok"),
        ("/healthy", 200, "{}"),
        ("/api/controlPlane/v1/project/tour", 404, r#"{"message":"x"}"#),
        ("/api/controlPlane/v1/project", 200, r#"{"projects":[{}],"nextPageKey":"0"}"#),
        ("/api/controlPlane/v1/project", 200, r#"{"projects":[],"nextPageKey":0}"#),
    ] {
        assert!(judge(path, status, body).is_err(), "{path} {status} {body}");
    }
}
