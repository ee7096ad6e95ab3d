//! Programs that are written in Python, each in an environment of its own below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::tool::{Origin, Tool};
use crate::program;
use crate::workspace::Workspace;

/// What it is written in.
pub(super) const PYTHON: Tool = Tool {
    name: "Python",
    only_browser: false,
    variable: None,
    candidates: &[&["python3"]],
    versions: None,
    // What the pinned versions ask for; Debian 12 has it.
    oldest: (3, 11),
    origin: Origin::Package {
        name: "python3",
        homebrew: "python",
        page: "https://www.python.org/downloads",
    },
};

/// What makes the environment. Debian and Ubuntu keep it in a package of its own.
pub(super) const VENV: Tool = Tool {
    name: "Python's venv",
    only_browser: false,
    variable: None,
    candidates: &[&["python3", "-m", "ensurepip"]],
    versions: None,
    // The version of pip that comes with Python 3.11.
    oldest: (22, 0),
    origin: Origin::Package {
        name: "python3-venv",
        homebrew: "python",
        page: "https://docs.python.org/3/library/venv.html",
    },
};

/// A copy of the list that was installed from; it goes when the environment goes.
const STAMP: &str = ".installed-from";

/// A program, and the folder of the repository whose `requirements.txt` lists it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Environment {
    /// Its name, which is that of its program, too.
    pub(super) name: &'static str,
    folder: &'static str,
}

/// Fuzzes the API.
pub(super) const SCHEMATHESIS: Environment =
    Environment { name: "schemathesis", folder: "tests/api" };
/// Sends load.
pub(super) const LOCUST: Environment =
    Environment { name: "locust", folder: "examples/tour/locust" };

impl Environment {
    /// The program, once it is installed.
    pub(super) fn program(&self, workspace: &Workspace) -> PathBuf {
        workspace.target.join(self.name).join("bin").join(self.name)
    }

    /// Installs it, and says what is still missing with the line that installs that.
    pub(super) fn obtain(&self, workspace: &Workspace) -> Result<(), String> {
        let Self { name, folder } = self;
        match install(&workspace.root.join(folder), &workspace.target.join(name)) {
            Ok(()) => {
                println!("found: {name}, as {folder} lists it");
                Ok(())
            }
            Err(why) => {
                Err(format!("{name} ({why:#}): cargo xtask setup, once PyPI can be reached"))
            }
        }
    }
}

/// Installs what `requirements.txt` in `folder` lists, unless it was installed from the same list.
fn install(folder: &Path, environment: &Path) -> Result<()> {
    let list = folder.join("requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let stamp = environment.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let make = Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment).status();
    let made = make.context("cannot start `python3`")?;
    ensure!(made.success(), "`python3 -m venv` ended with {made}");
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--require-hashes", "--requirement"]).arg(&list);
    let status = program::stream(&mut pip, |_| {})?;
    ensure!(status.success(), "`pip install` ended with {status}");
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_from_the_same_list_is_left_alone() {
        let (folder, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // pip would fail here: there is no such package.
        fs::write(folder.path().join("requirements.txt"), "no such package\n").unwrap();
        fs::write(place.path().join(STAMP), "no such package\n").unwrap();
        install(folder.path(), place.path()).unwrap();
    }

    #[test]
    fn a_missing_list_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = install(folder.path(), folder.path()).unwrap_err().to_string();
        assert!(message.contains("requirements.txt"), "{message}");
    }
}
