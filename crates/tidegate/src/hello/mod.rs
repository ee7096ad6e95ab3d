//! The hello service: a small HTTP server that releases can be watched on, and the tools that deploy,
//! test and stop it. The demo's jobs run them; nothing else in Tidegate knows them.
//!
//! There is one process per stage. It runs in a session of its own and outlives the job, and the
//! server, that started it. While it lives it holds a lock, so that nobody has to guess.

mod answer;
mod check;
mod deploy;
mod image;
mod metrics;
mod nature;
mod serve;
mod slot;
mod stop;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use answer::{Answer, answer};
pub(crate) use deploy::restore;
pub(crate) use slot::State;
pub(crate) use stop::stop_all;

#[cfg(test)]
mod tests;

/// What `tidegate hello` does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Answer requests in a stage until told to stop
    Serve(serve::Options),
    /// Replace what runs in a stage
    Deploy(deploy::Options),
    /// Send requests to a stage and measure
    Check(check::Options),
    /// Stop what runs in all stages
    Stop {
        /// Where the state of all stages is kept
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
}

/// Carries out a command.
#[allow(clippy::print_stderr, reason = "this is where errors become text for people")]
pub(crate) fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Serve(options) => serve::run(options),
        Command::Deploy(options) => deploy::run(options),
        Command::Check(options) => check::run(options),
        Command::Stop { state } => stop::run(&state),
    };
    done.unwrap_or_else(|error| {
        eprintln!("hello: {error:#}");
        ExitCode::FAILURE
    })
}

/// One line of output. Whoever closed it does not want to read it.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
