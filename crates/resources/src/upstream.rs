//! Projects whose files are kept in a repository elsewhere, their *upstream*.
//!
//! Everybody here works on the project's own repository, as without one. A fetch brings its branches
//! together with those of the upstream, and what is committed here is pushed there. Invariants:
//! - pushed history is never rewritten, and nothing is pushed but what somebody asked for;
//! - a commit that was given out stays in the repository, whatever becomes of the upstream;
//! - while the upstream cannot be reached, work goes on with what is known.

mod create;
mod credentials;
mod reconcile;
mod remote;
mod seal;
mod status;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use git2::Oid;
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName};
use tokio::sync::Semaphore;

use crate::disk;
use crate::error::ResourceError;
use crate::place::Branch;
use crate::repositories::Repositories;
use crate::repository::{Project, commit_id};
use remote::{Pushed, Remote, RemoteProblem};

pub use create::Attempt;
pub use credentials::{Access, HttpAccess, Proxy, SshAccess, Upstream, UpstreamProblem};
pub use seal::{BrokenSeal, SealedUpstream, SealingKey};
pub use status::{Change, Status, Synced, Unreachable, UpstreamSettings, WhenUnreachable};

/// The file in a repository that holds its upstream.
const FILE: &str = "upstream.json";
/// The file in a repository that holds what SSH servers have shown.
pub(crate) const KNOWN_HOSTS: &str = "known_hosts";
/// What belongs to a repository beside what Git keeps there.
pub(crate) const FILES: [&str; 2] = [FILE, KNOWN_HOSTS];
/// How often a write is done again because somebody else was faster. Keptn 1.4 tries as often.
const ATTEMPTS_MAX: u32 = 5;
/// Calls to upstreams at a time; others wait.
const CALLS_MAX: usize = 8;
/// How long the first fetch, or a push of everything, may take.
const WHOLE_TIME_MAX: Duration = Duration::from_secs(120);

/// The upstreams of all projects. Clones share them. Every call blocks, and needs a runtime; those that
/// change something take turns with whoever else writes to the project, which the caller sees to.
#[derive(Debug, Clone)]
pub struct Upstreams {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    repositories: Repositories,
    key: SealingKey,
    settings: UpstreamSettings,
    calls: Semaphore,
    /// The upstreams that could not be reached when they were last asked.
    problems: Mutex<HashMap<ProjectName, Unreachable>>,
}

impl Upstreams {
    /// Upstreams of these repositories.
    #[must_use]
    pub fn new(repositories: Repositories, key: SealingKey, settings: UpstreamSettings) -> Self {
        let (calls, problems) = (Semaphore::new(CALLS_MAX), Mutex::default());
        Self { inner: Arc::new(Inner { repositories, key, settings, calls, problems }) }
    }

