//! Bringing together what an upstream has and what was committed here.
//!
//! Per branch there are three commits: `ours` is what everybody here sees, `theirs` what the upstream
//! had at the last fetch, and `base` what of the upstream `ours` was last brought together with. What
//! is in `ours` and in neither of the others was committed here and is not there yet.

use std::collections::BTreeSet;

use git2::{Commit, ErrorCode, Oid, Reference, Sort};
use jiff::Timestamp;

use super::remote::FETCHED;
use crate::disk;
use crate::error::ResourceError;
use crate::layout;
use crate::repository::Project;
use crate::tree::optional;

/// Where `base` is kept.
const BASE: &str = "refs/tidegate/upstream/";
/// Where commits are kept that were given out and are on no branch any more.
const KEEP: &str = "refs/tidegate/keep/";
const HEADS: &str = "refs/heads/";
/// Begins the names of branches that hold what did not fit. They are never pushed.
const CONFLICT: &str = "tidegate/conflict/";
/// Most commits that are made again on top of what came from the upstream.
const REPLAYED_MAX: usize = 10_000;

/// What bringing together has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reconciled {
    /// Branches with another tip than before.
    pub(super) moved: BTreeSet<String>,
    /// Commits did not fit and are on branches of their own now.
    pub(super) conflicts: Vec<String>,
    /// Branches of which the upstream has dropped commits.
    pub(super) rewritten: Vec<String>,
}

/// What is to be done with a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Both are the same, or only we have something new.
    Keep,
    /// Only the upstream has something new.
    Forward,
    /// The upstream has dropped commits, and we have none of our own.
    Follow,
    /// Both have something new.
    Replay,
}

/// Decides, from how the commits of a branch descend from each other.
const fn plan(theirs_in_ours: bool, ours_in_theirs: bool, own: bool) -> Plan {
    match (theirs_in_ours, ours_in_theirs, own) {
        (true, ..) => Plan::Keep,
        (false, true, _) => Plan::Forward,
        (false, false, false) => Plan::Follow,
        (false, false, true) => Plan::Replay,
    }
}

