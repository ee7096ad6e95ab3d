//! `cargo xtask tour`: the steps of Keptn's tutorial, as a user takes them, without a cluster.
//!
//! The commands are the tutorial's, given to this program under the name `keptn`. Prometheus, Alertmanager and
//! Locust are real; Helm, and the names of a cluster, are the stand-ins of `examples/tour/stand-ins`. What came
//! of each step is looked at where the user looks: at the address of each stage, and in the Bridge.

mod files;
mod pace;
mod report;
mod scene;
mod steps;
mod user;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::program;
use crate::setup;
use crate::workspace::Workspace;
use files::Files;
use pace::Pace;
use report::Report;
use scene::{Baggage, Keeper, Scene};

/// By how much a tour is faster than the tutorial where nobody says otherwise.
const TIMESCALE: u32 = 20;

/// Take the steps of Keptn's tutorial
///
/// Each step builds on those before it, so all up to the last one are taken. What happened is written to
/// `tour.md` in the target directory, with every event. The last line is `N passed, N failed`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which steps count: 2, or 1..6
    #[arg(long, value_name = "N..M", default_value = "1..6")]
    step: Steps,
    /// What carries out the jobs
    #[arg(long, value_name = "NAME", default_value = "process")]
    executor: Executor,
    /// The tutorial's own files, unchanged [default: ours, in examples/tour]
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Keep the project's files on the server itself, not in a repository elsewhere
    #[arg(long)]
    hosted: bool,
    /// How many times faster than the tutorial: loads are shorter, metrics are read more often, and Prometheus
    /// looks back over less; the files stay as they are
    #[arg(long, value_name = "N", default_value_t = TIMESCALE,
        value_parser = clap::value_parser!(u32).range(1..=20))]
    timescale: u32,
}

/// What carries out the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Executor {
    /// Programs of this machine.
    Process,
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
    let Executor::Process = args.executor;
    let keeper = if args.hosted { Keeper::Server } else { Keeper::Elsewhere };
    let (passed, failure) = take(args.step, files, keeper, Pace::new(args.timescale), workspace)?;
    println!("{passed} passed, {} failed", u8::from(failure.is_some()));
    Ok(if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes the steps with our files, with the server that was built: all of them with an upstream, and those
/// without a gate once more without one. How many passed, and what failed.
pub(crate) fn take_all(workspace: &Workspace) -> Result<(u64, Option<String>)> {
    let mut all = 0;
    let every = Steps(1, steps::ALL.len());
    for (steps, keeper) in [(every, Keeper::Elsewhere), (Steps(1, 3), Keeper::Server)] {
        let files = Files::ours(workspace);
        let (passed, failure) = take(steps, files, keeper, Pace::new(TIMESCALE), workspace)?;
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
    pace: Pace,
    workspace: &Workspace,
) -> Result<(u64, Option<String>)> {
    let programs = match setup::tour_programs(workspace) {
        Ok(programs) => programs,
        Err(missing) => bail!("missing: {}", missing.join("\nmissing: ")),
    };
    let begun = Instant::now();
    let mut scene = Scene::new(workspace, Baggage { programs, files, keeper, pace })?;
    let (mut passed, mut failure, mut report) = (0, None, Report::default());
    for (number, (name, step)) in (1..=last).zip(steps::ALL) {
        println!("== step {number}: {name}");
        let since = Instant::now();
        if let Err(error) = step(&mut scene) {
            let why = format!("step {number}, {name}: {error:#}");
            println!("{why}");
            failure = Some(why);
        }
        let logs = scene.begun().into_iter().map(|context| {
            let log = scene.log(&format!("keptnContext={context}"));
            Ok((context, log?))
        });
        // A server that is gone has no log any more.
        let logs = logs.collect::<Result<Vec<_>>>().unwrap_or_default();
        let title = format!("step {number}: {name}");
        report.step(&title, since.elapsed(), failure.as_deref(), &logs);
        if failure.is_some() {
            break;
        }
        passed += u64::from(number >= first);
    }
    let path = workspace.target.join("tour.md");
    report.write(&path).context("the report")?;
    println!("{:.0} s; what happened: {}", begun.elapsed().as_secs_f64(), path.display());
    Ok((passed, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_one_or_a_range() {
        assert_eq!("2".parse(), Ok(Steps(2, 2)));
        assert_eq!("1..3".parse(), Ok(Steps(1, 3)));
        for bad in ["", "0", "3..1", "1..7", "x", "1..", "1...3"] {
            assert!(bad.parse::<Steps>().is_err(), "{bad}");
        }
    }
}
