//! Projects whose files are kept elsewhere: nobody's answer waits for the network, but that of somebody
//! who asks for files.
//!
//! Whoever needs to know what the upstream has waits for one fetch that begins after they came; all who
//! come while one is under way share the next. What could not be pushed is tried again until it is
//! there.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_core::audit::{Action, Chain};
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{Input, Resolution, Resolve};
use tidegate_resources::upstream::{Change, Status, Synced, Upstream, Upstreams, WhenUnreachable};
use tidegate_resources::{Repositories, ResourceError};
use tidegate_store::Write;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::handle::Engine;
use crate::metrics::GitOperation;
use crate::saga::unhurried;

/// How soon a push is tried again that did not get there, and how late at most.
const AGAIN_FIRST: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);
/// How soon it is asked again for sequences that shall wait.
const AGAIN_WAITING: Duration = Duration::from_secs(5);

/// Somebody who needs to know what the upstream has.
enum Waiting {
    /// A sequence needs its shipyard.
    Sequence(Resolve),
    /// Somebody asks for files.
    Reader(oneshot::Sender<Result<(), Failure>>),
}

/// Who waits for which project's upstream, and which projects have something that is not there yet.
#[derive(Default)]
pub(crate) struct Waits {
    /// A project is in here while somebody fetches for it.
    waiting: Mutex<HashMap<ProjectName, Vec<Waiting>>>,
    /// A project is in here while somebody tries to push for it.
    pushing: Mutex<HashSet<ProjectName>>,
}

impl Waits {
    /// Projects that have something that is not there yet.
    pub(crate) fn unsynced(&self) -> usize {
        guard(&self.pushing).len()
    }

    /// Adds somebody; whether nobody fetches for the project yet.
    fn add(&self, project: &ProjectName, who: Waiting) -> bool {
        match guard(&self.waiting).entry(project.clone()) {
            Entry::Occupied(mut known) => {
                known.get_mut().push(who);
                false
            }
            Entry::Vacant(free) => {
                free.insert(vec![who]);
                true
            }
        }
    }

    /// Those who wait by now; none where nobody does, and then nobody fetches for the project.
    fn take(&self, project: &ProjectName) -> Option<Vec<Waiting>> {
        let mut waiting = guard(&self.waiting);
        let taken = waiting.get_mut(project).map(std::mem::take).unwrap_or_default();
        if taken.is_empty() {
            waiting.remove(project);
            return None;
        }
        Some(taken)
    }
}

/// What a sequence does once the upstream was asked.
enum Outlook {
    /// It runs on what is known; why that may not be the newest.
    Known(Option<String>),
    /// It ends with an error.
    Failed(String),
    /// It waits for another try.
    Later,
}

