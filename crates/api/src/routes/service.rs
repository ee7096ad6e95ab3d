//! Services of a stage.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_core::names::ServiceName;
use tidegate_engine::Failure;

use super::project::ExpandedService;
use super::stage;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::{ApiError, shown};
use crate::path::{self, Path};
use crate::query::{PAGE, PageFields, Query};
use crate::state::ApiState;

/// Longest name of a new service, in bytes. Keptn 1.4's default.
const NAME_BYTES_MAX: usize = 43;

#[derive(Serialize)]
pub(crate) struct Services {
    services: Vec<ExpandedService>,
    #[serde(flatten)]
    page: PageFields,
}

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

pub(crate) async fn get(
    State(state): State<ApiState>,
    Path((project, stage, service)): Path<(String, String, String)>,
) -> Result<Json<ExpandedService>, ApiError> {
    let stage = stage::find(&state.engine, &project, &stage).await?;
    let mut services = stage.into_services().into_iter();
    let found = services.find(|known| known.service_name == *service);
    found.map(Json).ok_or_else(|| ApiError::not_found("service not found"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewService {
    #[serde(default)]
    service_name: Option<String>,
}

/// Keptn 1.4 answers 200, not 201.
pub(crate) async fn create(
    State(state): State<ApiState>,
    Path(project): Path<String>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewService>,
) -> Result<Json<Value>, ApiError> {
    let service = new_name(new.service_name.as_deref().unwrap_or_default())?;
    // Keptn 1.4 says so with 500.
    let missing = || {
        let project = shown(&project);
        let text = format!("could not get stages of project {project}: project not found");
        ApiError::not_found(text)
    };
    let name = path::project(&project).ok_or_else(missing)?;
    match state.engine.create_service(name, service, &by).await {
        Ok(()) => Ok(Json(json!({"message": ""}))),
        Err(Failure::NoProject(_)) => Err(missing()),
        Err(failure) => Err(failure.into()),
    }
}

/// Keptn 1.4: a service that is not there is as good as deleted.
pub(crate) async fn delete(
    State(state): State<ApiState>,
    Path((project, service)): Path<(String, String)>,
    Caller(by): Caller,
) -> Result<Json<Value>, ApiError> {
    let missing = || ApiError::not_found(format!("Project not found: {}", shown(&project)));
    let name = path::project(&project).ok_or_else(missing)?;
    if let Ok(service) = ServiceName::new(&service) {
        match state.engine.delete_service(name, service, &by).await {
            Ok(()) | Err(Failure::NoService(..)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(Json(json!({"message": ""})))
}

fn new_name(text: &str) -> Result<ServiceName, ApiError> {
    if text.is_empty() {
        return Err(ApiError::bad_request("must provide a service name"));
    }
    if text.len() > NAME_BYTES_MAX {
        let why = format!("service name exceeds maximum size of {NAME_BYTES_MAX} characters");
        return Err(ApiError::bad_request(why));
    }
    ServiceName::new(text).map_err(|error| {
        let why = format!("Service name contains special character(s). {error}");
        ApiError::bad_request(why)
    })
}
