//! One project's repository, opened for one operation.

use std::fs;
use std::path::Path;

use git2::{Commit, Config, Oid, Repository, Tree};
use tidegate_core::names::{CommitId, ProjectName, StageName};

use crate::disk;
use crate::error::ResourceError;
use crate::layout;
use crate::place::{Branch, Place, StageLayout};
use crate::tree::{self, Node, optional};

/// How libgit2 writes to a repository, whatever host and repository are configured to.
/// `fsyncObjectFiles` covers objects, branches and their directories. It is not in the repository's
/// own file because newer versions of `git` print a warning about it, which reaches those who push.
pub(crate) const WRITER_CONFIG: &str = "\
[core]
\tfsyncObjectFiles = true
\tlogAllRefUpdates = false
\tprotectHFS = true
\tprotectNTFS = true
";

/// The repository's own configuration, for `git` itself.
const REPOSITORY_CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tfsync = all
";

/// A project's open repository.
pub(crate) struct Project<'a> {
    pub(crate) name: &'a ProjectName,
    pub(crate) repo: Repository,
}

impl<'a> Project<'a> {
    /// Makes an empty bare repository, whose default branch has no commit yet. Written file by file
    /// rather than by `git init`: no template of the host gets in. Nothing is synced.
    pub(crate) fn init(
        dir: &Path,
        writer_config: &Path,
        name: &'a ProjectName,
    ) -> Result<Self, ResourceError> {
        for inner in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            disk::create_private_dir(&dir.join(inner))?;
        }
        let head = format!("ref: {}\n", layout::reference(layout::DEFAULT_BRANCH));
        for (file, content) in [("HEAD", head.as_str()), ("config", REPOSITORY_CONFIG)] {
            let path = dir.join(file);
            disk::at(&path, fs::write(&path, content))?;
        }
        Self::open(dir, writer_config, name)
    }

    /// Opens the repository of a project.
    pub(crate) fn open(
        dir: &Path,
        writer_config: &Path,
        name: &'a ProjectName,
    ) -> Result<Self, ResourceError> {
        let repo = optional(Repository::open_bare(dir))?
            .ok_or_else(|| ResourceError::ProjectNotFound(name.clone()))?;
        // Before the first object or branch is touched: both look at the configuration once.
        repo.set_config(&Config::open(writer_config)?)?;
        Ok(Self { name, repo })
    }

    /// The full name of a branch.
    pub(crate) fn reference(&self, branch: Branch<'_>) -> Result<String, ResourceError> {
        match branch {
            Branch::Default => {
                let head = self.repo.find_reference("HEAD")?;
                let target = head.symbolic_target()?.map(str::to_owned);
                target.ok_or_else(|| self.no_branch(branch))
            }
            Branch::Stage(stage) => self.stage(stage).map(|(reference, _)| reference),
        }
    }

    /// Where a stage is: its own branch, or a directory of the default one.
    fn stage(&self, stage: &StageName) -> Result<(String, StageLayout), ResourceError> {
        let default = self.reference(Branch::Default)?;
        let own = layout::stage_reference(stage);
        // Or what is checked in a project's own files could be written as those of a stage.
        if own != default && optional(self.repo.find_reference(&own))?.is_some() {
            return Ok((own, StageLayout::Branches));
        }
        let Some(found) = optional(self.repo.find_reference(&default))? else {
            return Err(self.no_stage(stage));
        };
        let path = [layout::STAGES, stage.as_str()];
        match tree::find(&self.repo, &found.peel_to_tree()?, path.into_iter())? {
            Node::Directory(_) => Ok((default, StageLayout::Directories)),
            _ => Err(self.no_stage(stage)),
        }
    }

    /// What stands before the paths of a place, from the root of its branch: nothing, or directories with
    /// a slash each.
    pub(crate) fn prefix(&self, place: &Place) -> Result<String, ResourceError> {
        let (stage, service) = match place {
            Place::Project => return Ok(String::new()),
            Place::Stage(stage) => (stage, String::new()),
            Place::Service(stage, service) => (stage, format!("{service}/")),
        };
        Ok(match self.stage(stage)?.1 {
            StageLayout::Branches => service,
            StageLayout::Directories => format!("{}/{stage}/{service}", layout::STAGES),
        })
    }

    /// The newest commit of a branch.
    pub(crate) fn tip(&self, branch: Branch<'_>) -> Result<Commit<'_>, ResourceError> {
        let reference = optional(self.repo.find_reference(&self.reference(branch)?))?
            .ok_or_else(|| self.no_branch(branch))?;
        Ok(reference.peel_to_commit()?)
    }

    fn no_branch(&self, branch: Branch<'_>) -> ResourceError {
        match branch {
            Branch::Default => ResourceError::DefaultBranchNotFound(self.name.clone()),
            Branch::Stage(stage) => self.no_stage(stage),
        }
    }

    fn no_stage(&self, stage: &StageName) -> ResourceError {
        ResourceError::StageNotFound { project: self.name.clone(), stage: stage.clone() }
    }

    /// The commit with this id, wherever in the repository it is.
    pub(crate) fn commit(&self, id: &CommitId) -> Result<Option<Commit<'_>>, ResourceError> {
        Ok(optional(self.repo.find_commit(Oid::from_str(id.as_str())?))?)
    }

    /// The directory of a place, now or at a commit, and which commit that is. The stage must be there now
    /// in either case.
    pub(crate) fn directory(
        &self,
        place: &Place,
        at: Option<&CommitId>,
    ) -> Result<(Tree<'_>, CommitId), ResourceError> {
        let tip = self.tip(place.branch())?;
        let commit = match at {
            None => tip,
            Some(id) => self.commit(id)?.ok_or_else(|| self.no_commit(id))?,
        };
        Ok((self.descend(&commit.tree()?, place)?, commit_id(commit.id())))
    }

    /// The directory of a place, below the root of a branch.
    pub(crate) fn descend(
        &self,
        root: &Tree<'_>,
        place: &Place,
    ) -> Result<Tree<'_>, ResourceError> {
        let prefix = self.prefix(place)?;
        match tree::find(&self.repo, root, prefix.split_terminator('/'))? {
            Node::Directory(id) => Ok(self.repo.find_tree(id)?),
            _ => Err(match place {
                Place::Service(stage, service) => ResourceError::ServiceNotFound {
                    project: self.name.clone(),
                    stage: stage.clone(),
                    service: service.clone(),
                },
                Place::Stage(stage) => self.no_stage(stage),
                Place::Project => self.no_branch(Branch::Default),
            }),
        }
    }

    fn no_commit(&self, id: &CommitId) -> ResourceError {
        ResourceError::CommitNotFound { project: self.name.clone(), commit: id.to_string() }
    }
}

/// The id of a commit as the rest of Tidegate knows it.
pub(crate) fn commit_id(id: Oid) -> CommitId {
    CommitId::new(&id.to_string()).expect("a SHA-1 repository has ids of 40 hexadecimal digits")
}
