//! Data directories: made for one row, gone afterwards, also when the row fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::table::Table;
use crate::server::Server;

/// A directory that is removed when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// An empty one; what a run that was interrupted has left there is removed first.
    pub(crate) fn make(data: &Path, name: &str) -> Result<Self> {
        let path = data.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    #[allow(clippy::print_stderr, reason = "nobody else says it")]
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

impl Bench {
    /// A data directory with the project in it.
    pub(crate) fn project(&self, name: &str) -> Result<Directory> {
        let directory = Directory::make(&self.data, name)?;
        Server::start(&self.binary, directory.path())?.connect()?.create_project()?;
        Ok(directory)
    }

    /// A data directory in which so many approvals wait, spread over so many lanes.
    pub(crate) fn with_waiting(&self, count: usize, lanes: usize) -> Result<Directory> {
        let directory = self.project("waiting")?;
        Table::note(&format!("bringing {count} deliveries to their approval, in {lanes} lanes"));
        let (count, lanes) = (count.to_string(), lanes.to_string());
        let mut program = self.example("waiting");
        let ended = program.arg(directory.path()).args([&count, &lanes]).status();
        match ended.with_context(|| format!("cannot start {program:?}"))?.success() {
            true => Ok(directory),
            false => bail!("{program:?} failed"),
        }
    }

    /// A program that goes through the engine without a server.
    pub(crate) fn example(&self, name: &str) -> Command {
        let mut command = Command::new(self.examples.join(name));
        command.stdin(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_gone_afterwards_and_so_is_what_an_earlier_run_has_left() {
        let data = tempfile::tempdir().unwrap();
        let bench = data.path().join("bench");
        fs::create_dir_all(bench.join("row/left")).unwrap();
        let directory = Directory::make(&bench, "row").unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        fs::write(directory.path().join("file"), "x").unwrap();
        drop(directory);
        assert_eq!(fs::read_dir(&bench).unwrap().count(), 0);
    }
}
