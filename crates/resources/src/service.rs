//! Adding a service to the stages of a project, and removing it.

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Tree};
use jiff::Timestamp;
use tidegate_core::names::{ProjectName, ServiceName, StageName};

use crate::error::{Obstacle, ResourceError};
use crate::layout;
use crate::path::{ResourcePathError, is_reserved_by_git};
use crate::place::{Branch, Place};
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::{self, Node};

impl Repositories {
    /// Adds a service's directory, with its `metadata.yaml`, to each of the stages that does not
    /// have it: one commit per stage. A repeat after a crash completes what was begun, and answers
    /// [`ResourceError::ServiceExists`] where nothing was left to do.
    ///
    /// # Errors
    /// [`ResourceError::ServiceExists`], [`ResourceError::ProjectNotFound`];
    /// [`ResourceError::StageNotFound`] before anything is written; [`ResourceError::InvalidPath`]
    /// where Git cannot have a directory of this name; [`ResourceError::Obstructed`] where a file
    /// has the name.
    pub fn create_service(
        &self,
        project: &ProjectName,
        stages: &[StageName],
        service: &ServiceName,
        now: Timestamp,
    ) -> Result<(), ResourceError> {
        if is_reserved_by_git(service.as_str()) {
            let problem = "Git takes a directory of this name for its own; rename the service";
            return Err(ResourcePathError::new(service.as_str(), problem).into());
        }
        self.writing(project, |project| {
            let mut without = Vec::new();
            for stage in stages {
                if !project.has_service(stage, service)? {
                    without.push(stage);
                }
            }
            if without.is_empty() && !stages.is_empty() {
                return Err(ResourceError::ServiceExists {
                    project: project.name.clone(),
                    service: service.clone(),
                });
            }
            let message = layout::service_added(service);
            let metadata = layout::service_metadata(service, now);
            for stage in without {
                project.append(Branch::Stage(stage), &message, now, |root| {
                    project.with_metadata(root, stage, service, &metadata)
                })?;
            }
            Ok(())
        })
    }
}

impl Repositories {
    /// Removes a service's directory from each of the stages that have it: one commit per stage. Its
    /// files stay in the history. A repeat after a crash completes what was begun.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`]; [`ResourceError::Obstructed`] where a file has the name.
    pub fn delete_service(
        &self,
        project: &ProjectName,
        stages: &[StageName],
        service: &ServiceName,
        now: Timestamp,
    ) -> Result<(), ResourceError> {
        self.writing(project, |project| {
            let message = layout::service_removed(service);
            for stage in stages {
                match project.has_service(stage, service) {
                    Ok(true) => {}
                    // A stage that nobody has a branch of has no directory either.
                    Ok(false) | Err(ResourceError::StageNotFound { .. }) => continue,
                    Err(error) => return Err(error),
                }
                project.append(Branch::Stage(stage), &message, now, |root| {
                    let mut update = TreeUpdateBuilder::new();
                    update.remove(format!("{}{service}", project.prefix(&stage_place(stage))?));
                    Ok(update.create_updated(&project.repo, root)?)
                })?;
            }
            Ok(())
        })
    }
}

impl Project<'_> {
    fn has_service(&self, stage: &StageName, service: &ServiceName) -> Result<bool, ResourceError> {
        let root = self.tip(Branch::Stage(stage))?.tree()?;
        let path = self.prefix(&Place::Service(stage.clone(), service.clone()))?;
        let obstacle = match tree::find(&self.repo, &root, path.split_terminator('/'))? {
            Node::Directory(_) => return Ok(true),
            Node::Nothing => return Ok(false),
            Node::File(_) => Obstacle::File,
            Node::SymbolicLink => Obstacle::SymbolicLink,
            Node::Blocked(obstacle) => obstacle,
        };
        Err(ResourceError::Obstructed {
            project: self.name.clone(),
            place: Place::Stage(stage.clone()),
            path: service.to_string(),
            obstacle,
        })
    }

    pub(crate) fn with_metadata(
        &self,
        root: &Tree<'_>,
        stage: &StageName,
        service: &ServiceName,
        metadata: &str,
    ) -> Result<Oid, ResourceError> {
        let blob = self.repo.blob(metadata.as_bytes())?;
        let path = format!("{}{service}/{}", self.prefix(&stage_place(stage))?, layout::METADATA);
        Ok(TreeUpdateBuilder::new()
            .upsert(path, blob, FileMode::Blob)
            .create_updated(&self.repo, root)?)
    }
}

fn stage_place(stage: &StageName) -> Place {
    Place::Stage(stage.clone())
}

#[cfg(test)]
mod tests;
