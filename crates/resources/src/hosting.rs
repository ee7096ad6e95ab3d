//! Hosting: clone, fetch and push by Git's smart HTTP protocol, which `git` itself speaks.
//!
//! A push is received under the project's lock, so it takes turns with what the API writes. What it
//! brings is looked at in quarantine by [`hook`], before any branch knows of it.

pub mod hook;
mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use git2::Oid;
use rustix::fs::{Access, access};
use tidegate_core::names::{CommitId, ProjectName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::child::{self, Git};
use crate::debris;
use crate::disk;
use crate::error::ResourceError;
use crate::repositories::Repositories;
use crate::repository::commit_id;

pub use crate::child::Transfer;
pub use pack::PackLimits;

/// Largest pack that a push may bring, in bytes, and largest request for one.
pub const PUSH_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Clones and fetches that are served at a time; others wait.
const TRANSFERS_MAX: usize = 8;
/// Requests whose bodies are on their way at a time.
const REQUESTS_MAX: usize = 32;
/// How long one of those may wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitService {
    /// To clone or to fetch.
    UploadPack,
    /// To push.
    ReceivePack,
}

impl GitService {
    /// As the protocol names it: `git-upload-pack` or `git-receive-pack`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    /// What the protocol calls by this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::UploadPack, Self::ReceivePack].into_iter().find(|service| service.name() == name)
    }
}

/// A branch that a push has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Its tip from now on.
    pub tip: CommitId,
    /// Whether it is the project's default branch.
    pub is_default: bool,
}

/// What became of a push.
#[derive(Debug)]
pub struct Received {
    /// What `git` says to the client, or why it did not get that far.
    pub answer: Result<Vec<u8>, ResourceError>,
    /// The branches that moved, whatever the answer is.
    pub moved: Vec<Moved>,
}

/// The repositories, to be cloned and pushed to. Clones share the limits.
#[derive(Debug, Clone)]
pub struct Hosting {
    repositories: Repositories,
    program: PathBuf,
    transfers: Arc<Semaphore>,
    advertisements: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

/// A place among those who send a request. It is free again when this is dropped.
#[derive(Debug)]
pub struct RequestPlace(
    #[allow(dead_code, reason = "it is there to be dropped")] OwnedSemaphorePermit,
);

impl Hosting {
    /// Hosts the repositories. `program` is called as `program hook pre-receive` before a push counts,
    /// and has to end with [`hook::pre_receive`].
    ///
    /// # Errors
    /// The hook cannot be written.
    pub fn new(repositories: Repositories, program: PathBuf) -> Result<Self, ResourceError> {
        let hooks = repositories.hooks();
        disk::create_private_dir(&hooks)?;
        let hook = hooks.join("pre-receive");
        disk::write_synced(&hook, HOOK.as_bytes())?;
        disk::at(&hook, fs::set_permissions(&hook, Permissions::from_mode(0o700)))?;
        let (major, minor) = child::VERSION_MIN;
        match child::version() {
            Some(version) if version >= child::VERSION_MIN => {}
            Some((old, older)) => {
                tracing::warn!(
                    "git {old}.{older} is too old to serve clones and pushes: {major}.{minor} is needed"
                );
            }
            None => {
                tracing::warn!("git is not in the PATH: projects cannot be cloned or pushed to");
            }
        }
        let places = |number| Arc::new(Semaphore::new(number));
        Ok(Self {
            repositories,
            program,
            transfers: places(TRANSFERS_MAX),
            advertisements: places(TRANSFERS_MAX),
            requests: places(REQUESTS_MAX),
        })
    }

    /// A place for a request to a project, whose body may come slowly and be large.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::Busy`].
    pub async fn request_place(
        &self,
        project: &ProjectName,
    ) -> Result<RequestPlace, ResourceError> {
        self.directory(project)?;
        place_in(&self.requests).await.map(RequestPlace)
    }

    /// A file without a name on the disk of the repositories, for the body of a request.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn request_file(&self) -> io::Result<File> {
        tempfile::tempfile_in(self.repositories.root())
    }

    /// What the branches are, in the words of the protocol.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::Busy`]; [`ResourceError::Program`] where
    /// `git` fails.
    pub async fn advertise(
        &self,
        project: &ProjectName,
        service: GitService,
        protocol: Option<&str>,
    ) -> Result<Transfer, ResourceError> {
        let place = place_in(&self.advertisements).await?;
        let mut git = self.git(project)?;
        git.speak(service, protocol).arg("--http-backend-info-refs");
        let first = match service == GitService::UploadPack && protocol == Some("version=2") {
            true => Vec::new(),
            false => service_line(service),
        };
        git.transfer(None, first, place)
    }

