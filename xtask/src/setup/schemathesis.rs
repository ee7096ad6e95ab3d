//! Schemathesis, in a Python environment of its own below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::tool::{Origin, Tool};
use crate::program;

/// What it is written in.
pub(super) const PYTHON: Tool = Tool {
    name: "Python",
    only_browser: false,
    variable: None,
    candidates: &[&["python3"]],
    versions: None,
    // What the pinned version asks for; Debian 12 has it.
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

/// Where the environment is.
fn environment(target: &Path) -> PathBuf {
    target.join("schemathesis")
}

/// The program, once it is installed.
pub(super) fn program(target: &Path) -> PathBuf {
    environment(target).join("bin/schemathesis")
}

/// Installs what `requirements.txt` in `folder` lists, unless it was installed from the same list.
pub(super) fn install(folder: &Path, target: &Path) -> Result<()> {
    let list = folder.join("requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let environment = environment(target);
    let stamp = environment.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let make = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment).status();
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
        let (folder, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // pip would fail here: there is no such package.
        fs::write(folder.path().join("requirements.txt"), "no such package\n").unwrap();
        fs::create_dir(environment(target.path())).unwrap();
        fs::write(environment(target.path()).join(STAMP), "no such package\n").unwrap();
        install(folder.path(), target.path()).unwrap();
    }

    #[test]
    fn a_missing_list_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = install(folder.path(), folder.path()).unwrap_err().to_string();
        assert!(message.contains("requirements.txt"), "{message}");
    }
}
