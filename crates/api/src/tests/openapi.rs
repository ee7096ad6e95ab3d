//! The document of the API: it is whole, it is true of itself, and everybody can read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use super::conformance::{Contract, document};
use super::server::{Answer, Server, on_server};

const ROUTER: &str = include_str!("../router.rs");
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// `get /health` and so on, as the router lists them.
fn routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for part in ROUTER.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').expect("a path is a literal");
        let handlers = rest.split(".route(").next().unwrap();
        let methods = METHODS.iter().chain(&["any"]);
        let methods = methods.filter(|method| handlers.contains(&format!("{method}(")));
        let before = routes.len();
        routes.extend(methods.map(|method| format!("{method} {path}")));
        assert!(routes.len() > before, "{path} has no method that this test knows");
    }
    routes
}

/// The same, as the document lists them.
fn operations() -> BTreeMap<String, Value> {
    let mut operations = BTreeMap::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            operations.insert(format!("{method} {path}"), operation.clone());
        }
    }
    operations
}

#[test]
fn the_document_lists_what_the_router_serves_and_nothing_else() {
    // One answers 404 to whatever nobody serves; the other one's paths are written down one by one.
    let catch_all = ["any /api/{*path}", "any /api/resource-service/v1/{*path}"];
    let mut served = routes();
    for path in catch_all {
        assert!(served.remove(path), "{path} is not served any more");
    }
    let mut described: BTreeSet<String> = operations().into_keys().collect();
    described.retain(|operation| !operation.contains(" /api/resource-service/v1/"));
    let missing: Vec<_> = served.difference(&described).collect();
    let invented: Vec<_> = described.difference(&served).collect();
    assert!(missing.is_empty(), "list the handlers of these in openapi.rs: {missing:#?}");
    assert!(invented.is_empty(), "nobody serves these: {invented:#?}");
}

#[test]
fn every_operation_has_a_name_of_its_own_a_sentence_and_an_area() {
    let document = document();
    let grouped = document["x-tagGroups"].as_array().unwrap().iter();
    let grouped: Vec<&Value> =
        grouped.flat_map(|group| group["tags"].as_array().unwrap()).collect();
    let described: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(grouped, described, "every area belongs to Keptn or to us");
    let mut names = BTreeSet::new();
    for (route, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{name} is the name of two operations");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{route}: {summary:?}");
        let [tag] = operation["tags"].as_array().unwrap().as_slice() else { panic!("{route}") };
        assert!(described.contains(&tag), "{route}: {tag}");
        let is_own = route.contains(" /api/tidegate/") || route.contains(" /git/");
        let ours = &document["x-tagGroups"][1]["tags"];
        if is_own || route.contains(" /api/v1/") || route.contains(" /api/controlPlane/") {
            assert_eq!(ours.as_array().unwrap().contains(tag), is_own, "{route}: {tag}");
        }
    }
}

#[test]
fn every_parameter_field_and_answer_is_described() {
    let document = document();
    let described = |value: &Value| {
        let own = value["description"].as_str();
        let named = value["$ref"]
            .as_str()
            .and_then(|path| document.pointer(path.strip_prefix('#')?)?["description"].as_str());
        own.or(named).is_some_and(|text| !text.trim().is_empty())
    };
    for (route, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(described(parameter), "{route}: {parameter}");
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(described(answer), "{route}: {status}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(described(schema), "{name}");
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for (field, property) in parts.flat_map(|part| part["properties"].as_object()).flatten() {
            assert!(described(property), "{name}.{field}");
        }
    }
}

#[test]
fn every_example_is_one() {
    let contract = Contract::read();
    let mut seen = 0;
    let mut check = |place: &str, schema: &Value, example: &Value| {
        seen += 1;
        if let Err(problem) = contract.check(schema, example) {
            panic!("{place}: {example} is no example: {problem}");
        }
    };
    for (name, schema) in document()["components"]["schemas"].as_object().unwrap() {
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for property in parts.flat_map(|part| part["properties"].as_object()).flatten() {
            for example in property.1["examples"].as_array().into_iter().flatten() {
                check(&format!("{name}.{}", property.0), property.1, example);
            }
        }
        for example in schema["examples"].as_array().into_iter().flatten() {
            check(name, schema, example);
        }
    }
    for (route, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if let Some(example) = parameter.get("example") {
                check(&format!("{route} {}", parameter["name"]), &parameter["schema"], example);
            }
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            for content in answer["content"].as_object().into_iter().flatten() {
                if let Some(example) = content.1.get("example") {
                    check(&format!("{route} {status}"), &content.1["schema"], example);
                }
            }
        }
    }
    assert!(seen > 300, "{seen} examples");
}

