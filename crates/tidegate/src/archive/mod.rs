//! A backup: a directory that holds what a data directory needs, and the digests of all of it.
//!
//! | in it | what |
//! |---|---|
//! | `tidegate.db` | the store, one state of it |
//! | `git/` | the repositories of its projects |
//! | `jobs/` | what is known of jobs |
//! | `api-token` | the generated token, where there is one |
//! | `manifest.json` | when it was made, of what |
//! | `SHA256SUMS` | the digest of every other file, as `sha256sum -c` reads it |

mod manifest;
mod sums;
mod tree;

pub(crate) use manifest::{Counts, FILE as MANIFEST, Manifest};
pub(crate) use sums::{FILE as SUMS, Sums};
pub(crate) use tree::{Size, copy_checked, private_dir, sync_dir, sync_tree, write_new};

use std::path::Path;

use anyhow::{Context as _, bail};

/// The repositories.
pub(crate) const GIT: &str = "git";
/// The records of jobs.
pub(crate) const JOBS: &str = "jobs";
/// Files that are copied as they are.
pub(crate) const FILES: [&str; 1] = ["api-token"];
/// What only a running server needs, what the store makes by itself, and the keys that sign the audit
/// log and open credentials: they are worth something only apart from the data.
pub(crate) const TRANSIENT: [&str; 11] = [
    "tidegate.db",
    "tidegate.db-wal",
    "tidegate.db-shm",
    "lock",
    "endpoint",
    "reserve",
    "api-token.new",
    "audit-key",
    "audit-key.new",
    "upstream-key",
    "upstream-key.new",
];

/// Where something is made before it gets its name: beside it, so that a rename does it.
pub(crate) fn aside(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Refuses a target that holds something, and takes the directory beside it.
pub(crate) fn claim(target: &Path) -> anyhow::Result<Claim> {
    let shown = target.display();
    match std::fs::read_dir(target) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{shown} is not empty; name a directory that is empty or not there");
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot use {shown}")),
    }
    let aside = aside(target);
    match private_dir(&aside) {
        Ok(()) => Ok(Claim { aside, target: target.to_owned(), done: false }),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!(
            "{} is there: somebody else is at work, or was interrupted; remove it where nobody is",
            aside.display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", aside.display())),
    }
}

/// A directory in the making. What was not finished is removed.
#[derive(Debug)]
pub(crate) struct Claim {
    aside: std::path::PathBuf,
    target: std::path::PathBuf,
    done: bool,
}

impl Claim {
    /// Where it is made.
    pub(crate) fn path(&self) -> &Path {
        &self.aside
    }

    /// Everything in it is synced: it gets its name, for good.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let shown = self.target.display();
        std::fs::rename(&self.aside, &self.target)
            .with_context(|| format!("cannot give {shown} its name"))?;
        self.done = true;
        let above = self.target.join("..");
        sync_dir(&above).with_context(|| format!("cannot sync the directory of {shown}"))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Where it cannot be removed, the next attempt says that it is there.
        if !self.done {
            drop(std::fs::remove_dir_all(&self.aside));
        }
    }
}
