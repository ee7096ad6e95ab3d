//! Moving a branch forward by one commit, and never in any other way.

use std::time::Duration;

use git2::{ErrorCode, Oid, Tree};
use jiff::Timestamp;
use tidegate_core::names::CommitId;

use crate::disk;
use crate::error::ResourceError;
use crate::layout;
use crate::place::Branch;
use crate::repository::{Project, commit_id};

/// How often a commit is made anew on a branch that another program has moved: for some two seconds, so that
/// one that writes without a pause is waited for on a slow machine too. Within the process
/// the project's lock makes the first attempt the last.
const ATTEMPTS_MAX: u32 = 9;
const PAUSE_FIRST: Duration = Duration::from_millis(5);

impl Project<'_> {
    /// Commits a change on top of a branch. The change gets the tree of the tip and answers with
    /// the id of the new one; it is asked again where another program was faster.
    pub(crate) fn append(
        &self,
        branch: Branch<'_>,
        message: &str,
        now: Timestamp,
        mut change: impl FnMut(&Tree<'_>) -> Result<Oid, ResourceError>,
    ) -> Result<CommitId, ResourceError> {
        let reference = self.reference(branch)?;
        for attempt in 0..ATTEMPTS_MAX {
            let parent = self.tip(branch)?;
            let tree = change(&parent.tree()?)?;
            let commit = self.commit_object(message, now, tree, &[&parent])?;
            self.sync_objects()?;
            match self.repo.reference_matching(&reference, commit, true, parent.id(), message) {
                Ok(_) => return Ok(commit_id(commit)),
                Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Locked) => {
                    std::thread::sleep(PAUSE_FIRST * 2_u32.pow(attempt));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(ResourceError::Contended { project: self.name.clone(), reference })
    }

    /// Writes a commit that no branch knows yet.
    pub(crate) fn commit_object(
        &self,
        message: &str,
        now: Timestamp,
        tree: Oid,
        parents: &[&git2::Commit<'_>],
    ) -> Result<Oid, ResourceError> {
        let author = layout::signature(now)?;
        let tree = self.repo.find_tree(tree)?;
        Ok(self.repo.commit(None, &author, &author, message, &tree, parents)?)
    }

    /// libgit2 syncs an object and the directory it is in, but not the directory above, which may
    /// just have got a new entry.
    fn sync_objects(&self) -> Result<(), ResourceError> {
        disk::sync_dir(&self.repo.path().join("objects"))
    }
}