    /// Upstreams of repositories that need none: credentials that it is given are lost with it.
    ///
    /// # Panics
    /// The operating system has no random numbers.
    #[must_use]
    pub fn unkept(repositories: Repositories) -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system has random numbers");
        Self::new(repositories, SealingKey::new(&key), UpstreamSettings::default())
    }

    /// The repositories here.
    #[must_use]
    pub fn repositories(&self) -> &Repositories {
        &self.inner.repositories
    }

    /// What becomes of a sequence that is triggered while the upstream cannot be reached.
    #[must_use]
    pub fn when_unreachable(&self) -> WhenUnreachable {
        self.inner.settings.when_unreachable
    }

    /// Seals credentials for a project.
    #[must_use]
    pub fn seal(&self, project: &ProjectName, upstream: &Upstream) -> SealedUpstream {
        SealedUpstream::seal(&self.inner.key, project, upstream)
    }

    /// Opens what was sealed for a project.
    ///
    /// # Errors
    /// [`ResourceError::BrokenSeal`].
    pub fn open(&self, project: &ProjectName, text: &str) -> Result<Upstream, ResourceError> {
        let sealed: SealedUpstream = serde_json::from_str(text).map_err(|_| BrokenSeal)?;
        Ok(sealed.open(&self.inner.key, project)?)
    }

    /// Whether the files of a project are kept elsewhere.
    #[must_use]
    pub fn has(&self, project: &ProjectName) -> bool {
        self.inner.repositories.has_upstream(project)
    }

    /// How a project stands to its upstream; none where it has none.
    ///
    /// # Errors
    /// [`ResourceError::BrokenSeal`], [`ResourceError::ProjectNotFound`].
    pub fn status(&self, project: &ProjectName) -> Result<Option<Status>, ResourceError> {
        let Some(upstream) = self.upstream(project)? else { return Ok(None) };
        let open = self.inner.repositories.project(project)?;
        let mut unsynced = Vec::new();
        for (branch, tip) in open.ahead()? {
            let count = open.count_ahead(&branch, tip)?;
            unsynced.push((branch, count));
        }
        let conflicts = open.conflicts()?;
        let unreachable = self.problems().get(project).cloned();
        Ok(Some(Status { upstream, unsynced, conflicts, unreachable }))
    }

    /// Whether the upstream lacks commits of the project.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn is_unsynced(&self, project: &ProjectName) -> Result<bool, ResourceError> {
        Ok(self.has(project) && !self.inner.repositories.project(project)?.ahead()?.is_empty())
    }

    /// Fetches, brings together, and pushes what the upstream does not have. What it refuses stays here
    /// and is unsynced. Done for a project without an upstream, too.
    ///
    /// # Errors
    /// [`ResourceError::Unauthorized`], [`ResourceError::UpstreamNotFound`] where there is no such
    /// repository, [`ResourceError::BrokenSeal`]; or Git fails.
    pub fn synchronise(
        &self,
        project: &ProjectName,
        now: Timestamp,
    ) -> Result<Synced, ResourceError> {
        let mut moved = BTreeSet::new();
        let Some(upstream) = self.upstream(project)? else { return Ok(Synced::Done { moved }) };
        let time_max = self.inner.settings.time_max;
        let repositories = &self.inner.repositories;
        for _ in 0..ATTEMPTS_MAX {
            // Whoever packs takes what is half fetched for debris.
            let fetch = || self.call(project, now, |remote| remote.fetch(time_max), &upstream);
            if let Err(reason) = repositories.alone(project, fetch)? {
                return Ok(Synced::Unreachable(reason));
            }
            let ahead = repositories.writing(project, |open| {
                let done = open.reconcile(now)?;
                for branch in &done.conflicts {
                    tracing::warn!(%project, branch, "a commit does not fit to what the upstream has");
                }
                for branch in &done.rewritten {
                    tracing::warn!(%project, branch, "the upstream has rewritten a branch; it is followed");
                }
                moved.extend(done.moved);
                open.ahead()
            })?;
            if ahead.is_empty() {
                break;
            }
            match self.call(project, now, |remote| remote.push(&ahead, time_max), &upstream)? {
                Ok(Pushed::Taken) => {
                    repositories.writing(project, |open| open.note_pushed(&ahead))?;
                    tracing::info!(%project, branches = ahead.len(), "the upstream has all commits");
                    break;
                }
                Ok(Pushed::Behind) => {}
                Ok(Pushed::Refused(reason)) => {
                    tracing::warn!(%project, reason, "the upstream does not take commits");
                    break;
                }
                Err(reason) => return Ok(Synced::Unreachable(reason)),
            }
        }
        Ok(Synced::Done { moved })
    }

    /// Does work that commits to branches of a project, on top of what the upstream has, and pushes
    /// them. Where the upstream refuses, the commits are undone; where it cannot be reached, they stay,
    /// unsynced. The work is done again where somebody else was faster.
    ///
    /// # Errors
    /// Those of the work and of [`Self::synchronise`]; [`ResourceError::UpstreamRefused`],
    /// [`ResourceError::Contended`].
    pub fn write<T>(
        &self,
        project: &ProjectName,
        now: Timestamp,
        mut work: impl FnMut(&Repositories) -> Result<T, ResourceError>,
    ) -> Result<Change<T>, ResourceError> {
        let repositories = &self.inner.repositories;
        let Some(upstream) = self.upstream(project)? else {
            let value = work(repositories)?;
            return Ok(Change { value, moved: BTreeSet::new(), is_synced: true });
        };
        let mut moved = BTreeSet::new();
        for _ in 0..ATTEMPTS_MAX {
            let synced = self.synchronise(project, now)?;
            let before = repositories.project(project)?.heads()?;
            let value = work(repositories)?;
            match synced {
                Synced::Unreachable(_) => return Ok(Change { value, moved, is_synced: false }),
                Synced::Done { moved: new } => moved.extend(new),
            }
            let after = repositories.project(project)?.heads()?;
            let changed: Vec<(String, Oid)> =
                after.into_iter().filter(|(name, tip)| before.get(name) != Some(tip)).collect();
            if changed.is_empty() {
                return Ok(Change { value, moved, is_synced: true });
            }
            let time_max = self.inner.settings.time_max;
            let undo = || self.undo(project, &changed, &before);
            match self.call(project, now, |remote| remote.push(&changed, time_max), &upstream) {
                Ok(Ok(Pushed::Taken)) => {
                    repositories.writing(project, |open| open.note_pushed(&changed))?;
                    return Ok(Change { value, moved, is_synced: true });
                }
                Ok(Ok(Pushed::Behind)) => undo()?,
                Ok(Ok(Pushed::Refused(reason))) => {
                    undo()?;
                    return Err(ResourceError::UpstreamRefused { reason });
                }
                // Nobody knows whether it is there; the next fetch tells.
                Ok(Err(_)) => return Ok(Change { value, moved, is_synced: false }),
                Err(error) => {
                    undo()?;
                    return Err(error);
                }
            }
        }
        let reference = "every branch of its upstream".to_owned();
        Err(ResourceError::Contended { project: project.clone(), reference })
    }

    /// Takes commits back that nobody was told of.
    fn undo(
        &self,
        project: &ProjectName,
        changed: &[(String, Oid)],
        before: &HashMap<String, Oid>,
    ) -> Result<(), ResourceError> {
        self.inner.repositories.writing(project, |open| {
            for (branch, tip) in changed {
                if let Some(former) = before.get(branch) {
                    open.take_back(branch, *tip, *former)?;
                }
            }
            Ok(())
        })
    }

    /// Drops a branch that holds what did not fit; its commits are kept. False where there is none.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], or Git fails.
    pub fn drop_conflict(
        &self,
        project: &ProjectName,
        branch: &str,
    ) -> Result<bool, ResourceError> {
        self.inner.repositories.writing(project, |open| open.drop_conflict(branch))
    }

    /// Where the files of a project are kept, where that is elsewhere.
    ///
    /// # Errors
    /// [`ResourceError::BrokenSeal`].
    pub fn upstream(&self, project: &ProjectName) -> Result<Option<Upstream>, ResourceError> {
        let path = self.inner.repositories.dir(project).join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return disk::at(&path, Err(error)),
        };
        self.open(project, &text).map(Some)
    }

    /// Refuses an address where nobody is let go to.
    ///
    /// # Errors
    /// [`ResourceError::UpstreamDenied`].
    pub fn admit(&self, upstream: &Upstream) -> Result<(), ResourceError> {
        match self.inner.settings.deny.iter().any(|deny| deny.is_match(upstream.url())) {
            true => Err(ResourceError::UpstreamDenied(upstream.url().to_owned())),
            false => Ok(()),
        }
    }

    /// Calls the upstream of a project. Whether it can be reached is noted.
    fn call<T>(
        &self,
        project: &ProjectName,
        now: Timestamp,
        ask: impl FnOnce(&Remote<'_>) -> Result<Result<T, RemoteProblem>, ResourceError>,
        upstream: &Upstream,
    ) -> Result<Result<T, String>, ResourceError> {
        let directory = self.inner.repositories.dir(project);
        let said = self.ask(&directory, upstream, ask)?;
        let mut problems = self.problems();
        let url = || upstream.url().to_owned();
        let (answer, reason) = match said {
            Ok(value) => {
                problems.remove(project);
                return Ok(Ok(value));
            }
            Err(RemoteProblem::Unreachable(reason)) => (Ok(Err(reason.clone())), reason),
            Err(RemoteProblem::Unauthorized(reason)) => {
                (Err(ResourceError::Unauthorized { url: url(), reason: reason.clone() }), reason)
            }
            Err(RemoteProblem::Missing(reason)) => (
                Err(ResourceError::UpstreamNotFound { url: url(), reason: reason.clone() }),
                reason,
            ),
        };
        match problems.get_mut(project) {
            Some(known) => known.reason = reason,
            None => {
                tracing::warn!(%project, url = upstream.url(), reason, "the upstream cannot be used");
                problems.insert(project.clone(), Unreachable { since: now, reason });
            }
        }
        answer
    }

    fn ask<T>(
        &self,
        repository: &std::path::Path,
        upstream: &Upstream,
        ask: impl FnOnce(&Remote<'_>) -> Result<Result<T, RemoteProblem>, ResourceError>,
    ) -> Result<Result<T, RemoteProblem>, ResourceError> {
        self.admit(upstream)?;
        let place = self.inner.calls.acquire();
        let _place = tokio::runtime::Handle::current().block_on(place);
        let (hooks, root) = (self.inner.repositories.hooks(), self.inner.repositories.root());
        let ssh = &self.inner.settings.ssh;
        ask(&Remote { upstream, repository, hooks: &hooks, root, ssh })
    }

    /// How many upstreams could not be reached when they were asked last.
    #[must_use]
    pub fn unreachable(&self) -> usize {
        self.problems().len()
    }

    fn problems(&self) -> MutexGuard<'_, HashMap<ProjectName, Unreachable>> {
        self.inner.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repositories {
    /// Whether the files of a project are kept elsewhere.
    pub(crate) fn has_upstream(&self, project: &ProjectName) -> bool {
        self.dir(project).join(FILE).is_file()
    }
}

impl Project<'_> {
    /// The branches that are pushed, with their tips.
    fn heads(&self) -> Result<HashMap<String, Oid>, ResourceError> {
        Ok(self.below("refs/heads/")?.into_iter().collect())
    }
}

/// Puts an upstream into the directory of a repository: on stable storage, for this user alone.
fn put(directory: &std::path::Path, sealed: &SealedUpstream) -> Result<(), ResourceError> {
    let (path, aside): (PathBuf, PathBuf) = (directory.join(FILE), directory.join("upstream.lock"));
    disk::write_synced(&aside, sealed.to_text().as_bytes())?;
    disk::at(&path, fs::rename(&aside, &path))?;
    disk::sync_dir(directory)
}

/// The tip of the default branch.
fn default_tip(project: &Project<'_>) -> Result<CommitId, ResourceError> {
    Ok(commit_id(project.tip(Branch::Default)?.id()))
}

#[cfg(test)]
mod tests;
