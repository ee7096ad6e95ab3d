//! Hosting: clone, fetch and push by Git's smart HTTP protocol, which `git` itself speaks.
//!
//! A push is received under the project's lock, so it takes turns with what the API writes. What it
//! brings is looked at in quarantine by [`hook`], before any branch knows of it.

mod child;
pub mod hook;
mod pack;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::names::{CommitId, ProjectName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::disk;
use crate::error::ResourceError;
use crate::repositories::Repositories;
use crate::repository::commit_id;
use child::Git;

pub use child::Transfer;
pub use pack::PackLimits;

/// Largest pack that a push may bring, in bytes, and largest request for one.
pub const PUSH_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Clones and fetches that are served at a time; others wait.
const TRANSFERS_MAX: usize = 8;
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
    /// What `git` says to the client.
    pub answer: Vec<u8>,
    /// The branches that moved.
    pub moved: Vec<Moved>,
}

/// The repositories, to be cloned and pushed to. Clones share the limits.
#[derive(Debug, Clone)]
pub struct Hosting {
    repositories: Repositories,
    program: PathBuf,
    transfers: Arc<Semaphore>,
}

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
        Ok(Self { repositories, program, transfers: Arc::new(Semaphore::new(TRANSFERS_MAX)) })
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
        let place = self.place().await?;
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
        let place = self.place().await?;
        let mut git = self.git(project)?;
        git.speak(GitService::UploadPack, protocol);
        git.transfer(Some(request), Vec::new(), place)
    }

    /// Receives a push. Blocks until it is on stable storage, or refused; it must run within a runtime.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`]; [`ResourceError::Program`] where `git` fails. A push that is
    /// refused is none: the answer says so.
    pub fn receive(&self, project: &ProjectName, request: File) -> Result<Received, ResourceError> {
        self.repositories.writing(project, |open| {
            let before = branches(&open.repo)?;
            let mut git = self.git(project)?;
            git.speak(GitService::ReceivePack, None);
            let answer = git.answer(request);
            // Whatever became of the process: what is there is there.
            let after = branches(&open.repo)?;
            let default = open.reference(crate::Branch::Default).ok();
            let moved: Vec<Moved> = after
                .into_iter()
                .filter(|(name, tip)| before.get(name) != Some(tip))
                .map(|(name, tip)| Moved {
                    is_default: default.as_ref() == Some(&name),
                    branch: name.trim_start_matches(HEADS).to_owned(),
                    tip,
                })
                .collect();
            sync(open.repo.path(), &moved)?;
            Ok(Received { answer: answer?, moved })
        })
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, ResourceError> {
        let place = Arc::clone(&self.transfers).acquire_owned();
        match tokio::time::timeout(WAIT_MAX, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(ResourceError::Busy),
        }
    }

    fn git(&self, project: &ProjectName) -> Result<Git, ResourceError> {
        let directory = self.repositories.dir(project);
        if project.is_unmapped() || !directory.is_dir() {
            return Err(ResourceError::ProjectNotFound(project.clone()));
        }
        Ok(Git::new(&directory, &self.repositories.hooks(), &self.program))
    }
}

/// Git needs a file to run; what it does is in the program.
const HOOK: &str = "#!/bin/sh\nexec \"$TIDEGATE_PROGRAM\" hook pre-receive\n";

const HEADS: &str = "refs/heads/";

/// The first line of an answer before version 2 of the protocol, as a packet, and a flush.
fn service_line(service: GitService) -> Vec<u8> {
    let line = format!("# service={}\n", service.name());
    format!("{:04x}{line}0000", line.len() + 4).into_bytes()
}

fn branches(repo: &git2::Repository) -> Result<BTreeMap<String, CommitId>, ResourceError> {
    let mut branches = BTreeMap::new();
    for reference in repo.references_glob("refs/heads/*")? {
        let reference = reference?;
        if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
            branches.insert(name.to_owned(), commit_id(id));
        }
    }
    Ok(branches)
}

/// `git` syncs the files it writes, where it is new enough, but not the directories that name them.
fn sync(repository: &Path, moved: &[Moved]) -> Result<(), ResourceError> {
    if moved.is_empty() {
        return Ok(());
    }
    let objects = repository.join("objects");
    disk::sync_dir(&objects.join("pack"))?;
    disk::sync_dir(&objects)?;
    for Moved { branch, .. } in moved {
        let file = repository.join(HEADS).join(branch);
        for path in file.ancestors().take_while(|path| *path != repository) {
            match File::open(path).and_then(|open| open.sync_all()) {
                // The branch may be among the packed ones.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                synced => disk::at(path, synced)?,
            }
        }
    }
    disk::sync_dir(repository)
}

#[cfg(test)]
mod tests;
