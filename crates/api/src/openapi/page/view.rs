//! The document, in the order in which people read it.

use serde_json::Value;

use super::curl;
use super::schema::{Field, Kind, Prose, Schemas, prose, rules};

/// In which order the methods of a path come.
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// Whose API it is.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) tags: Vec<Tag>,
}

/// An area of it.
pub(super) struct Tag {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Prose,
    pub(super) operations: Vec<Operation>,
}

/// A method of a path.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: &'static str,
    /// Its variable parts are set apart.
    pub(super) path: Prose,
    pub(super) summary: String,
    /// More of it; may be empty.
    pub(super) description: Prose,
    /// Who is let in, where that is not a matter of course.
    pub(super) access: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) curl: String,
}

impl Operation {
    /// Whether there is more to say than its summary.
    pub(super) fn is_explained(&self) -> bool {
        self.description.iter().any(|(plain, code)| !plain.is_empty() || !code.is_empty())
    }
}

/// A parameter, and where it stands.
pub(super) struct Parameter {
    pub(super) place: String,
    pub(super) field: Field,
}

/// What is sent.
pub(super) struct Body {
    pub(super) kind: Kind,
    pub(super) media: String,
    pub(super) fields: Vec<Field>,
}

/// What comes back.
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) is_good: bool,
    pub(super) description: Prose,
    pub(super) kind: Option<Kind>,
    /// Where it is not JSON.
    pub(super) media: String,
    /// What a good answer looks like.
    pub(super) example: Option<String>,
}

/// A schema with a name.
pub(super) struct SchemaView {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) rules: String,
    pub(super) description: Prose,
    pub(super) fields: Vec<Field>,
    pub(super) example: String,
}

/// All groups with their areas and operations.
pub(super) fn groups(document: &Value) -> Vec<Group> {
    let tags = |group: &Value| {
        let names = group["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| tag(document, name)).collect()
    };
    let groups = document["x-tagGroups"].as_array().into_iter().flatten();
    groups.map(|group| Group { name: text(&group["name"]), tags: tags(group) }).collect()
}

fn tag(document: &Value, name: &str) -> Tag {
    let tags = document["tags"].as_array().into_iter().flatten();
    let described = tags.into_iter().find(|tag| tag["name"] == name);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let found = &item[method];
            if found["tags"][0] == name {
                operations.push(operation(document, method, path, found));
            }
        }
    }
    Tag {
        id: name.to_lowercase(),
        name: name.to_owned(),
        description: described.map(|tag| prose(&text(&tag["description"]))).unwrap_or_default(),
        operations,
    }
}

fn operation(document: &Value, method: &'static str, path: &str, found: &Value) -> Operation {
    let schemas = Schemas(document);
    let access = access(found);
    let parameters = found["parameters"].as_array().into_iter().flatten();
    let parameter = |parameter: &Value| Parameter {
        place: text(&parameter["in"]),
        field: Field {
            name: text(&parameter["name"]),
            kind: schemas.kind(&parameter["schema"]),
            is_required: parameter["required"] == true,
            description: prose(&text(&parameter["description"])),
            rules: rules(&parameter["schema"]),
        },
    };
    let contents = found["requestBody"]["content"].as_object();
    let body = contents.and_then(|contents| contents.iter().next()).map(|(media, content)| Body {
        kind: schemas.kind(&content["schema"]),
        media: media.clone(),
        fields: schemas.fields(&content["schema"]),
    });
    let answers = found["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&found["operationId"]),
        method,
        path: pieces(path),
        summary: text(&found["summary"]),
        description: prose(&text(&found["description"])),
        access,
        parameters: parameters.map(parameter).collect(),
        body,
        answers: answers.map(|(status, found)| answer(schemas, status, found)).collect(),
        curl: curl::line(schemas, method, path, found, access == OPEN),
    }
}

const OPEN: &str = "Open to everybody.";

fn access(operation: &Value) -> &'static str {
    match operation["security"].as_array().map(Vec::as_slice) {
        None => "",
        Some([only]) if only.as_object().is_some_and(serde_json::Map::is_empty) => OPEN,
        Some(_) => "Takes HTTP's basic authentication, with a token as the password.",
    }
}

/// `/a/{b}/c` as `/a/` + `{b}`, `/c` + nothing.
fn pieces(path: &str) -> Prose {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((plain, behind)) = rest.split_once('{') {
        let (variable, behind) = behind.split_once('}').unwrap_or((behind, ""));
        pieces.push((plain.to_owned(), format!("{{{variable}}}")));
        rest = behind;
    }
    pieces.push((rest.to_owned(), String::new()));
    pieces
}

fn answer(schemas: Schemas<'_>, status: &str, found: &Value) -> Answer {
    let contents = found["content"].as_object();
    let content = contents.and_then(|contents| contents.iter().next());
    let is_good = status.starts_with(['2', '3']);
    let is_json = content.is_some_and(|(media, _)| media == "application/json");
    let example = content.filter(|_| is_good && is_json).map(|(_, content)| {
        let example = schemas.example(&content["schema"]);
        serde_json::to_string_pretty(&example).unwrap_or_default()
    });
    Answer {
        status: status.to_owned(),
        is_good,
        description: prose(&text(&found["description"])),
        kind: content.map(|(_, content)| schemas.kind(&content["schema"])),
        media: content.filter(|_| !is_json).map(|(media, _)| media.clone()).unwrap_or_default(),
        example: example.filter(|example| example != "{}"),
    }
}

/// All schemas with a name, by name.
pub(super) fn schemas(document: &Value) -> Vec<SchemaView> {
    let all = Schemas(document);
    let mut found: Vec<SchemaView> = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| SchemaView {
            name: name.clone(),
            kind: all.kind(schema),
            rules: rules(schema),
            description: prose(&text(&schema["description"])),
            fields: all.fields(schema),
            example: serde_json::to_string_pretty(&all.example(schema)).unwrap_or_default(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
