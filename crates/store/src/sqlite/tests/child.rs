//! A test of this binary, run in a process of its own that another test kills.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

const DIRECTORY: &str = "TIDEGATE_STORE_CHILD_DIRECTORY";
const ROUND: &str = "TIDEGATE_STORE_CHILD_ROUND";

/// What the child was told: the directory, and the number of the round. None where it is no child.
pub(super) fn told() -> Option<(PathBuf, u64)> {
    let directory = std::env::var_os(DIRECTORY)?.into();
    Some((directory, std::env::var(ROUND).ok()?.parse().ok()?))
}

/// The child says something, and its parent has it even if the child is killed at once.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

/// A process that runs one ignored test. Killed when dropped.
pub(super) struct Child {
    process: std::process::Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Child {
    /// `test` is its path within `sqlite::tests`.
    pub(super) fn start(test: &str, directory: &Path, round: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("sqlite::tests::{test}")])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = Some(BufReader::new(process.stdout.take().unwrap()).lines());
        Self { process, lines }
    }

    /// The next line that the child says, as far as `read` knows it; none when it has ended.
    pub(super) fn next<T>(&mut self, read: impl FnMut(String) -> Option<T>) -> Option<T> {
        self.lines.as_mut()?.by_ref().map_while(Result::ok).find_map(read)
    }

    /// Kills it, and answers with what it had said before the signal came. A last line that may have
    /// been cut off is left out.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        let lines = self.lines.take().into_iter().flatten();
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        self.process.wait().unwrap();
        rest
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
