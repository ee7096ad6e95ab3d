//! The files of `tests/mutants`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;
use crate::workspace::Workspace;

/// One mutant: a patch, and above it two lines that say what it breaks and who must notice.
pub(crate) struct Patch {
    /// The file's name without its ending.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// What is broken, as a sentence.
    pub(super) invariant: String,
    /// The package, more words for `cargo test` where they are needed, and the test's whole name.
    pub(super) test: String,
}

/// All mutants, by name.
pub(super) fn all(workspace: &Workspace) -> Result<Vec<Patch>> {
    let folder = workspace.root.join("tests/mutants");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut patches = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "patch") {
            patches.push(read(path)?);
        }
    }
    patches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(patches)
}

fn read(path: PathBuf) -> Result<Patch> {
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (invariant, test) = head(&text).with_context(|| {
        format!("{} must begin with `Breaks:` and `Killed by:`", path.display())
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Patch { name, path, invariant, test })
}

fn head(text: &str) -> Option<(String, String)> {
    let line = |key: &str| {
        let mut head = text.lines().take_while(|line| !line.starts_with("--- "));
        head.find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned())
    };
    Some((line("Breaks:")?, line("Killed by:")?))
}

/// What is wrong with the mutants, without trying them: those that do not apply any more.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for patch in all(workspace)? {
        let mut git = Command::new("git");
        git.args(["apply", "--check", "--whitespace=nowarn"]).arg(&patch.path);
        if !program::succeeds(git.current_dir(&workspace.root)) {
            problems.push(format!("tests/mutants/{}.patch does not apply any more", patch.name));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_what_is_broken_and_who_notices() {
        let text = "Breaks: one outcome\nKilled by: tidegate-core a::b\n\n--- a/x\n+++ b/x\n";
        let read = head(text);
        assert_eq!(read, Some(("one outcome".to_owned(), "tidegate-core a::b".to_owned())));
        assert_eq!(head("--- a/x\nBreaks: no\nKilled by: no\n"), None);
    }
}
