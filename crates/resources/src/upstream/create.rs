//! A project in a repository elsewhere: making it there, moving it there, removing what is known of it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use git2::Oid;
use jiff::Timestamp;
use tidegate_core::names::{CommitId, ProjectName, StageName};

use super::remote::{Pushed, Remote, RemoteProblem};
use super::{Upstream, Upstreams, WHOLE_TIME_MAX, default_tip, put};
use crate::disk;
use crate::error::ResourceError;
use crate::layout;
use crate::place::{Branch, StageLayout};
use crate::repository::Project;
use crate::tree::{self, Node};

/// Whether a project is made for the first time, or after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Whatever is there is somebody else's.
    First,
    /// What is there may be what was made before the crash.
    Again,
}

impl Upstreams {
    /// Creates a project whose files are kept elsewhere: in Keptn's layout, on top of what is there. All
    /// branches are pushed at once, but to an empty repository the default branch first. Answers with the
    /// tip of the default branch.
    ///
    /// # Errors
    /// [`ResourceError::ProjectExists`]; [`ResourceError::UpstreamNotFound`],
    /// [`ResourceError::Unauthorized`], [`ResourceError::UpstreamInitialized`],
    /// [`ResourceError::StageExists`] where it has a branch of that name,
    /// [`ResourceError::UpstreamRefused`]. Nothing was pushed then.
    pub fn create_project(
        &self,
        project: &ProjectName,
        upstream: &Upstream,
        stages: &[StageName],
        shipyard: &str,
        now: Timestamp,
        attempt: Attempt,
    ) -> Result<CommitId, ResourceError> {
        self.inner.repositories.make(project, |aside| {
            self.build(aside, project, upstream, stages, shipyard, now, attempt)
        })
    }

    #[allow(clippy::too_many_arguments, reason = "it is one step of a call that has as many")]
    fn build(
        &self,
        dir: &Path,
        name: &ProjectName,
        upstream: &Upstream,
        stages: &[StageName],
        shipyard: &str,
        now: Timestamp,
        attempt: Attempt,
    ) -> Result<CommitId, ResourceError> {
        let repositories = &self.inner.repositories;
        let project = Project::init(dir, repositories.writer_config(), name)?;
        let head = self.ask_now(dir, upstream, |remote| remote.head(WHOLE_TIME_MAX))?;
        self.ask_now(dir, upstream, |remote| remote.fetch(WHOLE_TIME_MAX))?;
        // The packs that were fetched are another process's work.
        let project = Project::open(dir, repositories.writer_config(), project.name)?;
        project.reconcile(now)?;
        if let Some(head) = head {
            project.repo.set_head(&head)?;
        }
        let default = project.reference(Branch::Default)?;
        let fetched = project.heads()?;
        if attempt == Attempt::Again && project.is_ours(shipyard)? {
            // The default branch was pushed before the crash, and perhaps the others.
            if repositories.stages() == StageLayout::Branches {
                project.lay_out_rest(stages, now)?;
            }
        } else if project.is_initialized()?.is_some() {
            return Err(ResourceError::UpstreamInitialized { url: upstream.url().to_owned() });
        } else {
            refuse_taken(name, stages, &default, &fetched)?;
            project.lay_out(repositories.stages(), stages, shipyard, now)?;
        }
        let new = project.heads()?.into_iter();
        let new = new.filter(|(name, tip)| fetched.get(name) != Some(tip));
        // Some hosts take the first branch of an empty repository for its default branch.
        let is_first = |branch: &str| fetched.is_empty() && layout::reference(branch) == default;
        let (first, rest): (Vec<_>, Vec<_>) = new.partition(|(branch, _)| is_first(branch));
        disk::sync_tree(dir)?;
        for pushed in [first, rest].iter().filter(|pushed| !pushed.is_empty()) {
            self.push_whole(dir, upstream, pushed, || ResourceError::Contended {
                project: name.clone(),
                reference: "its upstream".to_owned(),
            })?;
            project.note_pushed(pushed)?;
        }
        put(dir, &self.seal(name, upstream))?;
        disk::sync_tree(dir)?;
        default_tip(&project)
    }

    /// Pushes branches that somebody waits for. `behind` says what it means where others are there.
    fn push_whole(
        &self,
        dir: &Path,
        upstream: &Upstream,
        branches: &[(String, Oid)],
        behind: impl FnOnce() -> ResourceError,
    ) -> Result<(), ResourceError> {
        match self.ask_now(dir, upstream, |remote| remote.push(branches, WHOLE_TIME_MAX))? {
            Pushed::Taken => Ok(()),
            Pushed::Behind => Err(behind()),
            Pushed::Refused(reason) => Err(ResourceError::UpstreamRefused { reason }),
        }
    }

