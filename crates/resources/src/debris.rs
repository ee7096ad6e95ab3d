//! What a process that died can leave behind. Swept when the root directory is opened, when nobody
//! else is at work below it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::disk::at;
use crate::error::ResourceError;

/// Begins the name of a project's directory while it is made or deleted. No project has such a name.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Removes half-made and half-deleted projects.
pub(crate) fn sweep_root(root: &Path) -> Result<(), ResourceError> {
    for entry in at(root, fs::read_dir(root))? {
        let entry = at(root, entry)?;
        if starts_with(&entry.file_name(), UNFINISHED) {
            let path = entry.path();
            tracing::info!(path = %path.display(), "Removing a project left unfinished");
            at(&path, fs::remove_dir_all(&path))?;
        }
    }
    Ok(())
}

/// Removes lock files, which would keep a branch from ever moving again, and objects that were not
/// written to the end.
pub(crate) fn sweep_repository(dir: &Path) -> Result<(), ResourceError> {
    for lock in ["HEAD.lock", "packed-refs.lock"] {
        remove(&dir.join(lock))?;
    }
    remove_below(&dir.join("refs"), Depth::All, |name| ends_with(name, ".lock"))?;
    let objects = dir.join("objects");
    remove_quarantine(&objects)?;
    remove_below(&objects, Depth::One, |name| starts_with(name, "tmp_"))?;
    // A kept pack is one that was still being received.
    let unwanted = |name: &OsStr| {
        starts_with(name, "tmp_") || starts_with(name, ".tmp-") || ends_with(name, ".keep")
    };
    remove_below(&objects.join("pack"), Depth::One, unwanted)
}

/// Whether a file of a repository was not written to the end, or is a lock.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    ends_with(name, ".lock") || starts_with(name, "tmp_")
}

/// Removes what was pushed and not yet accepted.
fn remove_quarantine(objects: &Path) -> Result<(), ResourceError> {
    for entry in at(objects, fs::read_dir(objects))? {
        let (name, path) = at(objects, entry).map(|entry| (entry.file_name(), entry.path()))?;
        if starts_with(&name, "tmp_objdir-") || starts_with(&name, "incoming-") {
            tracing::info!(path = %path.display(), "Removed a push that was not accepted");
            at(&path, fs::remove_dir_all(&path))?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    One,
    All,
}

fn remove_below(
    dir: &Path,
    depth: Depth,
    unwanted: fn(&OsStr) -> bool,
) -> Result<(), ResourceError> {
    for entry in at(dir, fs::read_dir(dir))? {
        let entry = at(dir, entry)?;
        let (kind, path) = (at(dir, entry.file_type())?, entry.path());
        if kind.is_dir() && depth == Depth::All {
            remove_below(&path, depth, unwanted)?;
        } else if kind.is_file() && unwanted(&entry.file_name()) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), ResourceError> {
    match fs::remove_file(path) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "Removed a file that an interrupted write left");
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => at(path, Err(error)),
    }
}

fn starts_with(name: &OsStr, start: &str) -> bool {
    name.as_encoded_bytes().starts_with(start.as_bytes())
}

fn ends_with(name: &OsStr, end: &str) -> bool {
    name.as_encoded_bytes().ends_with(end.as_bytes())
}
