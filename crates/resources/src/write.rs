//! Writing files: one commit for all of them. The archive of a chart is kept as a directory.

use std::collections::BTreeMap;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Tree};
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName};

use crate::chart::{self, CHART_BYTES_MAX};
use crate::error::{Obstacle, ResourceError};
use crate::layout;
use crate::path::ResourcePath;
use crate::place::Place;
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::{self, Node};

/// Largest file that is written or read, in bytes.
pub const RESOURCE_BYTES_MAX: usize = 15 * 1024 * 1024;

/// Most files of one write.
pub const WRITE_FILES_MAX: usize = 1_000;

impl Repositories {
    /// Creates or replaces files in one commit, and answers with it. Where nothing changes there is
    /// a commit all the same, as in Keptn 1.4. Of two contents for one path the later counts. A
    /// file is written plain: it replaces a symbolic link, and loses an executable bit. What is sent
    /// as `helm/<name>.tgz` is written as the files of the directory `helm/<name>`, in place of what
    /// was there.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::ServiceNotFound`], [`ResourceError::TooLarge`], [`ResourceError::TooManyAtOnce`],
    /// [`ResourceError::NoChart`];
    /// [`ResourceError::Obstructed`] where a directory has the path, or a file that of a directory.
    pub fn write(
        &self,
        project: &ProjectName,
        place: &Place,
        files: &[(ResourcePath, Vec<u8>)],
        now: Timestamp,
    ) -> Result<CommitId, ResourceError> {
        if files.len() > WRITE_FILES_MAX {
            return Err(ResourceError::TooManyAtOnce(files.len()));
        }
        let (mut entries, mut left) = (BTreeMap::new(), CHART_BYTES_MAX);
        for (path, content) in files {
            let (path, entry) = entry(path, content, &mut left)?;
            entries.insert(path, entry);
        }
        self.writing(project, |project| {
            project.refuse_nested(place, &entries)?;
            project.append(place.branch(), layout::RESOURCE_WRITTEN, now, |root| {
                project.with_entries(root, place, &entries)
            })
        })
    }
}

/// What a path stands for once it is written.
enum Entry<'a> {
    File(&'a [u8]),
    /// The directory of a chart, and the archive that it takes the place of.
    Chart(BTreeMap<ResourcePath, Vec<u8>>, &'a ResourcePath),
}

fn entry<'a>(
    path: &'a ResourcePath,
    content: &'a [u8],
    left: &mut usize,
) -> Result<(ResourcePath, Entry<'a>), ResourceError> {
    let oversized = |path: &ResourcePath, bytes| ResourceError::TooLarge {
        path: path.clone(),
        bytes,
        bytes_max: RESOURCE_BYTES_MAX,
    };
    if content.len() > RESOURCE_BYTES_MAX {
        return Err(oversized(path, content.len()));
    }
    let Some(directory) = chart::directory_of(path) else {
        return Ok((path.clone(), Entry::File(content)));
    };
    let files = chart::unpack(content, left)
        .map_err(|source| ResourceError::NoChart { path: path.clone(), source })?;
    match files.iter().find(|(_, content)| content.len() > RESOURCE_BYTES_MAX) {
        Some((path, content)) => Err(oversized(path, content.len())),
        None => Ok((directory, Entry::Chart(files, path))),
    }
}

impl Project<'_> {
    /// Refuses `a` next to `a/b`. In the order of paths, what is below a path follows it at once.
    fn refuse_nested(
        &self,
        place: &Place,
        entries: &BTreeMap<ResourcePath, Entry<'_>>,
    ) -> Result<(), ResourceError> {
        let below = |(upper, lower): &(&ResourcePath, &ResourcePath)| {
            lower.as_str().strip_prefix(upper.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        match entries.keys().zip(entries.keys().skip(1)).find(below) {
            None => Ok(()),
            Some((_, lower)) => Err(self.obstructed(place, lower, Obstacle::File)),
        }
    }

    fn with_entries(
        &self,
        root: &Tree<'_>,
        place: &Place,
        entries: &BTreeMap<ResourcePath, Entry<'_>>,
    ) -> Result<Oid, ResourceError> {
        let directory = self.descend(root, place)?;
        let node = |path: &ResourcePath| tree::find(&self.repo, &directory, path.segments());
        let prefix = self.prefix(place)?;
        let mut update = TreeUpdateBuilder::new();
        for (path, entry) in entries {
            match (node(path)?, entry) {
                (Node::Nothing | Node::File(_) | Node::SymbolicLink, Entry::File(_))
                | (Node::Nothing | Node::Directory(_), Entry::Chart(..)) => {}
                (Node::Directory(_), Entry::File(_)) => {
                    return Err(self.obstructed(place, path, Obstacle::Directory));
                }
                (Node::File(_), Entry::Chart(..)) => {
                    return Err(self.obstructed(place, path, Obstacle::File));
                }
                (Node::SymbolicLink, Entry::Chart(..)) => {
                    return Err(self.obstructed(place, path, Obstacle::SymbolicLink));
                }
                (Node::Blocked(obstacle), _) => {
                    return Err(self.obstructed(place, path, obstacle));
                }
            }
            match entry {
                Entry::File(content) => {
                    let blob = self.repo.blob(content)?;
                    update.upsert(format!("{prefix}{path}"), blob, FileMode::Blob);
                }
                Entry::Chart(files, archive) => {
                    let tree = self.tree_of(files)?;
                    update.upsert(format!("{prefix}{path}"), tree, FileMode::Tree);
                    // One that somebody has pushed as a file.
                    if let Node::File(_) | Node::SymbolicLink = node(archive)? {
                        update.remove(format!("{prefix}{archive}"));
                    }
                }
            }
        }
        Ok(update.create_updated(&self.repo, root)?)
    }

    fn tree_of(&self, files: &BTreeMap<ResourcePath, Vec<u8>>) -> Result<Oid, ResourceError> {
        let empty = self.repo.find_tree(self.repo.treebuilder(None)?.write()?)?;
        let mut update = TreeUpdateBuilder::new();
        for (path, content) in files {
            update.upsert(path.as_str(), self.repo.blob(content)?, FileMode::Blob);
        }
        Ok(update.create_updated(&self.repo, &empty)?)
    }

    pub(crate) fn obstructed(
        &self,
        place: &Place,
        path: &ResourcePath,
        obstacle: Obstacle,
    ) -> ResourceError {
        ResourceError::Obstructed {
            project: self.name.clone(),
            place: place.clone(),
            path: path.to_string(),
            obstacle,
        }
    }
}

#[cfg(test)]
mod tests;
