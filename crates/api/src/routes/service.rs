//! Services of a stage.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_core::names::ServiceName;
use tidegate_engine::{Failure, SERVICE_NAME_BYTES_MAX};
use utoipa::ToSchema;

use super::project::ExpandedService;
use super::stage;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::openapi::answers::{Body, Changes, Error, Guarded, Parsed, Upstream};
use crate::openapi::parameters::{Paging, ProjectPath, ServicePath, StagePath};
use crate::openapi::wire;
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

/// A page of services, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Services {
    /// The services.
    services: Vec<ExpandedService>,
    #[serde(flatten)]
    page: PageFields,
}

/// Lists the services of a stage, by name
#[utoipa::path(get, path = "/api/controlPlane/v1/project/{project}/stage/{stage}/service",
    operation_id = "listServices", tag = "Services", params(StagePath, Paging),
    responses(Guarded, Parsed,
        (status = 200, description = "The services.", body = Services),
        (status = 404, description = "There is no such project, or no such stage.", body = Error),
    ))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Path((project, stage)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Services>, ApiError> {
    let size = query.page_size()?.unwrap_or(PAGE);
    let stage = stage::find(&state.engine, &project, &stage).await?;
    let (services, page) = PageFields::cut(stage.into_services(), query.offset(), size);
    Ok(Json(Services { services, page }))
}

/// Gives a service as it stands in a stage
#[utoipa::path(get, path = "/api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}",
    operation_id = "getService", tag = "Services", params(ServicePath),
    responses(Guarded, Parsed,
        (status = 200, description = "The service.", body = ExpandedService),
        (status = 404, description = "There is no such project, stage or service.", body = Error),
    ))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Path((project, stage, service)): Path<(String, String, String)>,
) -> Result<Json<ExpandedService>, ApiError> {
    let stage = stage::find(&state.engine, &project, &stage).await?;
    let mut services = stage.into_services().into_iter();
    let found = services.find(|known| known.service_name == *service);
    found.map(Json).ok_or_else(|| ApiError::not_found("service not found"))
}

/// A service to be created.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewService {
    /// Its name, of at most 43 bytes.
    #[schema(value_type = String, required, min_length = 1, max_length = 43,
        pattern = r"^[^\s/\\><|:&]+$", examples("carts"))]
    #[serde(default)]
    service_name: Option<String>,
}

/// What Keptn 1.4 says of a service that was created or deleted: nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always empty.
    #[schema(examples(""))]
    message: &'static str,
}

const DONE: Done = Done { message: "" };

/// Creates a service in every stage of a project
// Keptn 1.4 answers 200, not 201.
#[utoipa::path(post, path = "/api/controlPlane/v1/project/{project}/service",
    operation_id = "createService", tag = "Services", params(ProjectPath),
    request_body = NewService,
    responses(Guarded, Body, Changes, Upstream,
        (status = 200, description = "It was created.", body = Done),
        (status = 404, description = "There is no such project.", body = Error),
        (status = 409, description = "There is one of this name.", body = Error),
    ))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Path(project): Path<String>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewService>,
) -> Result<Json<Done>, ApiError> {
    let service = new_name(new.service_name.as_deref().unwrap_or_default())?;
    // Keptn 1.4 says so with 500.
    let missing = || {
        let project = shown(&project);
        let text = format!("could not get stages of project {project}: project not found");
        ApiError::not_found(text)
    };
    let name = path::project(&project).ok_or_else(missing)?;
    match state.engine.create_service(name, service, &by).await {
        Ok(()) => Ok(Json(DONE)),
        Err(Failure::NoProject(_)) => Err(missing()),
        Err(failure) => Err(failure.into()),
    }
}

/// Deletes a service in every stage of a project; one that is not there is as good as deleted
#[utoipa::path(delete, path = "/api/controlPlane/v1/project/{project}/service/{service}",
    operation_id = "deleteService", tag = "Services",
    params(ProjectPath, ("service" = wire::ServiceName, Path, description = "The service.")),
    responses(Guarded, Parsed, Changes, Upstream,
        (status = 200, description = "It is not there any more.", body = Done),
        (status = 404, description = "There is no such project.", body = Error),
    ))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    Path((project, service)): Path<(String, String)>,
    Caller(by): Caller,
) -> Result<Json<Done>, ApiError> {
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(&project)));
    let name = path::project(&project).ok_or_else(missing)?;
    if let Ok(service) = ServiceName::new(&service) {
        match state.engine.delete_service(name, service, &by).await {
            Ok(()) | Err(Failure::NoService(..)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(Json(DONE))
}

fn new_name(text: &str) -> Result<ServiceName, ApiError> {
    if text.is_empty() {
        return Err(ApiError::bad_request("must provide a service name"));
    }
    if text.len() > SERVICE_NAME_BYTES_MAX {
        let why =
            format!("service name exceeds maximum size of {SERVICE_NAME_BYTES_MAX} characters");
        return Err(ApiError::bad_request(why));
    }
    ServiceName::new(text).map_err(|error| {
        let why = format!("Service name contains special character(s). {error}");
        ApiError::bad_request(why)
    })
}