    /// Asks an upstream while somebody waits for an answer: one that does not answer is none.
    fn ask_now<T>(
        &self,
        dir: &Path,
        upstream: &Upstream,
        ask: impl FnOnce(&Remote<'_>) -> Result<Result<T, RemoteProblem>, ResourceError>,
    ) -> Result<T, ResourceError> {
        let url = || upstream.url().to_owned();
        self.ask(dir, upstream, ask)?.map_err(|problem| match problem {
            RemoteProblem::Unauthorized(reason) => {
                ResourceError::Unauthorized { url: url(), reason }
            }
            RemoteProblem::Missing(reason) | RemoteProblem::Unreachable(reason) => {
                ResourceError::UpstreamNotFound { url: url(), reason }
            }
        })
    }

    /// Changes where the files of a project are kept, or how to be let in there. To another place all
    /// branches are pushed first; the project's own repository holds all of them before and after.
    ///
    /// # Errors
    /// [`ResourceError::Unauthorized`], [`ResourceError::UpstreamNotFound`],
    /// [`ResourceError::UpstreamRefused`] where it has branches that do not lead to ours. Nothing was
    /// changed then, but branches may have been pushed.
    pub fn set(
        &self,
        project: &ProjectName,
        upstream: &Upstream,
        now: Timestamp,
    ) -> Result<(), ResourceError> {
        let repositories = &self.inner.repositories;
        let dir = repositories.dir(project);
        let stays = self.url(project).is_some_and(|url| url == upstream.url());
        if stays {
            self.ask_now(&dir, upstream, |remote| remote.head(self.inner.settings.time_max))?;
        } else {
            // What the old one has is brought along, where it can still be reached.
            if let Err(error) = self.synchronise(project, now) {
                tracing::warn!(%project, %error, "the former upstream cannot be used");
            }
            let all = repositories.writing(project, |open| {
                Ok(open
                    .heads()?
                    .into_iter()
                    .filter(|(name, _)| is_pushed(name))
                    .collect::<Vec<_>>())
            })?;
            self.push_whole(&dir, upstream, &all, || ResourceError::UpstreamRefused {
                reason: "it has other commits on these branches".to_owned(),
            })?;
            repositories.writing(project, |open| {
                open.forget_upstream()?;
                open.note_pushed(&all)
            })?;
        }
        self.problems().remove(project);
        put(&dir, &self.seal(project, upstream))
    }

    /// The address of a project's upstream, also where its credentials cannot be opened; none where there
    /// is none, or nothing can be read.
    #[must_use]
    pub fn url(&self, project: &ProjectName) -> Option<String> {
        let path = self.inner.repositories.dir(project).join(super::FILE);
        let sealed: super::SealedUpstream = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        Some(sealed.url().to_owned())
    }
}

fn is_pushed(branch: &str) -> bool {
    !branch.starts_with("tidegate/")
}

fn refuse_taken(
    project: &ProjectName,
    stages: &[StageName],
    default: &str,
    fetched: &HashMap<String, Oid>,
) -> Result<(), ResourceError> {
    let mut taken: HashSet<&str> = fetched.keys().map(String::as_str).collect();
    taken.extend(default.strip_prefix("refs/heads/"));
    match stages.iter().find(|stage| !taken.insert(stage.as_str())) {
        None => Ok(()),
        Some(stage) => {
            Err(ResourceError::StageExists { project: project.clone(), stage: stage.clone() })
        }
    }
}

impl Project<'_> {
    /// Whether the default branch is what a former attempt has made: with this name and this shipyard.
    fn is_ours(&self, shipyard: &str) -> Result<bool, ResourceError> {
        if self.is_initialized()?.is_none_or(|by| by != self.name.as_str()) {
            return Ok(false);
        }
        let tree = self.tip(Branch::Default)?.tree()?;
        Ok(match tree::find(&self.repo, &tree, [layout::SHIPYARD].into_iter())? {
            Node::File(id) => self.repo.find_blob(id)?.content() == shipyard.as_bytes(),
            _ => false,
        })
    }

    /// Makes the branches of stages that a former attempt did not push.
    fn lay_out_rest(&self, stages: &[StageName], now: Timestamp) -> Result<(), ResourceError> {
        // Behind the shipyard stands what stages begin with.
        let first = self.tip(Branch::Default)?.parent(0)?;
        for stage in stages {
            if let Err(ResourceError::StageNotFound { .. }) = self.tip(Branch::Stage(stage)) {
                self.add_stage(stage, &first, now)?;
            }
        }
        Ok(())
    }

    /// Whose project the repository holds already: the name in its `metadata.yaml`, or an empty one.
    fn is_initialized(&self) -> Result<Option<String>, ResourceError> {
        let Ok(tip) = self.tip(Branch::Default) else { return Ok(None) };
        match tree::find(&self.repo, &tip.tree()?, [layout::METADATA].into_iter())? {
            Node::File(id) => {
                let blob = self.repo.find_blob(id)?;
                let text = String::from_utf8_lossy(blob.content()).into_owned();
                let name = text.lines().find_map(|line| line.strip_prefix("projectName: "));
                let name = name.unwrap_or_default().trim_matches('"').to_owned();
                Ok((!text.trim().is_empty()).then_some(name))
            }
            _ => Ok(None),
        }
    }
}