impl Project<'_> {
    /// Brings every branch together with what was fetched. Repeated after a crash, it goes on.
    pub(super) fn reconcile(&self, now: Timestamp) -> Result<Reconciled, ResourceError> {
        let mut done = Reconciled::default();
        for (branch, theirs) in self.fetched()? {
            let base = self.target(&format!("{BASE}{branch}"))?;
            let ours = self.target(&format!("{HEADS}{branch}"))?;
            if ours == Some(theirs) && base == Some(theirs) {
                continue;
            }
            let tip = match ours {
                None => theirs,
                Some(ours) => self.brought_together(&branch, ours, base, theirs, now, &mut done)?,
            };
            if ours != Some(tip) {
                self.sync_packs()?;
                self.set(&format!("{HEADS}{branch}"), tip)?;
                done.moved.insert(branch.clone());
            }
            // Last: until it stands, the same is done again.
            self.set(&format!("{BASE}{branch}"), theirs)?;
        }
        Ok(done)
    }

    fn brought_together(
        &self,
        branch: &str,
        ours: Oid,
        base: Option<Oid>,
        theirs: Oid,
        now: Timestamp,
        done: &mut Reconciled,
    ) -> Result<Oid, ResourceError> {
        let descends = |child: Oid, parent: Oid| -> Result<bool, git2::Error> {
            Ok(child == parent || self.repo.graph_descendant_of(child, parent)?)
        };
        let own = self.own(ours, base, theirs)?;
        match plan(descends(ours, theirs)?, descends(theirs, ours)?, !own.is_empty()) {
            Plan::Keep => Ok(ours),
            Plan::Forward => Ok(theirs),
            Plan::Follow => {
                self.keep(ours)?;
                done.rewritten.push(branch.to_owned());
                Ok(theirs)
            }
            Plan::Replay => {
                self.keep(ours)?;
                let mut tip = self.repo.find_commit(theirs)?;
                for own in own {
                    let own = self.repo.find_commit(own)?;
                    match self.replayed(&own, &tip, now)? {
                        Some(on_top) => tip = self.repo.find_commit(on_top)?,
                        None => done.conflicts.push(self.set_aside(branch, &own)?),
                    }
                }
                Ok(tip.id())
            }
        }
    }

    /// What was committed here and is not there yet, the oldest first.
    fn own(&self, ours: Oid, base: Option<Oid>, theirs: Oid) -> Result<Vec<Oid>, ResourceError> {
        let mut walk = self.repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        walk.push(ours)?;
        walk.hide(theirs)?;
        if let Some(base) = base {
            walk.hide(base)?;
        }
        Ok(walk.take(REPLAYED_MAX).collect::<Result<_, _>>()?)
    }

    /// Makes a commit again on another one; none where it does not fit.
    fn replayed(
        &self,
        own: &Commit<'_>,
        onto: &Commit<'_>,
        now: Timestamp,
    ) -> Result<Option<Oid>, ResourceError> {
        if own.parent_count() != 1 {
            return Ok(None);
        }
        let mut index = self.repo.cherrypick_commit(own, onto, 0, None)?;
        if index.has_conflicts() {
            return Ok(None);
        }
        let tree = self.repo.find_tree(index.write_tree_to(&self.repo)?)?;
        if tree.id() == onto.tree_id() {
            return Ok(Some(onto.id()));
        }
        let message = own.message().unwrap_or_default();
        let committer = layout::signature(now)?;
        let made = self.repo.commit(None, &own.author(), &committer, message, &tree, &[onto])?;
        Ok(Some(made))
    }

    /// Puts a commit that does not fit on a branch of its own, and answers with that.
    fn set_aside(&self, branch: &str, own: &Commit<'_>) -> Result<String, ResourceError> {
        let name = format!("{CONFLICT}{branch}/{:.12}", own.id().to_string());
        self.keep(own.id())?;
        self.set(&format!("{HEADS}{name}"), own.id())?;
        Ok(name)
    }

    /// Keeps a commit that was given out, with all that led to it, whatever becomes of the branch.
    fn keep(&self, commit: Oid) -> Result<(), ResourceError> {
        self.set(&format!("{KEEP}{commit}"), commit)
    }

    /// The branches of the upstream at the last fetch, without their prefix.
    fn fetched(&self) -> Result<Vec<(String, Oid)>, ResourceError> {
        self.below(FETCHED)
    }

    /// The branches with commits that the upstream does not have, each with its tip.
    pub(super) fn ahead(&self) -> Result<Vec<(String, Oid)>, ResourceError> {
        let mut ahead = Vec::new();
        for (branch, tip) in self.below(HEADS)? {
            if branch.starts_with(CONFLICT) {
                continue;
            }
            let base = self.target(&format!("{BASE}{branch}"))?;
            if base != Some(tip) {
                ahead.push((branch, tip));
            }
        }
        Ok(ahead)
    }

    /// How many commits of a branch the upstream does not have.
    pub(super) fn count_ahead(&self, branch: &str, tip: Oid) -> Result<usize, ResourceError> {
        match self.target(&format!("{BASE}{branch}"))? {
            Some(base) => Ok(self.repo.graph_ahead_behind(tip, base)?.0),
            None => Ok(1),
        }
    }

    /// Branches that hold what did not fit.
    pub(super) fn conflicts(&self) -> Result<Vec<String>, ResourceError> {
        let mut branches = self.below(&format!("{HEADS}{CONFLICT}"))?;
        branches.sort();
        Ok(branches.into_iter().map(|(rest, _)| format!("{CONFLICT}{rest}")).collect())
    }

    /// Drops a branch that holds what did not fit; its commits are kept. False where there is none.
    pub(super) fn drop_conflict(&self, branch: &str) -> Result<bool, ResourceError> {
        let name = format!("{HEADS}{branch}");
        // What cannot be a name is the name of nothing, and no fault of ours.
        if !branch.starts_with(CONFLICT) || !Reference::is_valid_name(&name) {
            return Ok(false);
        }
        match optional(self.repo.find_reference(&name))? {
            Some(mut found) => {
                found.delete()?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Notes that the upstream has these commits now.
    pub(super) fn note_pushed(&self, branches: &[(String, Oid)]) -> Result<(), ResourceError> {
        for (branch, tip) in branches {
            self.set(&format!("{FETCHED}{branch}"), *tip)?;
            self.set(&format!("{BASE}{branch}"), *tip)?;
        }
        Ok(())
    }

    /// Forgets what another upstream had.
    pub(super) fn forget_upstream(&self) -> Result<(), ResourceError> {
        for start in [FETCHED, BASE] {
            for (branch, _) in self.below(start)? {
                self.repo.find_reference(&format!("{start}{branch}"))?.delete()?;
            }
        }
        Ok(())
    }

    /// Takes a commit back that nobody was told of; false where somebody has built on it.
    pub(super) fn take_back(
        &self,
        branch: &str,
        from: Oid,
        to: Oid,
    ) -> Result<bool, ResourceError> {
        let name = format!("{HEADS}{branch}");
        match self.repo.reference_matching(&name, to, true, from, "taken back") {
            Ok(_) => Ok(true),
            Err(error) if error.code() == ErrorCode::Modified => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Branches and their tips by what follows a prefix.
    pub(super) fn below(&self, start: &str) -> Result<Vec<(String, Oid)>, ResourceError> {
        let mut found = Vec::new();
        for reference in self.repo.references_glob(&format!("{start}*"))? {
            let reference = reference?;
            let name = reference.name().ok().and_then(|name| name.strip_prefix(start));
            if let (Some(name), Some(tip)) = (name, reference.target()) {
                found.push((name.to_owned(), tip));
            }
        }
        Ok(found)
    }

    fn target(&self, name: &str) -> Result<Option<Oid>, ResourceError> {
        Ok(optional(self.repo.find_reference(name))?.and_then(|found| found.target()))
    }

    fn set(&self, name: &str, tip: Oid) -> Result<(), ResourceError> {
        self.repo.reference(name, tip, true, "upstream")?;
        Ok(())
    }

    /// `git` syncs the packs that it fetches, but not the directory that names them.
    fn sync_packs(&self) -> Result<(), ResourceError> {
        let objects = self.repo.path().join("objects");
        disk::sync_dir(&objects.join("pack"))?;
        disk::sync_dir(&objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_follows_the_upstream_and_loses_nothing_of_ours() {
        assert_eq!(plan(true, true, false), Plan::Keep);
        assert_eq!(plan(true, false, true), Plan::Keep);
        assert_eq!(plan(false, true, false), Plan::Forward);
        assert_eq!(plan(false, false, false), Plan::Follow);
        assert_eq!(plan(false, false, true), Plan::Replay);
    }
}
