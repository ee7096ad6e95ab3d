//! The HTTP form of what the engine refuses or fails at.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tidegate_core::sequence::Refusal;
use tidegate_engine::Failure;
use tidegate_resources::ResourceError;
use tidegate_resources::upstream::UpstreamProblem;
use tidegate_store::StoreError;

use crate::error::ApiError;

/// When a server that has too much to do wants to be asked again.
const BUSY_S: u64 = 1;
/// When a server that was told to stop may be back.
const STOPPING_S: u64 = 5;

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        let unavailable = |text| Self::new(StatusCode::SERVICE_UNAVAILABLE, text);
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Busy => unavailable(text).retry_after(BUSY_S),
            Failure::Stopping => unavailable(text).retry_after(STOPPING_S),
            // No time to come back: repeating it may do it twice.
            Failure::OutcomeUnknown => unavailable(text),
            Failure::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, text),
            Failure::KeyReused => Self::conflict(text),
            Failure::Internal(_) => {
                tracing::error!(cause = %text, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
            }
            Failure::ProjectExists(name) => {
                let text = format!("could not create project '{name}': project already exists");
                Self::conflict(text)
            }
            Failure::NoProject(name) => Self::not_found(format!("Project not found: {name}")),
            Failure::NoService(..) => Self::not_found("service not found"),
            Failure::ServiceExists(..) => Self::conflict("service already exists"),
            Failure::Provisioning(_) => Self::new(StatusCode::FAILED_DEPENDENCY, text),
            Failure::Shipyard(error) => Self::bad_request(format!(
                "Could not validate payload: provided shipyard file is not valid: {error}"
            )),
            Failure::Resource(error) => error.into(),
            Failure::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::NoProject(_) | Refusal::NoApproval { .. } => Self::not_found(text),
            Refusal::AlreadyDecided(decided) => {
                Self::conflict(text).with("decided", json!(*decided))
            }
            Refusal::Closed(_) => Self::conflict(text),
            Refusal::Stale { changed, now } => Self::conflict(text)
                .with("subject", Value::from(now.to_string()))
                .with("changed", Value::from(changed)),
            Refusal::NoVoter(_) | Refusal::Blind | Refusal::NoReason => {
                Self::new(StatusCode::FORBIDDEN, text)
            }
            Refusal::Unreadable(_) | Refusal::Inconsistent(_) => Self::internal(&text),
        }
    }
}

impl From<ResourceError> for ApiError {
    fn from(error: ResourceError) -> Self {
        let text = error.to_string();
        match error {
            ResourceError::ProjectExists(_)
            | ResourceError::StageExists { .. }
            | ResourceError::UpstreamInitialized { .. }
            | ResourceError::ServiceExists { .. }
            | ResourceError::Obstructed { .. } => Self::conflict(text),
            ResourceError::ProjectNotFound(_)
            | ResourceError::DefaultBranchNotFound(_)
            | ResourceError::StageNotFound { .. }
            | ResourceError::ServiceNotFound { .. }
            | ResourceError::NotFound { .. }
            | ResourceError::UpstreamNotFound { .. }
            | ResourceError::CommitNotFound { .. } => Self::not_found(text),
            ResourceError::InvalidPath(_)
            | ResourceError::NoChart { .. }
            | ResourceError::NotAPush
            | ResourceError::TooManyAtOnce(_)
            | ResourceError::TooMany { .. } => Self::bad_request(text),
            ResourceError::InvalidUpstream(UpstreamProblem::Url(_))
            | ResourceError::UpstreamDenied(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, text),
            ResourceError::InvalidUpstream(_) => Self::bad_request(text),
            ResourceError::BrokenSeal(_)
            | ResourceError::Unauthorized { .. }
            | ResourceError::UpstreamRefused { .. } => {
                Self::new(StatusCode::FAILED_DEPENDENCY, text)
            }
            ResourceError::ReadOnly { .. } => Self::new(StatusCode::FORBIDDEN, text),
            ResourceError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
            ResourceError::Contended { .. } | ResourceError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(BUSY_S)
            }
            ResourceError::HostConfiguration(_)
            | ResourceError::Git(_)
            | ResourceError::Program(_)
            | ResourceError::Io { .. } => Self::internal(&text),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Full(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, text),
            StoreError::Unavailable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(BUSY_S)
            }
            StoreError::Database(_)
            | StoreError::Postgres(_)
            | StoreError::Damaged { .. }
            | StoreError::Io { .. }
            | StoreError::OutcomeUnknown(_)
            | StoreError::Unfit { .. }
            | StoreError::Version(_) => Self::internal(&text),
        }
    }
}
