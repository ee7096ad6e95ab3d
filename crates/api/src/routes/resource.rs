//! Files of projects: Keptn's resource service.

mod document;
mod target;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_core::principal::Principal;
use tidegate_engine::{Engine, Failure};
use tidegate_resources::{Repositories, ResourceError, ResourcePath};
use utoipa::ToSchema;

use super::gateway;
use crate::auth::Caller;
use crate::body::{self, JsonBody};
use crate::error::ApiError;
use crate::openapi::wire;
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;
use target::{Location, Target};

pub(crate) use document::Document;

/// Where the routes are.
pub(crate) const ROUTES: &str = "/api/resource-service/v1";

/// What a file was read at or written as. Keptn's `branch` is never filled.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Version)]
struct Metadata {
    /// The repository elsewhere; absent where the files of the project are kept here.
    #[serde(rename = "upstreamURL", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, examples("https://git.example.org/sockshop.git"))]
    upstream_url: Option<String>,
    /// The commit.
    #[schema(value_type = wire::CommitId)]
    version: CommitId,
}

impl Metadata {
    fn new(engine: &Engine, project: &ProjectName, version: CommitId) -> Self {
        Self { upstream_url: engine.upstreams().url(project), version }
    }
}

/// A file of a project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Resource {
    /// What it holds.
    #[schema(value_type = wire::Base64)]
    resource_content: String,
    /// Its name, as it came in the path.
    #[serde(rename = "resourceURI")]
    #[schema(examples("job%2Fconfig.yaml"))]
    resource_uri: String,
    /// What it was read at.
    metadata: Metadata,
}

/// A page of the names of files, in the order of a walk through the directories.
#[derive(Serialize, ToSchema)]
struct Resources {
    #[serde(flatten)]
    page: PageFields,
    /// The files.
    resources: Vec<Listed>,
}

/// The name of a file.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedResource)]
struct Listed {
    /// Its name, with a slash before it.
    // Keptn's job executor looks for the prefix `/<directory>/`.
    #[serde(rename = "resourceURI")]
    #[schema(examples("/job/config.yaml"))]
    resource_uri: String,
    /// What the list was read at.
    metadata: Metadata,
}

/// What was written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WrittenResources)]
struct Changed {
    /// The commit that it was written as.
    #[serde(rename = "commitID")]
    #[schema(value_type = wire::CommitId)]
    commit_id: CommitId,
    /// The same, as with other answers.
    metadata: Metadata,
}

impl Changed {
    fn answer(
        engine: &Engine,
        project: &ProjectName,
        status: StatusCode,
        commit: CommitId,
    ) -> Response {
        let metadata = Metadata::new(engine, project, commit.clone());
        (status, Json(Self { commit_id: commit, metadata })).into_response()
    }
}

/// Files to be written, in one commit: at most 1,000.
#[derive(Deserialize, ToSchema)]
struct NewResources {
    /// The files.
    #[serde(default)]
    #[schema(required, max_items = 1000)]
    resources: Vec<NewResource>,
}

/// A file to be written.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewResource {
    /// Its name: a path below the place that it belongs to, not encoded.
    #[serde(default, rename = "resourceURI")]
    #[schema(required, min_length = 1, max_length = 255, examples("job/config.yaml"))]
    resource_uri: String,
    /// What it shall hold.
    #[serde(default)]
    #[schema(value_type = wire::Base64)]
    resource_content: String,
}

/// What a file shall hold.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewContent {
    /// The bytes.
    #[serde(default)]
    #[schema(value_type = wire::Base64, required)]
    resource_content: String,
}