#[test]
fn whatever_is_named_in_the_document_is_there() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for path in &found {
        assert!(document.pointer(path.strip_prefix('#').unwrap()).is_some(), "{path}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let unused: Vec<_> = schemas
        .keys()
        .filter(|name| !found.contains(&format!("#/components/schemas/{name}")))
        .collect();
    assert!(unused.is_empty(), "nothing holds these: {unused:?}");
}

/// Of two schemas of one name, the document holds one, and says it of both.
#[test]
fn no_two_schemas_have_the_same_name() {
    let mut files = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut names = BTreeMap::<String, Vec<PathBuf>>::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let parts = text.split("#[derive(").skip(1);
        for part in parts.filter(|part| part.lines().next().unwrap().contains("ToSchema")) {
            let (before, after) = [" struct ", " enum ", "\nstruct ", "\nenum "]
                .iter()
                .filter_map(|word| part.split_once(word))
                .min_by_key(|(before, _)| before.len())
                .unwrap();
            let name = before.split_once("(as = ").map_or(after, |(_, name)| name);
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            names.entry(name.to_owned()).or_default().push(path.clone());
        }
    }
    assert!(names.len() > 50, "{names:?}");
    names.retain(|_, files| files.len() > 1);
    assert!(names.is_empty(), "give one of each another name by `schema(as = …)`: {names:?}");
}

async fn open(server: &Server, path: &str, encoding: &str) -> Answer {
    let request = Request::get(path).header("accept-encoding", encoding);
    server.send([192, 0, 2, 1], request.body(Body::empty()).unwrap()).await
}

#[test]
fn everybody_can_read_the_document_and_its_page() {
    on_server(|server| async move {
        let answer = open(&server, "/api/openapi.json", "identity").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        let served = answer.json();
        assert_eq!(served["openapi"], "3.1.0");
        assert_eq!(served["info"]["version"], "9.8.7");
        for path in ["/api", "/api/swagger-ui"] {
            let answer = open(&server, path, "identity").await;
            assert_eq!(
                (answer.status, &answer.headers["location"] == "/api/swagger-ui/"),
                (301, true)
            );
        }
        for path in ["/api/swagger-ui/", "/api/swagger-ui/index.html"] {
            let answer = open(&server, path, "identity").await;
            assert_eq!(answer.status, 200);
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(!answer.body.contains("<script"), "no script is needed");
        }
    });
}

#[test]
fn the_page_tells_of_every_operation_and_every_schema() {
    on_server(|server| async move {
        let page = open(&server, "/api/swagger-ui/", "identity").await.body;
        for (route, operation) in operations() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{route}");
            assert!(page.contains(&format!("href=\"#{id}\"")), "{route}");
        }
        for name in document()["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        assert_eq!(page.matches("curl -sS").count(), operations().len());
    });
}

#[test]
fn a_client_that_takes_it_packed_gets_the_page_packed() {
    on_server(|server| async move {
        let request = Request::get("/api/swagger-ui/").header("accept-encoding", "gzip, br");
        let request = request.body(Body::empty()).unwrap();
        let (status, headers, packed) = server.send_for_bytes([192, 0, 2, 1], request).await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-encoding"], "gzip");
        assert!(packed.len() < 100_000, "{} bytes", packed.len());
        let mut page = String::new();
        let mut decoder = flate2::read::GzDecoder::new(packed.as_slice());
        std::io::Read::read_to_string(&mut decoder, &mut page).unwrap();
        assert!(page.starts_with("<!doctype html>"));
    });
}