    /// Answers a clone or a fetch.
    ///
    /// # Errors
    /// As [`Self::advertise`].
    pub async fn upload(
        &self,
        project: &ProjectName,
        protocol: Option<&str>,
        request: File,
    ) -> Result<Transfer, ResourceError> {
        let place = place_in(&self.transfers).await?;
        let mut git = self.git(project)?;
        git.speak(GitService::UploadPack, protocol);
        git.transfer(Some(request), Vec::new(), place)
    }

    /// Receives a push. Blocks until it is on stable storage, or refused; it must run within a runtime.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`]; [`ResourceError::Program`] where `git` could not begin. What
    /// came later is with the answer, and a push that is refused is no error.
    pub fn receive(&self, project: &ProjectName, request: File) -> Result<Received, ResourceError> {
        self.repositories.writing(project, |open| {
            let hook = self.repositories.hooks().join("pre-receive");
            if access(&hook, Access::EXEC_OK).is_err() {
                // Git would go on without it.
                return Err(ResourceError::Program(format!(
                    "{} cannot be executed, so no push can be judged; is its disk mounted noexec?",
                    hook.display()
                )));
            }
            let before = references(&open.repo)?;
            let mut git = self.git(project)?;
            git.speak(GitService::ReceivePack, None);
            let mut answer = git.answer(request);
            if answer.is_err() {
                // What it has left behind would be in the way of everybody.
                debris::sweep_repository(open.repo.path())?;
            }
            // Whatever became of the process: what is there is there.
            let after = references(&open.repo)?;
            let changed: BTreeMap<&String, &Oid> =
                after.iter().filter(|(name, tip)| before.get(*name) != Some(*tip)).collect();
            if let Err(error) = sync(open.repo.path(), changed.keys().map(|name| name.as_str())) {
                answer = answer.and(Err(error));
            }
            let default = open.reference(crate::Branch::Default).ok();
            let moved = changed.into_iter().filter_map(|(name, tip)| {
                let branch = name.strip_prefix("refs/heads/")?.to_owned();
                Some(Moved {
                    branch,
                    tip: commit_id(*tip),
                    is_default: default.as_ref() == Some(name),
                })
            });
            Ok(Received { answer, moved: moved.collect() })
        })
    }

    fn git(&self, project: &ProjectName) -> Result<Git, ResourceError> {
        Ok(Git::new(&self.directory(project)?, &self.repositories.hooks(), &self.program))
    }

    fn directory(&self, project: &ProjectName) -> Result<PathBuf, ResourceError> {
        let directory = self.repositories.dir(project);
        match !project.is_unmapped() && directory.is_dir() {
            true => Ok(directory),
            false => Err(ResourceError::ProjectNotFound(project.clone())),
        }
    }
}

async fn place_in(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ResourceError> {
    let place = Arc::clone(places).acquire_owned();
    match tokio::time::timeout(WAIT_MAX, place).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(ResourceError::Busy),
    }
}

/// Git needs a file to run; what it does is in the program.
const HOOK: &str = "#!/bin/sh\nexec \"$TIDEGATE_PROGRAM\" hook pre-receive\n";

/// The first line of an answer before version 2 of the protocol, as a packet, and a flush.
fn service_line(service: GitService) -> Vec<u8> {
    let line = format!("# service={}\n", service.name());
    format!("{:04x}{line}0000", line.len() + 4).into_bytes()
}

/// Branches and tags, by their full names.
fn references(repo: &git2::Repository) -> Result<BTreeMap<String, Oid>, ResourceError> {
    let mut references = BTreeMap::new();
    for reference in repo.references()? {
        let reference = reference?;
        if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
            references.insert(name.to_owned(), id);
        }
    }
    Ok(references)
}

/// `git` syncs the files it writes, where it is new enough, but not the directories that name them.
fn sync<'a>(
    repository: &Path,
    changed: impl Iterator<Item = &'a str>,
) -> Result<(), ResourceError> {
    let mut paths = BTreeSet::new();
    for name in changed {
        let file = repository.join(name);
        let above = file.ancestors().take_while(|path| *path != repository);
        paths.extend(above.map(Path::to_owned));
    }
    if paths.is_empty() {
        return Ok(());
    }
    let objects = repository.join("objects");
    disk::sync_dir(&objects.join("pack"))?;
    disk::sync_dir(&objects)?;
    // What lies deeper first: files before the directories that name them.
    for path in paths.iter().rev() {
        match File::open(path).and_then(|open| open.sync_all()) {
            // It may be among the packed ones.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            synced => disk::at(path, synced)?,
        }
    }
    disk::sync_dir(repository)
}

#[cfg(test)]
mod tests;
