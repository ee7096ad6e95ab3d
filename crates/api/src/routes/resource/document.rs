//! What the document of the API says of these routes: one catch-all serves them, so they are written down
//! by hand. [`Target`](super::target::Target) is what reads their paths.

use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
    PathItemBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, OpenApi as Api, Ref, Required, ResponseBuilder, ResponsesBuilder,
};
use utoipa::{IntoParams, IntoResponses as _, Modify, OpenApi};

use super::{
    Changed, Listed, Metadata, NewContent, NewResource, NewResources, ROUTES, Resource, Resources,
};
use crate::openapi::answers::{Body, Changes, Guarded, Parsed, Upstream};
use crate::openapi::parameters::{Paging, ProjectPath, ServicePath, StagePath};

/// The part of the document that is about files.
#[derive(OpenApi)]
#[openapi(
    components(schemas(
        Resource, Resources, Listed, Changed, Metadata, NewResources, NewResource, NewContent
    )),
    modifiers(&Paths)
)]
pub(crate) struct Document;

/// Adds the paths.
struct Paths;

impl Modify for Paths {
    fn modify(&self, api: &mut Api) {
        for place in PLACES {
            api.paths.paths.insert(format!("{ROUTES}{}", place.path), place.files());
            api.paths.paths.insert(format!("{ROUTES}{}/{{resource}}", place.path), place.file());
        }
    }
}

/// A place that files belong to.
struct Place {
    path: &'static str,
    /// As it stands in a sentence.
    name: &'static str,
    /// As it stands in the id of an operation.
    id: &'static str,
    parameters: fn() -> Vec<Parameter>,
}

const PLACES: [Place; 3] = [
    Place {
        path: "/project/{project}/resource",
        name: "a project",
        id: "Project",
        parameters: in_path::<ProjectPath>,
    },
    Place {
        path: "/project/{project}/stage/{stage}/resource",
        name: "a stage",
        id: "Stage",
        parameters: in_path::<StagePath>,
    },
    Place {
        path: "/project/{project}/stage/{stage}/service/{service}/resource",
        name: "a service",
        id: "Service",
        parameters: in_path::<ServicePath>,
    },
];

fn in_path<T: IntoParams>() -> Vec<Parameter> {
    T::into_params(|| Some(ParameterIn::Path))
}

impl Place {
    /// All files of the place.
    fn files(&self) -> PathItem {
        let list = self
            .operation("list", "Resources", format!("Lists the files of {}", self.name))
            .parameters(Some(Paging::into_params(|| Some(ParameterIn::Query))))
            .responses(answers("200", "The names of the files.", "Resources").build());
        let write = |verb, status: &str, summary: String| {
            self.operation(verb, "Resources", summary)
                .request_body(Some(body("NewResources", "The files.")))
                .responses(written(status).build())
        };
        PathItemBuilder::new()
            .operation(HttpMethod::Get, list)
            .operation(
                HttpMethod::Post,
                write("create", "201", format!("Writes files of {}, in one commit", self.name)),
            )
            .operation(
                HttpMethod::Put,
                write("update", "200", format!("Writes files of {}, as POST does", self.name)),
            )
            .build()
    }

    /// One file of it.
    fn file(&self) -> PathItem {
        let get = self
            .operation("get", "Resource", format!("Gives a file of {}", self.name))
            .parameter(file_name())
            .parameter(commit())
            .responses(answers("200", "The file.", "Resource").build());
        let put = self
            .operation("put", "Resource", format!("Writes a file of {}", self.name))
            .parameter(file_name())
            .request_body(Some(body("NewContent", "What it shall hold.")))
            .responses(written("200").build());
        let delete = self
            .operation("delete", "Resource", format!("Deletes a file of {}", self.name))
            .parameter(file_name())
            .responses(changed("200").build());
        PathItemBuilder::new()
            .operation(HttpMethod::Get, get)
            .operation(HttpMethod::Put, put)
            .operation(HttpMethod::Delete, delete)
            .build()
    }

    fn operation(&self, verb: &str, what: &str, summary: String) -> OperationBuilder {
        OperationBuilder::new()
            .operation_id(Some(format!("{verb}{}{what}", self.id)))
            .summary(Some(summary))
            .tag("Files")
            .parameters(Some((self.parameters)()))
    }
}

fn file_name() -> Parameter {
    ParameterBuilder::new()
        .name("resource")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(
            "The name of the file, percent-encoded with its slashes: once, or twice as through Keptn's \
             gateway.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))))
        .example(Some("slo.yaml".into()))
        .build()
}

fn commit() -> Parameter {
    ParameterBuilder::new()
        .name("gitCommitID")
        .parameter_in(ParameterIn::Query)
        .description(Some("The commit to read it at; the newest where it is absent."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some("3f2504e04f8911d39a0c0305e82c33010a1b2c3d".into()))
        .build()
}

fn body(schema: &str, description: &str) -> utoipa::openapi::request_body::RequestBody {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    RequestBodyBuilder::new()
        .description(Some(description))
        .required(Some(Required::True))
        .content("application/json", content)
        .build()
}

fn answers(status: &str, description: &str, schema: &str) -> ResponsesBuilder {
    let content =
        |schema| ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    let good = ResponseBuilder::new()
        .description(description)
        .content("application/json", content(schema));
    let missing = ResponseBuilder::new()
        .description("There is no such project, stage, service or file.")
        .content("application/json", content("Error"));
    ResponsesBuilder::new()
        .responses_from_iter(Guarded::responses())
        .responses_from_iter(Parsed::responses())
        .responses_from_iter(Upstream::responses())
        .response(status, good)
        .response("404", missing)
}

/// Files are changed.
fn changed(status: &str) -> ResponsesBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let conflict = ResponseBuilder::new()
        .description("Something else is where the file should be.")
        .content("application/json", content);
    answers(status, "What was written.", "WrittenResources")
        .responses_from_iter(Changes::responses())
        .response("409", conflict)
}

/// Files are changed by what a body says.
fn written(status: &str) -> ResponsesBuilder {
    changed(status).responses_from_iter(Body::responses())
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;

    #[test]
    fn every_path_that_is_described_is_understood() {
        let api = Document::openapi();
        assert_eq!(api.paths.paths.len(), 6);
        for path in api.paths.paths.keys() {
            let raw = path.strip_prefix(ROUTES).unwrap();
            let raw = raw.replace(['{', '}'], "");
            let is_file = path.ends_with("{resource}");
            match Target::read(&raw) {
                Ok(Target::File(..)) => assert!(is_file, "{path}"),
                Ok(Target::Files(_)) => assert!(!is_file, "{path}"),
                Err(error) => panic!("{path}: {error:?}"),
            }
        }
    }
}
