//! Projects.

mod expanded;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_core::names::ProjectName;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

pub(crate) use expanded::{ExpandedProject, ExpandedService, ExpandedStage};

/// Longest name of a new project, in bytes. Keptn 1.4's default.
const NAME_BYTES_MAX: usize = 200;

#[derive(Serialize)]
pub(crate) struct Projects {
    projects: Vec<ExpandedProject>,
    #[serde(flatten)]
    page: PageFields,
}

pub(crate) async fn list(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Projects>, ApiError> {
    let (offset, size) = (query.offset(), query.page_size()?.unwrap_or(PAGE));
    let projects = state.engine.read(move |reader| {
        let page = reader.projects(offset, size)?;
        let projects = page.items.iter().map(|row| ExpandedProject::read(reader, row));
        let projects = projects.collect::<Result<_, _>>()?;
        Ok(Projects { projects, page: PageFields::new(page.next, page.total) })
    });
    Ok(Json(projects.await?))
}

pub(crate) async fn get(
    State(state): State<ApiState>,
    Path(project): Path<String>,
) -> Result<Json<ExpandedProject>, ApiError> {
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(&project)));
    let name = path::project(&project).ok_or_else(missing)?;
    let found = state.engine.read(move |reader| match reader.project(&name)? {
        Some(row) => ExpandedProject::read(reader, &row).map(Some),
        None => Ok(None),
    });
    found.await?.map(Json).ok_or_else(missing)
}

/// Keptn 1.4 reads this body strictly.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    shipyard: Option<String>,
    #[serde(default, rename = "gitCredentials")]
    git_credentials: Option<Value>,
}

pub(crate) async fn create(
    State(state): State<ApiState>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewProject>,
) -> Result<StatusCode, ApiError> {
    let name = new_name(new.name.as_deref().unwrap_or_default())?;
    let shipyard = shipyard(new.shipyard.as_deref().unwrap_or_default())?;
    if names_upstream(new.git_credentials.as_ref()) {
        let message = "this version keeps the files of a project in a repository of its own and \
                       cannot use an upstream yet; leave gitCredentials out";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    state.engine.create_project(name, shipyard, &by).await?;
    Ok(StatusCode::CREATED)
}

/// Keptn 1.4's prefix for what a well-formed body of this route says wrong.
fn invalid(why: &str) -> ApiError {
    ApiError::bad_request(format!("Could not validate payload: {why}"))
}

fn new_name(text: &str) -> Result<ProjectName, ApiError> {
    if text.is_empty() {
        return Err(invalid("project name missing"));
    }
    if text.len() > NAME_BYTES_MAX {
        let why = format!("project name exceeds maximum size of {NAME_BYTES_MAX} characters");
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

/// An empty object asks for nothing.
fn names_upstream(credentials: Option<&Value>) -> bool {
    let url = credentials.and_then(|credentials| credentials.get("remoteURL"));
    url.is_some_and(|url| !matches!(url, Value::Null) && url != "")
}
