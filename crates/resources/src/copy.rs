//! A copy of a project's repository, made while somebody may be writing to it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::Repository;
use tidegate_core::names::ProjectName;

use crate::debris;
use crate::disk::{self, at};
use crate::error::ResourceError;
use crate::upstream;

/// How often the objects are looked through while they change.
const PASSES_MAX: usize = 20;

/// Copies the repository of a project from one root directory to another; false where there is none.
/// Nothing is synced. Neither root needs to be open.
///
/// Branches are copied before objects. Whoever writes does it the other way round, so whatever a
/// branch names was there when the branch was read; objects are only ever added, or packed. Those that
/// go away meanwhile are in a pack by then, and are found by looking again.
///
/// # Errors
/// [`ResourceError::Io`]; [`ResourceError::Git`] where a branch of the copy leads to no commit.
pub fn copy_project(from: &Path, project: &ProjectName, to: &Path) -> Result<bool, ResourceError> {
    let name = format!("{project}.git");
    let (from, to) = (from.join(&name), to.join(&name));
    if !from.join("HEAD").is_file() {
        return Ok(false);
    }
    for inner in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        disk::create_private_dir(&to.join(inner))?;
    }
    // A branch moves from a file of its own into the packed ones, never back.
    for part in ["HEAD", "config", "refs", "packed-refs"].into_iter().chain(upstream::FILES) {
        copy(&from.join(part), &to.join(part))?;
    }
    for _ in 0..PASSES_MAX {
        // By name, so packs last: an object that leaves its own file is in one of them.
        let before = packs(&from)?;
        let loose = copy(&from.join("objects"), &to.join("objects"))?;
        if loose == Seen::All && packs(&from)? == before {
            return branches_lead_somewhere(&to).map(|()| true);
        }
    }
    let source = io::Error::other("its objects change faster than they can be copied");
    Err(ResourceError::Io { path: from, source })
}

/// Whether something was listed and gone when it was to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    All,
    Vanished,
}

impl Seen {
    fn and(self, other: Self) -> Self {
        if self == Self::All { other } else { self }
    }
}

/// Copies a file or everything below a directory. What is there already stays: an object never
/// changes.
fn copy(from: &Path, to: &Path) -> Result<Seen, ResourceError> {
    let kind = match fs::symlink_metadata(from) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Vanished),
        Err(error) => return at(from, Err(error)),
    };
    if kind.is_dir() {
        return copy_below(from, to);
    }
    // Nothing of ours is a link, and what is locked or half written is of no use.
    if !kind.is_file() || debris::is_unfinished(from) || to.exists() {
        return Ok(Seen::All);
    }
    match fs::copy(from, to) {
        Ok(_) => Ok(Seen::All),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Seen::Vanished),
        Err(error) => at(from, Err(error)),
    }
}

fn copy_below(from: &Path, to: &Path) -> Result<Seen, ResourceError> {
    disk::create_private_dir(to)?;
    let mut entries: Vec<PathBuf> = match fs::read_dir(from) {
        Ok(entries) => at(from, entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Vanished),
        Err(error) => return at(from, Err(error)),
    };
    entries.sort();
    if from.ends_with("pack") {
        // An index stands before its pack, and is of no use without it.
        entries.reverse();
    }
    let mut seen = Seen::All;
    for entry in entries {
        let name = entry.file_name().unwrap_or_default();
        seen = seen.and(copy(&entry, &to.join(name))?);
    }
    Ok(seen)
}

/// The packs of a repository.
fn packs(repository: &Path) -> Result<BTreeSet<PathBuf>, ResourceError> {
    let path = repository.join("objects/pack");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return at(&path, Err(error)),
    };
    let index = |path: &PathBuf| path.extension() == Some(OsStr::new("idx"));
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    Ok(at(&path, paths)?.into_iter().filter(index).collect())
}

/// Every branch of a copy ends at a commit whose tree is there, and every tag at something.
fn branches_lead_somewhere(repository: &Path) -> Result<(), ResourceError> {
    let repository = Repository::open_bare(repository)?;
    for reference in repository.references()? {
        let reference = reference?;
        match reference.is_branch() {
            true => reference.peel_to_commit()?.tree().map(drop)?,
            false => reference.peel(git2::ObjectType::Any).map(drop)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
