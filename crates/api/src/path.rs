//! The variable parts of a path, decoded once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tidegate_core::names::ProjectName;

use crate::error::ApiError;

/// The variable parts of a path, as texts.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        match found {
            Ok(axum::extract::Path(values)) => Ok(Self(values)),
            Err(rejection) => Err(ApiError::format(rejection.body_text())),
        }
    }
}

/// A project that somebody may have created; none where no project can have this name.
pub(crate) fn project(text: &str) -> Option<ProjectName> {
    ProjectName::new(text).ok().filter(|name| !name.is_unmapped())
}
