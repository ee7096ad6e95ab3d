//! The command line: one command, one file in `commands/`.
//!
//! Invariants: data goes to standard output, everything else to standard error; no secret is taken
//! from an argument; what a server or an event says is printed without control characters; a vote
//! names what was shown, unless asked to be blind.

mod commands;
mod connection;
mod failure;
mod find;
mod format;
pub mod keptn;
mod screen;
mod table;
mod text;

use std::process::ExitCode;

use clap::Subcommand;
use screen::Screen;

pub use failure::Code;

/// The commands that speak to a server.
#[derive(Debug, Subcommand)]
#[allow(
    missing_docs,
    reason = "each command's own file says what it does, and its --help repeats it"
)]
pub enum Command {
    Approvals(commands::approvals::Arguments),
    Approve(commands::approve::Arguments),
    Decline(commands::decline::Arguments),
    SignIn(commands::sign_in::Arguments),
}

/// Carries out a command on the process's own standard streams.
#[must_use]
pub fn run(command: Command) -> ExitCode {
    tidegate_client::init();
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut screen = Screen::new(&mut out, &mut err);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let code = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(command, &mut screen)),
        Err(error) => screen.report(&error.into()),
    };
    code.into()
}

#[cfg(test)]
mod tests;
