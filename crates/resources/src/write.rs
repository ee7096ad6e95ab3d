//! Writing files: one commit for all of them.

use std::collections::BTreeMap;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Tree};
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName};

use crate::error::{Obstacle, ResourceError};
use crate::layout;
use crate::path::ResourcePath;
use crate::place::Place;
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::{self, Node};

/// Largest file that is written or read, in bytes.
pub const RESOURCE_BYTES_MAX: usize = 15 * 1024 * 1024;

impl Repositories {
    /// Creates or replaces files in one commit, and answers with it. Where nothing changes there is
    /// a commit all the same, as in Keptn 1.4. Of two contents for one path the later counts. A
    /// file is written plain: it replaces a symbolic link, and loses an executable bit.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::ServiceNotFound`], [`ResourceError::TooLarge`];
    /// [`ResourceError::Obstructed`] where a directory has the path, or a file that of a directory.
    pub fn write(
        &self,
        project: &ProjectName,
        place: &Place,
        files: &[(ResourcePath, Vec<u8>)],
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        let files: BTreeMap<&ResourcePath, &[u8]> =
            files.iter().map(|(path, content)| (path, content.as_slice())).collect();
        refuse_oversized(&files)?;
        self.writing(project, |project| {
            project.refuse_nested(place, &files)?;
            project.append(place.branch(), layout::RESOURCE_WRITTEN, now, |root| {
                project.with_files(root, place, &files)
            })
        })
    }
}

fn refuse_oversized(files: &BTreeMap<&ResourcePath, &[u8]>) -> Result<(), ResourceError> {
    match files.iter().find(|(_, content)| content.len() > RESOURCE_BYTES_MAX) {
        None => Ok(()),
        Some((path, content)) => Err(ResourceError::TooLarge {
            path: (*path).clone(),
            bytes: content.len(),
            bytes_max: RESOURCE_BYTES_MAX,
        }),
    }
}

impl Project<'_> {
    /// Refuses `a` next to `a/b`. In the order of paths, what is below a path follows it at once.
    fn refuse_nested(
        &self,
        place: &Place,
        files: &BTreeMap<&ResourcePath, &[u8]>,
    ) -> Result<(), ResourceError> {
        let below = |(upper, lower): &(&&ResourcePath, &&ResourcePath)| {
            lower.as_str().strip_prefix(upper.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        match files.keys().zip(files.keys().skip(1)).find(below) {
            None => Ok(()),
            Some((_, lower)) => Err(self.obstructed(place, lower, Obstacle::File)),
        }
    }

    fn with_files(
        &self,
        root: &Tree<'_>,
        place: &Place,
        files: &BTreeMap<&ResourcePath, &[u8]>,
    ) -> Result<Oid, ResourceError> {
        let directory = self.descend(self.repo.find_tree(root.id())?, place)?;
        let mut update = TreeUpdateBuilder::new();
        for (path, content) in files {
            match tree::find(&self.repo, &directory, path.segments())? {
                Node::Nothing | Node::File(_) | Node::SymbolicLink => {}
                Node::Directory(_) => {
                    return Err(self.obstructed(place, path, Obstacle::Directory));
                }
                Node::Blocked(obstacle) => return Err(self.obstructed(place, path, obstacle)),
            }
            let blob = self.repo.blob(content)?;
            update.upsert(within_branch(place, path), blob, FileMode::Blob);
        }
        Ok(update.create_updated(&self.repo, root)?)
    }

    fn obstructed(&self, place: &Place, path: &ResourcePath, obstacle: Obstacle) -> ResourceError {
        ResourceError::Obstructed {
            project: self.name.clone(),
            place: place.clone(),
            path: path.to_string(),
            obstacle,
        }
    }
}

fn within_branch(place: &Place, path: &ResourcePath) -> String {
    match place {
        Place::Project | Place::Stage(_) => path.to_string(),
        Place::Service(_, service) => format!("{service}/{path}"),
    }
}

#[cfg(test)]
mod tests;
