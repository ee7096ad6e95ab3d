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
mod key_file;
mod log;
mod logs;
mod metrics;
mod packing;
mod request;
mod restore;
mod serve;
mod server;
mod telemetry;
mod upstreams;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, iter};

use clap::{CommandFactory as _, Parser, Subcommand};

/// Continuous delivery that waits for a person.
///
/// Start with `tidegate demo`: it shows a release that stops before production until you let it
/// through. `tidegate serve` is the same thing for real.
#[derive(Parser)]
#[command(name = "tidegate", version, after_help = tidegate_cli::exit_codes())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it lives as long as the process")]
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
    /// Keptn's own commands, with its flags; a link named `keptn` to this program does the same
    #[command(disable_help_flag = true)]
    Keptn {
        /// What Keptn's client is called with
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
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
    if is_keptn(env::args_os().next()) {
        return tidegate_cli::keptn::run(env::args_os());
    }
    tidegate_cli::complete(Arguments::command);
    let Arguments { command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return tidegate_cli::refuse(&error, env::args_os().nth(1).as_deref()),
    };
    match command {
        Command::Keptn { arguments } => {
            tidegate_cli::keptn::run(iter::once("keptn".into()).chain(arguments))
        }
        // The supervisor makes its own small world.
        Command::JobRun { directory } => tidegate_integrations::jobs::supervise(&directory),
        Command::Hook(hook) => report(hook::run(&hook)),
        Command::Hello(command) => hello::run(command),
        Command::Client(command) => tidegate_cli::run(command, Arguments::command),
        Command::Serve(options) => report(serve::run(options)),
        Command::Demo(options) => report(demo::run(options)),
        Command::Backup(options) => report(backup::run(options)),
        Command::Restore(options) => report(restore::run(options)),
        Command::Doctor(options) => report(doctor::run(options)),
        Command::Audit(command) => report(audit::run(command)),
    }
}

/// Whether this program is called by the name of Keptn's client.
fn is_keptn(program: Option<OsString>) -> bool {
    program.is_some_and(|path| Path::new(&path).file_stem().is_some_and(|name| name == "keptn"))
}

/// One sentence per cause, on standard error.
#[allow(clippy::print_stderr, reason = "this is where errors become text for people")]
fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("tidegate: {error:#}");
        ExitCode::FAILURE
    })
}
