//! Creating and removing a project.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use git2::FileMode;
use git2::build::TreeUpdateBuilder;
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName, StageName};

use crate::disk;
use crate::error::ResourceError;
use crate::layout;
use crate::place::{Branch, StageLayout};
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::optional;

impl Repositories {
    /// Creates a project in Keptn's layout: the default branch with `metadata.yaml`, a branch for
    /// each stage from there, then the shipyard on the default branch (so stage branches do not
    /// hold it). Answers with the tip of the default branch.
    ///
    /// Made aside, synced, then moved into place: after a crash there is all of it or nothing.
    ///
    /// # Errors
    /// [`ResourceError::ProjectExists`]; [`ResourceError::StageExists`] where two stages have one
    /// name or a stage is called like the default branch.
    pub fn create_project(
        &self,
        project: &ProjectName,
        stages: &[StageName],
        shipyard: &str,
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        refuse_colliding(project, stages)?;
        self.make(project, |aside| self.build(aside, project, stages, shipyard, now))
    }

    /// Makes a project aside, and moves it into place when all of it is there.
    pub(crate) fn make(
        &self,
        project: &ProjectName,
        build: impl FnOnce(&Path) -> Result<CommitId, ResourceError>,
    ) -> Result<CommitId, ResourceError> {
        self.alone(project, || {
            let dir = self.dir(project);
            // The reserved project is kept elsewhere and always there.
            if project.is_unmapped() || dir.exists() {
                return Err(ResourceError::ProjectExists(project.clone()));
            }
            let aside = self.unfinished_dir();
            let made = build(&aside).and_then(|tip| {
                disk::at(&dir, fs::rename(&aside, &dir))?;
                Ok(tip)
            });
            if made.is_err() {
                // The error that counts is the first; what stays is swept at the next start.
                let _ = fs::remove_dir_all(&aside);
            }
            let tip = made?;
            disk::sync_dir(self.root())?;
            Ok(tip)
        })
    }

    fn build(
        &self,
        dir: &Path,
        name: &ProjectName,
        stages: &[StageName],
        shipyard: &str,
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        let project = Project::init(dir, self.writer_config(), name)?;
        let tip = project.lay_out(self.stages(), stages, shipyard, now)?;
        disk::sync_tree(dir)?;
        Ok(tip)
    }

    /// Removes a project with its history. Removing one that is not there is no error, as in
    /// Keptn 1.4.
    ///
    /// # Errors
    /// [`ResourceError::Io`] where the directory cannot be moved.
    pub fn remove_project(&self, project: &ProjectName) -> Result<(), ResourceError> {
        self.alone(project, || {
            let (dir, aside) = (self.dir(project), self.unfinished_dir());
            match fs::rename(&dir, &aside) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return disk::at(&dir, Err(error)),
            }
            disk::sync_dir(self.root())?;
            // The project is gone for good; only the space is not free yet.
            if let Err(error) = fs::remove_dir_all(&aside) {
                tracing::warn!(
                    project = %project, path = %aside.display(), %error,
                    "Could not delete the files of a removed project; will try again at the next start"
                );
            }
            Ok(())
        })
    }
}

impl Project<'_> {
    /// Makes Keptn's layout on top of what is on the default branch, and answers with its tip.
    pub(crate) fn lay_out(
        &self,
        how: StageLayout,
        stages: &[StageName],
        shipyard: &str,
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        let default = self.reference(Branch::Default)?;
        let former = optional(self.repo.find_reference(&default))?;
        let former = former.map(|found| found.peel_to_commit()).transpose()?;
        let below = former.as_ref().map(git2::Commit::tree).transpose()?;
        let metadata = layout::project_metadata(self.name, how, now);
        let root = self.put(below.as_ref(), layout::METADATA, metadata.as_bytes())?;
        let parents: Vec<&git2::Commit<'_>> = former.iter().collect();
        let first = self.commit_object(layout::PROJECT_CREATED, now, root, &parents)?;
        let first_commit = self.repo.find_commit(first)?;
        self.repo.reference(&default, first, former.is_some(), layout::PROJECT_CREATED)?;
        for stage in stages {
            match how {
                StageLayout::Branches => self.add_stage(stage, &first_commit, now)?,
                StageLayout::Directories => {
                    let metadata = self.repo.blob(layout::stage_metadata(stage, now).as_bytes())?;
                    let path = format!("{}/{stage}/{}", layout::STAGES, layout::METADATA);
                    self.append(Branch::Default, &layout::stage_added(stage), now, |root| {
                        let mut update = TreeUpdateBuilder::new();
                        update.upsert(&path, metadata, FileMode::Blob);
                        Ok(update.create_updated(&self.repo, root)?)
                    })?;
                }
            }
        }
        self.append(Branch::Default, layout::RESOURCE_WRITTEN, now, |root| {
            self.put(Some(root), layout::SHIPYARD, shipyard.as_bytes())
        })
    }

    /// Makes the branch of a stage, on top of what the project begins with.
    pub(crate) fn add_stage(
        &self,
        stage: &StageName,
        first: &git2::Commit<'_>,
        now: Timestamp,
    ) -> Result<(), ResourceError> {
        let message = layout::STAGE_CREATED;
        let commit = self.commit_object(message, now, first.tree_id(), &[first])?;
        self.repo.reference(&layout::stage_reference(stage), commit, false, message)?;
        Ok(())
    }

    /// Writes a file and the directory that has it among what it had before.
    fn put(
        &self,
        directory: Option<&git2::Tree<'_>>,
        name: &str,
        content: &[u8],
    ) -> Result<git2::Oid, ResourceError> {
        let mut tree = self.repo.treebuilder(directory)?;
        tree.insert(name, self.repo.blob(content)?, FileMode::Blob.into())?;
        Ok(tree.write()?)
    }
}

fn refuse_colliding(project: &ProjectName, stages: &[StageName]) -> Result<(), ResourceError> {
    let mut taken = HashSet::from([layout::DEFAULT_BRANCH]);
    match stages.iter().find(|stage| !taken.insert(stage.as_str())) {
        None => Ok(()),
        Some(stage) => {
            Err(ResourceError::StageExists { project: project.clone(), stage: stage.clone() })
        }
    }
}

#[cfg(test)]
mod tests;
