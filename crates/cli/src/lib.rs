//! The command line: one command, one file in `commands/`.
//!
//! Invariants: data goes to standard output, everything else to standard error; no secret is taken
//! from an argument; what a server or an event says is printed without control characters; a vote
//! names what was shown, unless asked to be blind.

mod commands;
mod complete;
mod confirm;
mod connection;
mod diff;
mod exit;
mod failure;
mod find;
mod find_sequence;
mod follow;
mod format;
mod gate;
mod input;
pub mod keptn;
mod look;
mod period;
mod picture;
mod progress;
mod screen;
mod table;
mod text;
mod tone;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Subcommand;
use clap_complete::CompleteEnv;
use look::Look;
use screen::Screen;

pub use exit::{Exit, Judged};
pub use failure::{Code, exit_codes};

/// What the program is called.
const PROGRAM: &str = "tidegate";
/// The environment variable by which a shell's script asks for completions; it holds the shell's name.
const COMPLETE_VARIABLE: &str = "TIDEGATE_COMPLETE";

/// The commands that speak to a server, and those about the commands.
#[derive(Debug, Subcommand)]
#[allow(
    missing_docs,
    reason = "each command's own file says what it does, and its --help repeats it"
)]
pub enum Command {
    #[command(subcommand)]
    Projects(commands::projects::Command),
    #[command(subcommand)]
    Services(commands::services::Command),
    #[command(subcommand)]
    Sequences(commands::sequences::Command),
    Trigger(commands::sequences::trigger::Arguments),
    Watch(commands::watch::Arguments),
    Approvals(commands::approvals::Approvals),
    Approve(commands::approve::Arguments),
    Decline(commands::decline::Arguments),
    #[command(subcommand)]
    Gate(commands::gate::Command),
    #[command(subcommand)]
    Slo(commands::slo::Command),
    #[command(subcommand)]
    Events(commands::events::Command),
    #[command(subcommand)]
    Tokens(commands::tokens::Command),
    SignIn(commands::sign_in::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

/// Answers a shell that wants to complete a word, where one asks; the process ends then. Called before
/// anything is written. `tree` makes all commands of the program.
pub fn complete(tree: fn() -> clap::Command) {
    CompleteEnv::with_factory(tree).var(COMPLETE_VARIABLE).bin(PROGRAM).complete();
}

/// Carries out a command on the process's own standard streams. `tree` makes all commands of the program.
#[must_use]
pub fn run(command: Command, tree: fn() -> clap::Command) -> ExitCode {
    tidegate_client::init();
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut screen = Screen::new(&mut out, &mut err, Look::detect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(command, tree, &mut screen)),
        Err(error) => Exit::Done(screen.report(&error.into())),
    };
    exit.into()
}

/// The commands that judge; see [`Judged`].
const JUDGES: [&str; 2] = ["gate", "slo"];

/// Says what is wrong with a command line, or the help that it asks for, and what the process ends with.
/// `first`: its first word. A mistake must not end a command that judges as a warning does.
#[must_use]
pub fn refuse(error: &clap::Error, first: Option<&OsStr>) -> ExitCode {
    // There is nobody left to tell where that fails as well.
    drop(error.print());
    let judges = first.is_some_and(|word| JUDGES.iter().any(|judge| word == *judge));
    match (error.use_stderr(), judges) {
        (false, _) => ExitCode::SUCCESS,
        (true, true) => Exit::Judged(Judged::Unusable).into(),
        (true, false) => Code::Usage.into(),
    }
}

#[cfg(test)]
mod tests;
