//! What changes do to a project's repository, and what is read out of it. Each change can be done again
//! after a crash.

use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName, ServiceName, StageName};
use tidegate_core::shipyard::Shipyard;
use tidegate_resources::upstream::{Attempt, Upstreams};
use tidegate_resources::{Branch, Place, Repositories, ResourceError, ResourcePath};
use tidegate_store::NewProject;

use crate::failure::Failure;

/// Idempotent: done again after a crash, it finds what is there and goes on.
pub(crate) fn create_project(
    git: &Repositories,
    upstreams: &Upstreams,
    new: &NewProject,
    now: Timestamp,
    this: Attempt,
) -> Result<CommitId, ResourceError> {
    let NewProject { name, shipyard, stages, upstream } = new;
    let made = match upstream {
        None => git.create_project(name, stages, shipyard, now),
        Some(sealed) => {
            let upstream = upstreams.open(name, sealed)?;
            upstreams.create_project(name, &upstream, stages, shipyard, now, this)
        }
    };
    match made {
        // The repository appears whole or not at all: after a crash it is this very intent's.
        Err(ResourceError::ProjectExists(_)) if this == Attempt::Again => {
            git.tip(name, Branch::Default)
        }
        other => other,
    }
}

/// Idempotent as well.
pub(crate) fn create_service(
    git: &Repositories,
    project: &ProjectName,
    stages: &[StageName],
    service: &ServiceName,
    now: Timestamp,
) -> Result<CommitId, ResourceError> {
    match git.create_service(project, stages, service, now) {
        Ok(()) | Err(ResourceError::ServiceExists { .. }) => git.tip(project, Branch::Default),
        Err(error) => Err(error),
    }
}

/// The shipyard of the default branch, where it is another commit's and valid.
pub(crate) fn newest_shipyard(
    git: &Repositories,
    project: &ProjectName,
    known: &CommitId,
) -> Result<Option<(CommitId, String)>, ResourceError> {
    let tip = git.tip(project, Branch::Default)?;
    if tip == *known {
        return Ok(None);
    }
    Ok(shipyard_at(git, project, &tip)?.map(|text| (tip, text)))
}

/// The shipyard at a commit, where it is valid.
pub(crate) fn shipyard_at(
    git: &Repositories,
    project: &ProjectName,
    commit: &CommitId,
) -> Result<Option<String>, ResourceError> {
    let path = ResourcePath::new("shipyard.yaml")?;
    let bytes = git.read(project, &Place::Project, &path, Some(commit))?;
    Ok(String::from_utf8(bytes).ok().filter(|text| Shipyard::parse(text).is_ok()))
}

/// The new shipyard among the files that are written to a project's default branch.
pub(crate) fn shipyard_in(
    place: &Place,
    files: &[(ResourcePath, Vec<u8>)],
) -> Result<Option<String>, Failure> {
    if !matches!(place, Place::Project) {
        return Ok(None);
    }
    // Of two contents for one path the later counts.
    let found = files.iter().rev().find(|(path, _)| path.as_str() == "shipyard.yaml");
    let Some((_, bytes)) = found else { return Ok(None) };
    let text = String::from_utf8_lossy(bytes).into_owned();
    Shipyard::parse(&text)?;
    Ok(Some(text))
}
