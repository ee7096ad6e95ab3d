//! Projects.

mod credentials;
mod expanded;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tidegate_core::names::{ProjectName, StageName};
use tidegate_core::shipyard::Shipyard;
use tidegate_engine::{Failure, PROJECT_NAME_BYTES_MAX};
use tidegate_resources::upstream::Upstream;
use tidegate_resources::{Place, ResourcePath};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Body, Changes, Error, Guarded, Parsed, Upstream as Elsewhere};
use crate::openapi::parameters::{Paging, ProjectPath};
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

use credentials::GitCredentials;
pub(crate) use expanded::{ExpandedProject, ExpandedService, ExpandedStage};

/// A small shipyard, encoded.
const SHIPYARD_EXAMPLE: &str = "YXBpVmVyc2lvbjogc3BlYy5rZXB0bi5zaC8wLjIuMgpraW5kOiBTaGlweWFyZAptZXRhZG\
    F0YTogeyBuYW1lOiBzb2Nrc2hvcCB9CnNwZWM6CiAgc3RhZ2VzOgogICAgLSBuYW1lOiBxYQogICAgICBzZXF1ZW5jZXM6Ci\
    AgICAgICAgLSBuYW1lOiBkZWxpdmVyeQogICAgICAgICAgdGFza3M6IFt7IG5hbWU6IGRlcGxveW1lbnQgfV0K";

/// A page of projects, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Projects {
    /// The projects.
    projects: Vec<ExpandedProject>,
    #[serde(flatten)]
    page: PageFields,
}

/// Lists projects with their stages and services, by name
#[utoipa::path(get, path = "/api/controlPlane/v1/project", operation_id = "listProjects",
    tag = "Projects", params(Paging),
    responses(Guarded, Parsed, (status = 200, description = "The projects.", body = Projects)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Projects>, ApiError> {
    let (offset, size) = (query.offset(), query.page_size()?.unwrap_or(PAGE));
    let upstreams = state.engine.upstreams().clone();
    let projects = state.engine.read(move |reader| {
        let page = reader.projects(offset, size)?;
        let read = |row| ExpandedProject::read(reader, &upstreams, row);
        let projects = page.items.iter().map(read);
        let projects = projects.collect::<Result<_, _>>()?;
        Ok(Projects { projects, page: PageFields::new(page.next, page.total) })
    });
    Ok(Json(projects.await?))
}

/// Gives a project with its stages and services
#[utoipa::path(get, path = "/api/controlPlane/v1/project/{project}", operation_id = "getProject",
    tag = "Projects", params(ProjectPath),
    responses(Guarded, Parsed,
        (status = 200, description = "The project.", body = ExpandedProject),
        (status = 404, description = "There is no such project.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(project): Path<String>,
) -> Result<Json<ExpandedProject>, ApiError> {
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(&project)));
    let name = path::project(&project).ok_or_else(missing)?;
    let upstreams = state.engine.upstreams().clone();
    let found = state.engine.read(move |reader| match reader.project(&name)? {
        Some(row) => ExpandedProject::read(reader, &upstreams, &row).map(Some),
        None => Ok(None),
    });
    found.await?.map(Json).ok_or_else(missing)
}

/// A project to be created, or what shall be changed about one. As in Keptn 1.4, other fields are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "sockshop", "shipyard": SHIPYARD_EXAMPLE})))]
pub(crate) struct NewProject {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = wire::ProjectName, required)]
    name: Option<String>,
    /// The text of its shipyard, in Base64. A new project needs one; where it is absent or empty, that of a
    /// project stays as it is.
    #[serde(default)]
    #[schema(value_type = Option<wire::Base64>)]
    shipyard: Option<String>,
    /// Where its files are kept elsewhere; here, where it is absent.
    #[serde(default, rename = "gitCredentials")]
    git_credentials: Option<GitCredentials>,
}

/// Creates a project from a shipyard
///
/// A repository elsewhere is cloned; it must not hold a project of Keptn yet.
#[utoipa::path(post, path = "/api/controlPlane/v1/project", operation_id = "createProject",
    tag = "Projects", request_body = NewProject,
    responses(Guarded, Body, Changes, Elsewhere,
        (status = 201, description = "It was created."),
        (status = 404, description = "There is no repository at that address.", body = Error),
        (status = 409, description = "There is one of this name, or in that repository.",
            body = Error),
        (status = 422, description = "The address of the repository is none, or is barred.",
            body = Error),
    ))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewProject>,
) -> Result<StatusCode, ApiError> {
    let name = new_name(new.name.as_deref().unwrap_or_default())?;
    let shipyard = shipyard(new.shipyard.as_deref().unwrap_or_default())?;
    match upstream(new.git_credentials)? {
        None => state.engine.create_project(name, shipyard, &by).await?,
        Some(upstream) => state.engine.create_project_at(upstream, name, shipyard, &by).await?,
    }
    Ok(StatusCode::CREATED)
}

