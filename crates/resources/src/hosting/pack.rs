//! Packing: what is written one object at a time is put together now and then, or a clone would take
//! ever longer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tidegate_core::names::ProjectName;

use super::Hosting;
use crate::debris;
use crate::disk::{self, at};
use crate::error::ResourceError;

/// From how much on a repository is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackLimits {
    /// Objects in files of their own, about.
    pub loose: usize,
    /// Packs.
    pub packs: usize,
}

impl Default for PackLimits {
    /// As `git gc --auto` has it: 6,700 and 50.
    fn default() -> Self {
        Self { loose: 6_700, packs: 50 }
    }
}

/// One of the 256 directories that objects are spread over by chance.
const SAMPLE: &str = "17";
const DIRECTORIES: usize = 256;

impl Hosting {
    /// Puts all objects of a project into one pack where there are too many files; true where it did.
    /// Whoever writes waits meanwhile, whoever reads does not. Blocks; it must run within a runtime.
    ///
    /// Nothing is dropped before what takes its place is on stable storage.
    ///
    /// # Errors
    /// [`ResourceError::ProjectNotFound`], [`ResourceError::Program`], [`ResourceError::Io`].
    pub fn pack(&self, project: &ProjectName, limits: PackLimits) -> Result<bool, ResourceError> {
        self.repositories.writing(project, |open| {
            // Nobody receives anything now: what a push that was cut off has left would keep its pack out.
            debris::sweep_repository(open.repo.path())?;
            let objects = open.repo.path().join("objects");
            let packs = objects.join("pack");
            let before = names(&packs)?;
            let loose = count(&objects.join(SAMPLE))? * DIRECTORIES;
            if loose < limits.loose && before.len() < limits.packs {
                return Ok(false);
            }
            let packed =
                self.git(project)?.run(&["repack", "-a", "-l", "-q", "--pack-kept-objects"]);
            if packed.is_err() {
                debris::sweep_repository(open.repo.path())?;
            }
            packed?;
            disk::sync_dir(&packs)?;
            let after = names(&packs)?;
            if after.difference(&before).next().is_some() {
                for old in &before {
                    remove(&packs, old)?;
                }
            }
            self.git(project)?.run(&["prune-packed", "-q"])?;
            Ok(true)
        })
    }
}

/// The packs in a directory that are whole, by their names without an ending.
fn names(packs: &Path) -> Result<BTreeSet<String>, ResourceError> {
    let mut names = BTreeSet::new();
    for entry in at(packs, fs::read_dir(packs))? {
        let name = at(packs, entry)?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".pack"));
        names.extend(name.filter(|name| name.starts_with("pack-")).map(str::to_owned));
    }
    Ok(names)
}

/// How many files a directory has; none where there is no directory.
fn count(directory: &Path) -> Result<usize, ResourceError> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => at(directory, Err(error)),
    }
}

/// Removes a pack, its index first: without one, nobody looks into it.
fn remove(packs: &Path, name: &str) -> Result<(), ResourceError> {
    for ending in ["idx", "rev", "bitmap", "mtimes", "pack"] {
        let path = packs.join(format!("{name}.{ending}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => at(&path, removed)?,
        }
    }
    Ok(())
}
