//! What can go wrong with resources. Messages begin with Keptn's text where Keptn has one.

use std::fmt;
use std::path::PathBuf;

use tidegate_core::names::{ProjectName, ServiceName, StageName};

use crate::chart::ChartError;
use crate::path::{ResourcePath, ResourcePathError};
use crate::place::Place;
use crate::upstream::{BrokenSeal, UpstreamProblem};

/// Why an operation on the files of a project was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// The name is taken.
    #[error("Project already exists: {0}; choose another name, or delete that project first")]
    ProjectExists(ProjectName),
    /// A stage is named twice, or like the default branch.
    #[error("Stage already exists: project {project} has a branch {stage}; rename the stage")]
    StageExists {
        /// The project.
        project: ProjectName,
        /// The stage that collides.
        stage: StageName,
    },
    /// The service is in every stage asked for already.
    #[error("Service already exists: {service} is in all stages of project {project}")]
    ServiceExists {
        /// The project.
        project: ProjectName,
        /// The service.
        service: ServiceName,
    },
    /// No repository has this name.
    #[error("Project not found: {0}; check the name, or create the project first")]
    ProjectNotFound(ProjectName),
    /// The project's `HEAD` names a branch that is not there.
    #[error("Stage not found: the default branch of project {0} has no commit; push one to it")]
    DefaultBranchNotFound(ProjectName),
    /// The project has no branch of this name.
    #[error("Stage not found: {stage} in project {project}; check the project's shipyard")]
    StageNotFound {
        /// The project.
        project: ProjectName,
        /// The stage.
        stage: StageName,
    },
    /// The stage has no directory of this name.
    #[error(
        "Service not found: {service} in stage {stage} of project {project}; create the service first"
    )]
    ServiceNotFound {
        /// The project.
        project: ProjectName,
        /// The stage.
        stage: StageName,
        /// The service.
        service: ServiceName,
    },
    /// No regular file is at this path.
    #[error("Resource not found: {path} of {place} in project {project}: {obstacle}")]
    NotFound {
        /// The project.
        project: ProjectName,
        /// What the resource should belong to.
        place: Place,
        /// The path within the place.
        path: ResourcePath,
        /// What is there instead.
        obstacle: Obstacle,
    },
    /// A file cannot be written here.
    #[error("cannot write {path} to {place} in project {project}: {obstacle}; choose another path")]
    Obstructed {
        /// The project.
        project: ProjectName,
        /// What the resource should belong to.
        place: Place,
        /// The path within the place.
        path: String,
        /// What is in the way.
        obstacle: Obstacle,
    },
    /// The repository does not hold this commit.
    #[error("Commit not found: {commit} in project {project}; push it first, or leave it out")]
    CommitNotFound {
        /// The project.
        project: ProjectName,
        /// The commit, or the text that should name one.
        commit: String,
    },
    /// The text is not the path of a resource.
    #[error(transparent)]
    InvalidPath(#[from] ResourcePathError),
    /// The archive is no chart.
    #[error(
        "{path} is not the archive of a chart: {source}; pack one directory with `helm package`"
    )]
    NoChart {
        /// The path within its place.
        path: ResourcePath,
        /// What it is instead.
        source: ChartError,
    },
    /// A file is larger than [`crate::RESOURCE_BYTES_MAX`].
    #[error("resource {path} has {bytes} bytes, but {bytes_max} is the limit; store it elsewhere")]
    TooLarge {
        /// The path within its place.
        path: ResourcePath,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A write of more than [`crate::WRITE_FILES_MAX`] files.
    #[error("{0} files are too many for one commit; write at most 1000 at once")]
    TooManyAtOnce(usize),
    /// A place holds more than [`crate::LIST_ENTRIES_MAX`] files and directories.
    #[error(
        "{place} in project {project} holds more than {entries_max} files and directories; \
         list a service instead, or read the files by name"
    )]
    TooMany {
        /// The project.
        project: ProjectName,
        /// What was to be listed.
        place: Place,
        /// The limit.
        entries_max: usize,
    },
    /// Another program moved the branch each time, or holds its lock.
    #[error("another program keeps writing to {reference} of project {project}; try again")]
    Contended {
        /// The project.
        project: ProjectName,
        /// The full name of the branch.
        reference: String,
    },
    /// Too many clones and fetches are under way.
    #[error("too many clones and fetches are under way; try again in a moment")]
    Busy,
    /// The `git` program failed.
    #[error("git: {0}")]
    Program(String),
    /// What was given as an upstream is none.
    #[error(transparent)]
    InvalidUpstream(#[from] UpstreamProblem),
    /// The address is one that nobody is let go to.
    #[error("Invalid RemoteURL: {0}; the administrator does not allow it")]
    UpstreamDenied(String),
    /// The credentials were sealed with another key.
    #[error("Could not decode credentials for upstream repository: {0}")]
    BrokenSeal(#[from] BrokenSeal),
    /// The upstream does not let us in.
    #[error("Invalid git token: {url} does not let us in: {reason}")]
    Unauthorized {
        /// Where.
        url: String,
        /// What `git` says.
        reason: String,
    },
    /// The upstream is not there, or does not answer.
    #[error("Upstream repository not found: {url}: {reason}")]
    UpstreamNotFound {
        /// Where.
        url: String,
        /// What `git` says.
        reason: String,
    },
    /// The upstream is a project of somebody already.
    #[error(
        "Project already exists with an already initialized GIT repository: {url} has a \
         metadata.yaml; take an empty repository, or one without that file"
    )]
    UpstreamInitialized {
        /// Where.
        url: String,
    },
    /// The upstream does not take what is pushed.
    #[error("the upstream does not take the commit: {reason}; nothing was changed")]
    UpstreamRefused {
        /// What it says.
        reason: String,
    },
    /// What was sent as a push is none.
    #[error("the request is no push, or is cut short; send it with `git push`")]
    NotAPush,
    /// The files of the project are kept elsewhere, and here is a copy.
    #[error("this is a copy that cannot be pushed to; push to {url}")]
    ReadOnly {
        /// Where to push.
        url: String,
    },
    /// libgit2 reads the Git configuration of the user and the system before it lets go of it. Its
    /// settings do not count, but it must be readable.
    #[error(
        "cannot read the Git configuration of this user or system: {0}; mend that file, or start \
         with HOME unset or set to a directory that this user may read"
    )]
    HostConfiguration(#[source] git2::Error),
    /// The repository is damaged, or the disk refused.
    #[error("Git failed: {0}")]
    Git(#[from] git2::Error),
    /// The disk refused.
    #[error("cannot use {}: {source}; check the disk and the permissions", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ResourceError {
    /// Whether there is no such file, or no such place: where files are looked for in several, the next one
    /// counts.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::StageNotFound { .. } | Self::ServiceNotFound { .. }
        )
    }
}

/// What is at a path where a regular file was looked for or is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing.
    Nothing,
    /// A regular file, where a directory is needed.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, at the path or on the way to it.
    SymbolicLink,
    /// A submodule, at the path or on the way to it.
    Submodule,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "there is no such file",
            Self::File => "a file is where a directory is needed",
            Self::Directory => "it is a directory",
            Self::SymbolicLink => "a symbolic link is in the way, and links are not followed",
            Self::Submodule => "a submodule is in the way, and submodules are not followed",
        })
    }
}
