//! A copy of the repository to break.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::program;
use crate::workspace::Workspace;

/// `mutants/tree` below Cargo's target directory. What is built from it stays beside it.
pub(super) struct Tree {
    root: PathBuf,
    target: PathBuf,
}

impl Tree {
    pub(super) fn prepare(workspace: &Workspace) -> Result<Self> {
        let mutants = workspace.target.join("mutants");
        let tree = Self { root: mutants.join("tree"), target: mutants.join("target") };
        fs::create_dir_all(&tree.root)?;
        tree.reset(workspace)?;
        Ok(tree)
    }

    /// Makes it equal to the repository. A file that is equal already keeps its time, so that little is
    /// built anew.
    pub(super) fn reset(&self, workspace: &Workspace) -> Result<()> {
        let tracked = files(&workspace.root)?;
        for file in &tracked {
            let (from, to) = (workspace.root.join(file), self.root.join(file));
            let Ok(wanted) = fs::read(&from) else { continue };
            if fs::read(&to).is_ok_and(|found| found == wanted) {
                continue;
            }
            let folder = to.parent().context("a file has a folder")?;
            fs::create_dir_all(folder)?;
            fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
        }
        self.remove_others(&self.root, &tracked)
    }

    fn remove_others(&self, folder: &Path, tracked: &BTreeSet<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.remove_others(&path, tracked)?;
            } else if !tracked.contains(path.strip_prefix(&self.root)?) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Git in the copy, as if there were no repository around it.
    pub(super) fn git(&self) -> Command {
        let mut git = Command::new("git");
        let ceiling = self.root.parent().unwrap_or(&self.root);
        git.current_dir(&self.root).env("GIT_CEILING_DIRECTORIES", ceiling);
        git
    }

    /// Cargo in the copy.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }
}

/// The files that Git knows or would add.
fn files(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = program::answer(&mut git).context("`git ls-files` does not answer")?;
    let files: BTreeSet<_> = listed.lines().map(PathBuf::from).collect();
    ensure!(!files.is_empty(), "Git knows no file of {}", root.display());
    Ok(files)
}
