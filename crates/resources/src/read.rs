//! Reading and listing files, now or at a commit.

use std::collections::BTreeMap;

use git2::Oid;
use tidegate_core::names::{CommitId, ProjectName};

use crate::chart::{self, CHART_BYTES_MAX};
use crate::error::{Obstacle, ResourceError};
use crate::layout;
use crate::path::{RESOURCE_PATH_SEGMENTS_MAX, ResourcePath};
use crate::place::Place;
use crate::repositories::Repositories;
use crate::repository::{Project, commit_id};
use crate::tree::{self, Node};
use crate::write::RESOURCE_BYTES_MAX;

/// Most files and directories that a listing looks at.
pub const LIST_ENTRIES_MAX: usize = 10_000;

impl Repositories {
    /// The content of a file: the newest on the place's branch, or that at a commit, which may be
    /// any commit of the repository. The size is looked at before the content is loaded.
    ///
    /// As in Keptn 1.4, the newest `helm/<name>.tgz` is packed from the directory `helm/<name>`, and
    /// that at a commit is not: whoever names a commit reads the files.
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
        self.read_versioned(project, place, path, at).map(|(content, _)| content)
    }

    /// The same, with the commit that it was read at.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_versioned(
        &self,
        project: &ProjectName,
        place: &Place,
        path: &ResourcePath,
        at: Option<&CommitId>,
    ) -> Result<(Vec<u8>, CommitId), ResourceError> {
        let project = self.project(project)?;
        let (directory, version) = project.directory(place, at)?;
        let node = |path: &ResourcePath| tree::find(&project.repo, &directory, path.segments());
        let content = match (node(path)?, chart::directory_of(path)) {
            (Node::File(id), _) => project.content(path, id)?,
            (other, Some(chart)) if at.is_none() => match node(&chart)? {
                Node::Directory(id) => project.chart(&chart, id)?,
                _ => return Err(project.missing(place, path, other.obstacle())),
            },
            (other, _) => return Err(project.missing(place, path, other.obstacle())),
        };
        Ok((content, version))
    }

    /// The commit that a text names: an id, a branch, a tag, or one of their ancestors (`qa~2`).
    ///
    /// # Errors
    /// [`ResourceError::CommitNotFound`], [`ResourceError::ProjectNotFound`].
    pub fn revision(&self, project: &ProjectName, text: &str) -> Result<CommitId, ResourceError> {
        let project = self.project(project)?;
        // What else Git takes for a name looks through the whole history for a pattern.
        let found = match text.contains([':', '{', '@']) {
            true => Err(git2::Error::from_str("no revision")),
            false => project.repo.revparse_single(text).and_then(|found| found.peel_to_commit()),
        };
        let unknown = |_| ResourceError::CommitNotFound {
            project: project.name.clone(),
            commit: text.chars().take(64).filter(|c| !c.is_control()).collect(),
        };
        found.map(|commit| commit_id(commit.id())).map_err(unknown)
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
        let top = project.directory(place, at)?.0.id();
        let files = project.files(top)?.ok_or_else(|| ResourceError::TooMany {
            project: project.name.clone(),
            place: place.clone(),
            entries_max: LIST_ENTRIES_MAX,
        })?;
        let stages = format!("{}/", layout::STAGES);
        // As in Keptn: what belongs to stages is not among the files of the project.
        let own = |path: &ResourcePath| !path.as_str().starts_with(&stages);
        Ok(files.into_keys().filter(own).collect())
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
    /// The files below a directory, with their ids; none where there is too much of it.
    fn files(&self, top: Oid) -> Result<Option<BTreeMap<ResourcePath, Oid>>, ResourceError> {
        let mut waiting = vec![Directory::top(top)];
        let (mut files, mut seen) = (BTreeMap::new(), 0);
        while let Some(directory) = waiting.pop() {
            let tree = self.repo.find_tree(directory.id)?;
            seen += tree.len();
            if seen > LIST_ENTRIES_MAX {
                return Ok(None);
            }
            for entry in &tree {
                let Ok(name) = entry.name() else { continue };
                match tree::node_of(&entry) {
                    Node::File(id) => {
                        let path = ResourcePath::new(&directory.path_of(name)).ok();
                        files.extend(path.map(|path| (path, id)));
                    }
                    Node::Directory(id) => waiting.extend(directory.below(name, id)),
                    Node::Nothing | Node::SymbolicLink | Node::Blocked(_) => {}
                }
            }
        }
        Ok(Some(files))
    }

    /// The archive of a chart that is kept as a directory.
    fn chart(&self, path: &ResourcePath, directory: Oid) -> Result<Vec<u8>, ResourceError> {
        let too_large = |bytes| ResourceError::TooLarge {
            path: path.clone(),
            bytes,
            bytes_max: CHART_BYTES_MAX,
        };
        let ids = self.files(directory)?.ok_or_else(|| too_large(usize::MAX))?;
        let (mut files, mut bytes) = (BTreeMap::new(), 0);
        for (below, id) in ids {
            let content = self.content(&below, id)?;
            bytes += content.len();
            if bytes > CHART_BYTES_MAX {
                return Err(too_large(bytes));
            }
            files.insert(below, content);
        }
        let name = path.segments().next_back().unwrap_or_default();
        chart::pack(name, &files)
            .map_err(|source| ResourceError::NoChart { path: path.clone(), source: source.into() })
    }

    pub(crate) fn missing(
        &self,
        place: &Place,
        path: &ResourcePath,
        obstacle: Obstacle,
    ) -> ResourceError {
        ResourceError::NotFound {
            project: self.name.clone(),
            place: place.clone(),
            path: path.clone(),
            obstacle,
        }
    }

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
