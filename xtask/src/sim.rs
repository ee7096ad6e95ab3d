//! `cargo xtask sim`: runs of the whole installation from seeds, with everything that can go wrong.

use std::env::consts::EXE_SUFFIX;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::program;
use crate::workspace::Workspace;

/// From so many seeds on, a build with optimisations pays.
const RELEASE_FROM: u64 = 1000;

/// Run the whole installation from seeds, with everything that can go wrong
///
/// People, executors, network, disk and clock are simulated in one thread; the loop and the rules are the
/// real ones. A broken promise is shown with its seed and what led to it, and the same seed shows it again.
/// The last line is `N passed, N failed`. From 1,000 seeds on the simulator is built with optimisations.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// This seed alone, told line by line
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// So many seeds
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "S", default_value_t = 0)]
    from: u64,
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let release = args.seed.is_none() && args.seeds >= RELEASE_FROM;
    let mut build = workspace.cargo();
    build.args(["build", "--package", "tidegate-simulator"]);
    if release {
        build.arg("--release");
    }
    ensure!(program::stream(&mut build, |_| {})?.success(), "the simulator does not build");
    let profile = if release { "release" } else { "debug" };
    let binary = format!("{profile}/tidegate-simulator{EXE_SUFFIX}");
    let mut simulator = Command::new(workspace.target.join(binary));
    match args.seed {
        Some(seed) => simulator.args(["--seed", &seed.to_string()]),
        None => {
            let (seeds, from) = (args.seeds.to_string(), args.from.to_string());
            simulator.args(["--seeds", &seeds, "--from", &from])
        }
    };
    let passed = program::stream(&mut simulator, |_| {})?.success();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