/// All routes: what a path names is read from it as it was sent, because it may be encoded twice.
pub(crate) async fn serve(
    State(state): State<ApiState>,
    Caller(by): Caller,
    method: Method,
    uri: Uri,
    query: Query,
    request: axum::extract::Request,
) -> Result<Response, ApiError> {
    let raw = uri.path().strip_prefix(ROUTES).unwrap_or_default();
    let engine = &state.engine;
    match (method.as_str(), Target::read(raw)?) {
        ("GET" | "HEAD", Target::Files(location)) => list(engine, location, &query).await,
        ("GET" | "HEAD", Target::File(location, path, sent)) => {
            read(engine, location, path, sent, &query).await
        }
        ("POST", Target::Files(location)) => {
            let files = files(body::json(request).await?)?;
            write(engine, location, files, &by, StatusCode::CREATED).await
        }
        ("PUT", Target::Files(location)) => {
            let files = files(body::json(request).await?)?;
            write(engine, location, files, &by, StatusCode::OK).await
        }
        ("PUT", Target::File(location, path, _)) => {
            let JsonBody(NewContent { resource_content }) = body::json(request).await?;
            let files = vec![(path, content(&resource_content)?)];
            write(engine, location, files, &by, StatusCode::OK).await
        }
        ("DELETE", Target::File(Location { project, place }, path, _)) => {
            let commit = engine.delete_file(project.clone(), place, path).await?;
            Ok(Changed::answer(engine, &project, StatusCode::OK, commit))
        }
        (_, target) => {
            let allowed = match target {
                Target::Files(_) => "GET,HEAD,POST,PUT",
                Target::File(..) => "GET,HEAD,PUT,DELETE",
            };
            let error = gateway::method(method, uri).await;
            Ok(([(header::ALLOW, allowed)], error).into_response())
        }
    }
}

async fn list(engine: &Engine, location: Location, query: &Query) -> Result<Response, ApiError> {
    let (offset, size) = (query.offset(), query.page_size()?.unwrap_or(PAGE));
    let Location { project, place } = location;
    engine.refresh(&project).await?;
    let name = project.clone();
    let (files, version) = engine
        .git(move |git| {
            let version = git.tip(&name, place.branch())?;
            Ok((git.list(&name, &place, Some(&version))?, version))
        })
        .await?;
    let (files, page) = PageFields::cut(files, offset, size);
    let metadata = Metadata::new(engine, &project, version);
    let listed = |path: ResourcePath| Listed {
        resource_uri: format!("/{path}"),
        metadata: metadata.clone(),
    };
    let resources = files.into_iter().map(listed).collect();
    Ok(Json(Resources { page, resources }).into_response())
}

async fn read(
    engine: &Engine,
    location: Location,
    path: ResourcePath,
    sent: String,
    query: &Query,
) -> Result<Response, ApiError> {
    let Location { project, place } = location;
    // Some of Keptn's clients send an empty string with its quotes.
    let revision = query.text("gitCommitID").filter(|text| *text != "\"\"").map(str::to_owned);
    if revision.is_none() {
        engine.refresh(&project).await?;
    }
    let name = project.clone();
    let read = move |git: &Repositories| match &revision {
        Some(text) => {
            let at = git.revision(&name, text)?;
            git.read_versioned(&name, &place, &path, Some(&at))
        }
        None => git.read_versioned(&name, &place, &path, None),
    };
    let reading = read.clone();
    let (bytes, version) = match engine.git(move |git| Ok(reading(git)?)).await {
        // Somebody may have pushed it just now.
        Err(Failure::Resource(ResourceError::CommitNotFound { .. })) => {
            engine.refresh(&project).await?;
            engine.git(move |git| Ok(read(git)?)).await?
        }
        other => other?,
    };
    let resource_content = STANDARD.encode(bytes);
    let metadata = Metadata::new(engine, &project, version);
    Ok(Json(Resource { resource_content, resource_uri: sent, metadata }).into_response())
}

async fn write(
    engine: &Engine,
    Location { project, place }: Location,
    files: Vec<(ResourcePath, Vec<u8>)>,
    by: &Principal,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let commit = engine.write_files(project.clone(), place, files, by).await?;
    Ok(Changed::answer(engine, &project, status, commit))
}

/// The names in a body are plain: nothing in them is encoded.
fn files(JsonBody(new): JsonBody<NewResources>) -> Result<Vec<(ResourcePath, Vec<u8>)>, ApiError> {
    let file = |NewResource { resource_uri, resource_content }: NewResource| {
        let path = ResourcePath::new(&resource_uri);
        let path = path.map_err(|error| ApiError::bad_request(error.to_string()))?;
        Ok((path, content(&resource_content)?))
    };
    new.resources.into_iter().map(file).collect()
}

fn content(base64: &str) -> Result<Vec<u8>, ApiError> {
    let decoded = STANDARD.decode(base64);
    decoded.map_err(|_| ApiError::bad_request("resource content is not base64 encoded"))
}
