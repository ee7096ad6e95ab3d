//! Deleting a file: one commit without it.

use git2::Oid;
use git2::build::TreeUpdateBuilder;
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName};

use crate::chart;
use crate::error::ResourceError;
use crate::layout;
use crate::path::ResourcePath;
use crate::place::Place;
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::{self, Node};

impl Repositories {
    /// Deletes a file, or a symbolic link in its place. `helm/<name>.tgz` stands for the directory
    /// `helm/<name>` where there is one. A service stays where its last file goes: Git knows no empty
    /// directory, so an empty `metadata.yaml` takes its place.
    ///
    /// # Errors
    /// [`ResourceError::NotFound`], also where a directory has the path. Further
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::ServiceNotFound`].
    pub fn delete(
        &self,
        project: &ProjectName,
        place: &Place,
        path: &ResourcePath,
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        self.writing(project, |project| {
            project.append(place.branch(), layout::RESOURCE_DELETED, now, |root| {
                let directory = project.descend(root, place)?;
                let node =
                    |path: &ResourcePath| tree::find(&project.repo, &directory, path.segments());
                let chart = match chart::directory_of(path) {
                    Some(chart) => matches!(node(&chart)?, Node::Directory(_)).then_some(chart),
                    None => None,
                };
                let found = node(path)?;
                let is_file = matches!(found, Node::File(_) | Node::SymbolicLink);
                if chart.is_none() && !is_file {
                    return Err(project.missing(place, path, found.obstacle()));
                }
                let prefix = project.prefix(place)?;
                let mut update = TreeUpdateBuilder::new();
                // Somebody may have pushed the one beside the other.
                for gone in chart.iter().chain(is_file.then_some(path)) {
                    update.remove(format!("{prefix}{gone}"));
                }
                let tree = update.create_updated(&project.repo, root)?;
                project.with_service(tree, place)
            })
        })
    }
}

impl Project<'_> {
    /// The root of a branch that has the directory of a place.
    fn with_service(&self, root: Oid, place: &Place) -> Result<Oid, ResourceError> {
        let root = self.repo.find_tree(root)?;
        match (place, self.descend(&root, place)) {
            (Place::Service(stage, service), Err(ResourceError::ServiceNotFound { .. })) => {
                self.with_metadata(&root, stage, service, "")
            }
            (_, found) => found.map(|_| root.id()),
        }
    }
}

#[cfg(test)]
mod tests;
