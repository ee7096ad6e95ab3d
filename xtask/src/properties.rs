//! `cargo xtask properties`: random histories of the sequence machine, for as long as one likes.

use std::process::ExitCode;

use anyhow::Result;

use crate::program;
use crate::workspace::Workspace;

/// Run random histories of the sequence machine, and check its rules after every step
///
/// A history that breaks a rule prints its own seed. The same runs for a minute as part of the tests.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run the one history of this seed
    #[arg(long, env = "TIDEGATE_SEED", value_name = "S")]
    seed: Option<u64>,
    /// How long to run, in seconds
    #[arg(long, value_name = "N", default_value_t = 60, conflicts_with = "seed")]
    seconds: u64,
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "-p", "tidegate-core", "--lib", "properties", "--", "--nocapture"]);
    cargo.env("TIDEGATE_PROPERTIES_SECONDS", args.seconds.to_string());
    if let Some(seed) = args.seed {
        cargo.env("TIDEGATE_SEED", seed.to_string());
    }
    let status = program::stream(&mut cargo, |_| {})?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
