//! `cargo xtask tour`: the steps of Keptn's tutorial, as a user takes them, without a cluster.
//!
//! The commands are the tutorial's, given to this program under the name `keptn`; Helm and Locust are
//! the stand-ins of `examples/tour/stand-ins`. What came of each step is looked at where the user looks:
//! at the address of each stage, and in the Bridge.

mod files;
mod scene;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Result, ensure};

use crate::program;
use crate::workspace::Workspace;
use files::Files;
use scene::{Keeper, Scene};

/// Take the steps of Keptn's tutorial
///
/// Each step builds on those before it, so all up to the last one are taken. The last line is
/// `N passed, N failed`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which steps count: 2, or 1..3
    #[arg(long, value_name = "N..M", default_value = "1..3")]
    step: Steps,
    /// The tutorial's own files, unchanged [default: ours, in examples/tour]
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Keep the project's files on the server itself, not in a repository elsewhere
    #[arg(long)]
    hosted: bool,
}

/// The first and the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Steps(usize, usize);

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text:?} is no step"));
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        match (1..=last).contains(&first) && last <= steps::ALL.len() {
            true => Ok(Self(first, last)),
            false => Err(format!("there are steps 1 to {}", steps::ALL.len())),
        }
    }
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let mut build = workspace.cargo();
    build.args(["build", "--package", "tidegate", "--bin", "tidegate"]);
    ensure!(program::stream(&mut build, |_| {})?.success(), "the server does not build");
    let files = match &args.files {
        Some(directory) => Files::of_the_tutorial(directory, workspace)?,
        None => Files::ours(workspace),
    };
    let keeper = if args.hosted { Keeper::Server } else { Keeper::Elsewhere };
    let (passed, failure) = take(args.step, files, keeper, workspace)?;
    println!("{passed} passed, {} failed", u8::from(failure.is_some()));
    Ok(if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes all steps with our files, with the server that was built: with an upstream, and without. How
/// many passed, and what failed.
pub(crate) fn take_all(workspace: &Workspace) -> Result<(u64, Option<String>)> {
    let mut all = 0;
    for keeper in [Keeper::Elsewhere, Keeper::Server] {
        let every = Steps(1, steps::ALL.len());
        let (passed, failure) = take(every, Files::ours(workspace), keeper, workspace)?;
        all += passed;
        if failure.is_some() {
            return Ok((all, failure));
        }
    }
    Ok((all, None))
}

/// The first step that fails is the last one: the others build on it.
fn take(
    Steps(first, last): Steps,
    files: Files,
    keeper: Keeper,
    workspace: &Workspace,
) -> Result<(u64, Option<String>)> {
    let mut scene = Scene::new(workspace, files, keeper)?;
    let mut passed = 0;
    for (number, (name, step)) in (1..=last).zip(steps::ALL) {
        println!("== step {number}: {name}");
        if let Err(error) = step(&mut scene) {
            let failure = format!("step {number}, {name}: {error:#}");
            println!("{failure}");
            return Ok((passed, Some(failure)));
        }
        passed += u64::from(number >= first);
    }
    Ok((passed, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_one_or_a_range() {
        assert_eq!("2".parse(), Ok(Steps(2, 2)));
        assert_eq!("1..3".parse(), Ok(Steps(1, 3)));
        for bad in ["", "0", "3..1", "1..9", "x", "1..", "1...3"] {
            assert!(bad.parse::<Steps>().is_err(), "{bad}");
        }
    }
}
