//! Reading and listing files, now or at a commit.

use git2::Oid;
use tidegate_core::names::{CommitId, ProjectName};

use crate::error::ResourceError;
use crate::path::{RESOURCE_PATH_SEGMENTS_MAX, ResourcePath};
use crate::place::Place;
use crate::repositories::Repositories;
use crate::repository::Project;
use crate::tree::{self, Node};
use crate::write::RESOURCE_BYTES_MAX;

/// Most files and directories that a listing looks at.
pub const LIST_ENTRIES_MAX: usize = 10_000;

impl Repositories {
    /// The content of a file: the newest on the place's branch, or that at a commit, which may be
    /// any commit of the repository. The size is looked at before the content is loaded.
    ///
    /// # Errors
    /// [`ResourceError::NotFound`] says what is there instead of a file. Further
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::ServiceNotFound`], [`ResourceError::CommitNotFound`],
    /// [`ResourceError::TooLarge`].
    pub fn read(
        &self,
        project: &ProjectName,
        place: &Place,
        path: &ResourcePath,
        at: Option<&CommitId>,
    ) -> Result<Vec<u8>, ResourceError> {
        let project = self.project(project)?;
        let directory = project.directory(place, at)?;
        match tree::find(&project.repo, &directory, path.segments())? {
            Node::File(id) => project.content(path, id),
            other => Err(ResourceError::NotFound {
                project: project.name.clone(),
                place: place.clone(),
                path: path.clone(),
                obstacle: other.obstacle(),
            }),
        }
    }

    /// The files of a place in the order of a walk through its directories. Left out are symbolic
    /// links, submodules, and files whose path is no [`ResourcePath`], which a push may bring.
    ///
    /// # Errors
    /// [`ResourceError::TooMany`] past [`LIST_ENTRIES_MAX`]. Further
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::StageNotFound`],
    /// [`ResourceError::ServiceNotFound`], [`ResourceError::CommitNotFound`].
    pub fn list(
        &self,
        project: &ProjectName,
        place: &Place,
        at: Option<&CommitId>,
    ) -> Result<Vec<ResourcePath>, ResourceError> {
        let project = self.project(project)?;
        let mut waiting = vec![Directory::top(project.directory(place, at)?.id())];
        let (mut files, mut seen) = (Vec::new(), 0);
        while let Some(directory) = waiting.pop() {
            let tree = project.repo.find_tree(directory.id)?;
            seen += tree.len();
            if seen > LIST_ENTRIES_MAX {
                return Err(ResourceError::TooMany {
                    project: project.name.clone(),
                    place: place.clone(),
                    entries_max: LIST_ENTRIES_MAX,
                });
            }
            for entry in &tree {
                let Ok(name) = entry.name() else { continue };
                match tree::node_of(&entry) {
                    Node::File(_) => {
                        files.extend(ResourcePath::new(&directory.path_of(name)).ok());
                    }
                    Node::Directory(id) => waiting.extend(directory.below(name, id)),
                    Node::Nothing | Node::SymbolicLink | Node::Blocked(_) => {}
                }
            }
        }
        files.sort_unstable();
        Ok(files)
    }
}

/// A directory that is still to be listed.
struct Directory {
    id: Oid,
    /// Empty, or ends with a slash.
    prefix: String,
    segments: usize,
}

impl Directory {
    const fn top(id: Oid) -> Self {
        Self { id, prefix: String::new(), segments: 0 }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A directory in this one, unless nothing in it could have a short enough path.
    fn below(&self, name: &str, id: Oid) -> Option<Self> {
        let segments = self.segments + 1;
        (segments < RESOURCE_PATH_SEGMENTS_MAX).then(|| Self {
            id,
            prefix: format!("{}{name}/", self.prefix),
            segments,
        })
    }
}

impl Project<'_> {
    fn content(&self, path: &ResourcePath, blob: Oid) -> Result<Vec<u8>, ResourceError> {
        let (bytes, _) = self.repo.odb()?.read_header(blob)?;
        if bytes > RESOURCE_BYTES_MAX {
            return Err(ResourceError::TooLarge {
                path: path.clone(),
                bytes,
                bytes_max: RESOURCE_BYTES_MAX,
            });
        }
        Ok(self.repo.find_blob(blob)?.content().to_vec())
    }
}

#[cfg(test)]
mod tests;