/// A panic under a lock leaves nothing half-done: each of them guards one map.
fn guard<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Where the files of projects are kept elsewhere.
    #[must_use]
    pub fn upstreams(&self) -> &Upstreams {
        &self.inner.upstreams
    }

    /// How a project stands to its upstream; none where its files are kept here.
    ///
    /// # Errors
    /// The credentials cannot be opened, or Git fails.
    pub async fn upstream(&self, project: ProjectName) -> Result<Option<Status>, Failure> {
        let upstreams = self.inner.upstreams.clone();
        self.git(move |_| Ok(upstreams.status(&project)?)).await
    }

    /// Waits until what the upstream has is known here; at once where there is none. Where it cannot be
    /// reached, what is known has to do.
    ///
    /// # Errors
    /// The upstream does not let us in, or is gone.
    pub async fn refresh(&self, project: &ProjectName) -> Result<(), Failure> {
        if !self.inner.upstreams.has(project) {
            return Ok(());
        }
        let (told, known) = oneshot::channel();
        self.wait_for_upstream(project.clone(), Waiting::Reader(told));
        known.await.unwrap_or(Err(Failure::Stopping))
    }

    /// Keeps the files of a project elsewhere from now on, or is let in there otherwise.
    ///
    /// # Errors
    /// The upstream cannot be used; nothing was changed then.
    pub async fn set_upstream(
        &self,
        project: ProjectName,
        upstream: Upstream,
        by: &Principal,
    ) -> Result<(), Failure> {
        let (engine, by) = (self.clone(), by.clone());
        unhurried(async move {
            let _turn = engine.turn(&project).await;
            let (upstreams, now) = (engine.inner.upstreams.clone(), engine.now());
            let (name, url) = (project.clone(), upstream.url().to_owned());
            engine.git(move |_| Ok(upstreams.set(&name, &upstream, now)?)).await?;
            let action = Action::UpstreamSet { url };
            let record = Write::Record(Chain::of(&project), Box::new(action));
            engine.write_surely(record, &by).await?;
            engine.take_note(&project).await
        })
        .await
    }

    /// Drops a branch that holds what did not fit. False where there is none.
    ///
    /// # Errors
    /// There is no such project, or Git fails.
    pub async fn drop_conflict(
        &self,
        project: ProjectName,
        branch: String,
    ) -> Result<bool, Failure> {
        let upstreams = self.inner.upstreams.clone();
        self.git(move |_| Ok(upstreams.drop_conflict(&project, &branch)?)).await
    }

    /// Lets a sequence have its shipyard when the upstream has been asked.
    pub(crate) fn resolve_later(&self, resolve: Resolve) {
        self.wait_for_upstream(resolve.scope.project.clone(), Waiting::Sequence(resolve));
    }

    /// Does work that commits to a project's files, and sees to it that the upstream gets it. The caller
    /// has the turn.
    pub(crate) async fn commit_files<T: Send + 'static>(
        &self,
        project: &ProjectName,
        work: impl FnMut(&Repositories) -> Result<T, ResourceError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (upstreams, name, now) = (self.inner.upstreams.clone(), project.clone(), self.now());
        let done = self.git(move |_| Ok(upstreams.write(&name, now, work)?)).await;
        self.metrics().git(
            GitOperation::Write,
            match &done {
                Ok(change) if change.is_synced => "done",
                Ok(_) => "unreachable",
                Err(_) => "failed",
            },
        );
        let Change { value, moved, is_synced } = done?;
        if !moved.is_empty() {
            self.take_note(project).await?;
        }
        if !is_synced {
            tracing::warn!(%project, "the upstream does not have the newest commit yet");
            self.push_later(project.clone());
        }
        Ok(value)
    }

    /// Tries to push until the upstream has everything.
    pub(crate) fn push_later(&self, project: ProjectName) {
        if !guard(&self.inner.waits.pushing).insert(project.clone()) {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move {
            let mut pause = AGAIN_FIRST;
            loop {
                tokio::time::sleep(pause).await;
                drop(engine.synchronise(&project).await);
                let (upstreams, name) = (engine.inner.upstreams.clone(), project.clone());
                let left = engine.git(move |_| Ok(upstreams.is_unsynced(&name)?)).await;
                if !left.unwrap_or(false) {
                    guard(&engine.inner.waits.pushing).remove(&project);
                    return;
                }
                pause = (pause * 2).min(AGAIN_MAX);
            }
        });
    }

    /// Goes on with what a former run could not push.
    pub(crate) async fn push_what_is_left(&self) -> Result<(), Failure> {
        let upstreams = self.inner.upstreams.clone();
        let left = self.git(move |git| {
            let projects = git.projects()?.into_iter();
            Ok(projects.filter(|name| upstreams.is_unsynced(name).unwrap_or(false)).collect())
        });
        let left: Vec<ProjectName> = left.await?;
        left.into_iter().for_each(|project| self.push_later(project));
        Ok(())
    }

    fn wait_for_upstream(&self, project: ProjectName, who: Waiting) {
        if self.inner.waits.add(&project, who) {
            let engine = self.clone();
            self.inner.runtime.spawn(async move { engine.serve_waiting(&project).await });
        }
    }

    /// Fetches for a project, until nobody waits for it any more.
    async fn serve_waiting(&self, project: &ProjectName) {
        while let Some(waiting) = self.inner.waits.take(project) {
            let known = self.synchronise(project).await;
            let mut left = Vec::new();
            for who in waiting {
                match who {
                    Waiting::Reader(told) => drop(told.send(reader_hears(&known))),
                    Waiting::Sequence(resolve) => match self.outlook(&known) {
                        Outlook::Known(stale) => self.resolve(resolve, stale).await,
                        Outlook::Failed(why) => {
                            self.resolved(resolve, Resolution::Failed(why)).await;
                        }
                        Outlook::Later => left.push(resolve),
                    },
                }
            }
            self.wait_again(project, left);
        }
    }

    /// Sequences wait for the next try; whoever else comes meanwhile does not wait for that.
    fn wait_again(&self, project: &ProjectName, sequences: Vec<Resolve>) {
        if sequences.is_empty() {
            return;
        }
        let (engine, project) = (self.clone(), project.clone());
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN_WAITING).await;
            for resolve in sequences {
                engine.wait_for_upstream(project.clone(), Waiting::Sequence(resolve));
            }
        });
    }

    /// What becomes of a sequence after a fetch.
    fn outlook(&self, known: &Result<Synced, Failure>) -> Outlook {
        let why = match known {
            Ok(Synced::Done { .. }) => return Outlook::Known(None),
            Ok(Synced::Unreachable(reason)) => reason.clone(),
            Err(error) => error.to_string(),
        };
        match self.inner.upstreams.when_unreachable() {
            WhenUnreachable::LastKnown => Outlook::Known(Some(why)),
            WhenUnreachable::Fail => {
                Outlook::Failed(format!("the repository elsewhere cannot be asked: {why}"))
            }
            WhenUnreachable::Wait => Outlook::Later,
        }
    }

    /// Asks the upstream, in turn with whoever writes files of the project, and takes note of what it has.
    async fn synchronise(&self, project: &ProjectName) -> Result<Synced, Failure> {
        let _turn = self.turn(project).await;
        let (upstreams, name, now) = (self.inner.upstreams.clone(), project.clone(), self.now());
        let synced = self.git(move |_| Ok(upstreams.synchronise(&name, now)?)).await;
        self.metrics().git(
            GitOperation::Synchronise,
            match &synced {
                Ok(Synced::Done { .. }) => "done",
                Ok(Synced::Unreachable(_)) => "unreachable",
                Err(_) => "failed",
            },
        );
        let synced = synced?;
        if let Synced::Done { moved } = &synced
            && !moved.is_empty()
        {
            tracing::info!(%project, branches = ?moved, "the upstream has moved branches");
            self.take_note(project).await?;
        }
        Ok(synced)
    }

    /// Takes a shipyard over that came from the upstream.
    async fn take_note(&self, project: &ProjectName) -> Result<(), Failure> {
        let name = project.clone();
        let row = self.read(move |reader| reader.project(&name)).await?;
        let Some(row) = row else { return Ok(()) };
        self.take_over(row).await
    }

    async fn resolve(&self, resolve: Resolve, stale: Option<String>) {
        let (shipyards, of) = (Arc::clone(&self.inner.shipyards), resolve.clone());
        let read = self.git(move |_| Ok(guard(&shipyards).resolve(&of, stale.as_deref()))).await;
        let resolution = read.unwrap_or_else(|error| Resolution::Failed(error.to_string()));
        self.resolved(resolve, resolution).await;
    }

    /// Hands a sequence its shipyard. Where the store has no space it waits; where the process ends, the
    /// sequence asks again after the start.
    async fn resolved(&self, resolve: Resolve, resolution: Resolution) {
        let (project, execution) = (resolve.scope.project, resolve.execution);
        let input = Input::Resolved { project, execution, resolution };
        if let Err(error) = self.step_surely(input, &Principal::tidegate()).await {
            tracing::warn!(%execution, %error, "a sequence could not be given its shipyard");
        }
    }
}

fn reader_hears(known: &Result<Synced, Failure>) -> Result<(), Failure> {
    match known {
        Ok(_) => Ok(()),
        Err(Failure::Resource(ResourceError::Unauthorized { url, reason })) => {
            Err(ResourceError::Unauthorized { url: url.clone(), reason: reason.clone() }.into())
        }
        Err(Failure::Resource(ResourceError::BrokenSeal(broken))) => {
            Err(ResourceError::BrokenSeal(*broken).into())
        }
        // What is known here is better than nothing.
        Err(_) => Ok(()),
    }
}
