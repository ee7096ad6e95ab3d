//! Tidegate: continuous delivery that waits for a person, in one binary.

mod archive;
mod audit;
mod backup;
mod config;
mod data;
mod demo;
mod doctor;
mod hello;
mod hook;
mod log;
mod logs;
mod packing;
mod restore;
mod serve;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Continuous delivery that waits for a person.
///
/// Start with `tidegate demo`: it shows a release that stops before production until you let it
/// through. `tidegate serve` is the same thing for real.
#[derive(Parser)]
#[command(name = "tidegate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Options),
    /// Run everything on this machine, with a release that waits for you
    Demo(demo::Options),
    Backup(backup::Options),
    Restore(restore::Options),
    Doctor(doctor::Options),
    /// Show and verify who decided, controlled or signed in
    #[command(subcommand)]
    Audit(audit::Command),
    #[command(flatten)]
    Client(tidegate_cli::Command),
    /// Supervise one job (started by the server)
    #[command(hide = true)]
    JobRun {
        /// The job's directory
        directory: PathBuf,
    },
    /// Judge what is pushed to a project (called by git)
    #[command(hide = true, subcommand)]
    Hook(hook::Hook),
    /// The demo's service and its tools
    #[command(hide = true, subcommand)]
    Hello(hello::Command),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    match command {
        // The supervisor makes its own small world.
        Command::JobRun { directory } => tidegate_integrations::jobs::supervise(&directory),
        Command::Hook(hook) => report(hook::run(&hook)),
        Command::Hello(command) => hello::run(command),
        Command::Client(command) => tidegate_cli::run(command),
        Command::Serve(options) => report(serve::run(options)),
        Command::Demo(options) => report(demo::run(options)),
        Command::Backup(options) => report(backup::run(options)),
        Command::Restore(options) => report(restore::run(options)),
        Command::Doctor(options) => report(doctor::run(options)),
        Command::Audit(command) => report(audit::run(command)),
    }
}

/// One sentence per cause, on standard error.
#[allow(clippy::print_stderr, reason = "this is where errors become text for people")]
fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("tidegate: {error:#}");
        ExitCode::FAILURE
    })
}
