//! `cargo xtask mutants`: breaks one invariant at a time, and sees a named test fail.

mod patch;
mod tree;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::program;
use crate::workspace::Workspace;
use patch::Patch;
pub(crate) use patch::check;
use tree::Tree;

/// Break one invariant at a time, and see its test fail; the last line is `N passed, N failed`
///
/// Each file of `tests/mutants` is a patch that breaks one promise, and names the test that must
/// notice. They are tried in a copy of the repository below Cargo's target directory; the first one
/// builds everything there.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the mutants whose file name contains TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What became of a mutant.
enum Fate {
    /// The test failed, as it should.
    Killed(Duration),
    /// The test passed: it would not notice.
    Survived(Duration),
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let wanted = |patch: &Patch| args.only.as_ref().is_none_or(|text| patch.name.contains(text));
    let patches: Vec<_> = patch::all(workspace)?.into_iter().filter(wanted).collect();
    ensure!(!patches.is_empty(), "no file of tests/mutants has a name like that");
    let tree = Tree::prepare(workspace)?;
    let mut lines = Vec::new();
    let mut killed = 0;
    for patch in &patches {
        println!("\n== {}: {}", patch.name, patch.invariant);
        let line = match judge(&tree, workspace, patch) {
            Ok(Fate::Killed(took)) => {
                killed += 1;
                format!(
                    "killed    {:<28} {:>6.1} s  {}",
                    patch.name,
                    took.as_secs_f64(),
                    patch.test
                )
            }
            Ok(Fate::Survived(took)) => {
                format!(
                    "SURVIVED  {:<28} {:>6.1} s  {}",
                    patch.name,
                    took.as_secs_f64(),
                    patch.test
                )
            }
            Err(error) => format!("BROKEN    {:<28} {error:#}", patch.name),
        };
        println!("{line}");
        lines.push(line);
    }
    println!("\n== summary");
    lines.iter().for_each(|line| println!("{line}"));
    let failed = patches.len() - killed;
    println!("{killed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The test passes without the patch, and both build; the seconds are those of the test with it.
fn judge(tree: &Tree, workspace: &Workspace, patch: &Patch) -> Result<Fate> {
    tree.reset(workspace)?;
    let clean = test(tree, patch, "without the mutant")?;
    ensure!(clean.0, "the test fails without the mutant, so it says nothing about it");
    tree.apply(patch)?;
    let (passed, took) = test(tree, patch, "with the mutant")?;
    tree.reset(workspace)?;
    Ok(if passed { Fate::Survived(took) } else { Fate::Killed(took) })
}

/// Whether the test passes, and how long it took. It must build, and be there.
fn test(tree: &Tree, patch: &Patch, when: &str) -> Result<(bool, Duration)> {
    let words = || patch.test.split_whitespace();
    let name = words().last().context("it names no test")?;
    let target = words().count() - 1;
    let built = program::stream(
        tree.cargo().args(["test", "--quiet", "--no-run", "--package"]).args(words().take(target)),
        |_| {},
    )?;
    ensure!(built.success(), "it does not build {when}");
    let mut ran = 0;
    let begun = Instant::now();
    let mut command = tree.cargo();
    command.args(["test", "--package"]).args(words().take(target)).args(["--", "--exact", name]);
    let status = program::stream(command.env("RUST_BACKTRACE", "0"), |line| {
        ran += u64::from(line.starts_with("test ") && line.contains(name));
    })?;
    ensure!(ran > 0, "{when}: no test has the name {name}");
    Ok((status.success(), begun.elapsed()))
}

impl Tree {
    fn apply(&self, patch: &Patch) -> Result<()> {
        if program::succeeds(self.git().args(["apply", "--whitespace=nowarn"]).arg(&patch.path)) {
            return Ok(());
        }
        bail!("it does not apply any more: {}", patch.path.display())
    }
}