/// Changes where the files of a project are kept, then its shipyard
///
/// The stages stay the same ones.
// Keptn 1.4 writes the shipyard still encoded, and calls a project that is not there a fault of its own.
#[utoipa::path(put, path = "/api/controlPlane/v1/project", operation_id = "updateProject",
    tag = "Projects", request_body = NewProject,
    responses(Guarded, Body, Changes, Elsewhere,
        (status = 201, description = "It was changed."),
        (status = 404, description = "There is no such project, or no repository at that address.",
            body = Error),
        (status = 409, description = "The repository holds another project.", body = Error),
        (status = 422, description = "The address of the repository is none, or is barred.",
            body = Error),
    ))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewProject>,
) -> Result<StatusCode, ApiError> {
    let text = new.name.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(invalid("project name missing"));
    }
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(text)));
    let name = path::project(text).ok_or_else(missing)?;
    let upstream = upstream(new.git_credentials)?;
    let known = name.clone();
    let row = state.engine.read(move |reader| reader.project(&known)).await?.ok_or_else(missing)?;
    // All of it is looked at before anything is changed.
    let shipyard = match new.shipyard.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(encoded) => Some(shipyard(encoded)?),
    };
    if let Some(shipyard) = &shipyard
        && stages(shipyard)? != stages(&row.shipyard)?
    {
        return Err(ApiError::bad_request("stage name cannot be changed or removed"));
    }
    if let Some(upstream) = upstream {
        state.engine.set_upstream(name.clone(), upstream, &by).await?;
    }
    let Some(shipyard) = shipyard else { return Ok(StatusCode::CREATED) };
    let file = ResourcePath::new("shipyard.yaml").map_err(|error| ApiError::internal(&error))?;
    let files = vec![(file, shipyard.into_bytes())];
    state.engine.write_files(name, Place::Project, files, &by).await?;
    Ok(StatusCode::CREATED)
}

/// What Keptn 1.4 says of a project that is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// What is left of it elsewhere: namespaces of a cluster, and a repository.
    #[schema(examples(
        "The Git upstream of the project will not be deleted: https://git.example.org/sockshop.git\n"
    ))]
    message: String,
}

/// Deletes a project; one that is not there is as good as deleted
///
/// Open sequences are aborted and their jobs stopped; the answer comes when those have ended.
#[utoipa::path(delete, path = "/api/controlPlane/v1/project/{project}",
    operation_id = "deleteProject", tag = "Projects", params(ProjectPath),
    responses(Guarded, Parsed, Changes,
        (status = 200, description = "It is not there any more.", body = Deleted)))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    Caller(by): Caller,
    Path(project): Path<String>,
) -> Result<Json<Deleted>, ApiError> {
    let unknown = || Deleted {
        message: format!(
            "Project {} cannot be retrieved anymore. Any Git upstream of the project will not be \
             deleted.\n",
            shown(&project)
        ),
    };
    let Some(name) = path::project(&project) else { return Ok(Json(unknown())) };
    let known = name.clone();
    let row = state.engine.read(move |reader| reader.project(&known)).await?;
    let Some(row) = row else { return Ok(Json(unknown())) };
    let upstream = state.engine.upstreams().url(&name);
    match state.engine.delete_project(name.clone(), &by).await {
        Ok(()) => {}
        // Somebody was faster.
        Err(Failure::NoProject(_)) => return Ok(Json(unknown())),
        Err(failure) => return Err(failure.into()),
    }
    let mut message = match upstream {
        Some(url) => format!("The Git upstream of the project will not be deleted: {url}\n"),
        None => String::new(),
    };
    for stage in stages(&row.shipyard).unwrap_or_default() {
        message.push_str(&format!(
            "- A potentially created namespace {name}-{stage} is not managed by Keptn anymore but is \
             not deleted. If you would like to delete this namespace, please execute 'kubectl delete \
             ns {name}-{stage}'\n"
        ));
    }
    Ok(Json(Deleted { message }))
}

/// The names of a shipyard's stages, in whatever order they come.
fn stages(shipyard: &str) -> Result<BTreeSet<StageName>, ApiError> {
    let shipyard = Shipyard::parse(shipyard).map_err(Failure::from)?;
    Ok(shipyard.stages.into_iter().map(|stage| stage.name).collect())
}

fn upstream(credentials: Option<GitCredentials>) -> Result<Option<Upstream>, ApiError> {
    credentials.map_or(Ok(None), GitCredentials::upstream)
}

/// Keptn 1.4's prefix for what a well-formed body of this route says wrong.
fn invalid(why: &str) -> ApiError {
    ApiError::bad_request(format!("Could not validate payload: {why}"))
}

fn new_name(text: &str) -> Result<ProjectName, ApiError> {
    if text.is_empty() {
        return Err(invalid("project name missing"));
    }
    if text.len() > PROJECT_NAME_BYTES_MAX {
        let why =
            format!("project name exceeds maximum size of {PROJECT_NAME_BYTES_MAX} characters");
        return Err(invalid(&why));
    }
    path::project(text).ok_or_else(|| {
        invalid(
            "provided project name is not a valid Keptn entity name: it starts with a lower-case \
             letter, goes on with lower-case letters, digits or '-', and does not end with '-'",
        )
    })
}

fn shipyard(base64: &str) -> Result<String, ApiError> {
    let bytes = STANDARD.decode(base64).ok().filter(|bytes| !bytes.is_empty());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid("shipyard must contain a valid shipyard spec encoded in base64"))
}
