//! Files of a project, as a delivery sees them.

use tidegate_core::event::Scope;
use tidegate_core::names::{CommitId, ProjectName};
use tidegate_engine::{Engine, Failure};
use tidegate_resources::{Place, ResourceError, ResourcePath};

/// What makes the next place count, or says that there is no such file.
pub(crate) fn is_missing(error: &ResourceError) -> bool {
    matches!(
        error,
        ResourceError::NotFound { .. }
            | ResourceError::StageNotFound { .. }
            | ResourceError::ServiceNotFound { .. }
    )
}

/// A text file at one place; none where there is none.
///
/// # Errors
/// Why it cannot be read, as a sentence.
pub(crate) async fn text(
    engine: &Engine,
    project: &ProjectName,
    place: Place,
    path: &str,
    commit: Option<CommitId>,
) -> Result<Option<String>, String> {
    let (project, path) =
        (project.clone(), ResourcePath::new(path).map_err(|error| error.to_string())?);
    let shown = path.to_string();
    let read = engine
        .git(move |git| match git.read(&project, &place, &path, commit.as_ref()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Failure::from(error)),
        })
        .await;
    let bytes = read.map_err(|error| error.to_string())?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| format!("{shown} is not UTF-8 text"))
}

/// The place of a service's own files.
pub(crate) fn of_service(scope: &Scope) -> Place {
    Place::Service(scope.stage.clone(), scope.service.clone())
}
