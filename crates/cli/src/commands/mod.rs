//! One file per command.

pub(crate) mod approvals;
pub(crate) mod approve;
pub(crate) mod completions;
mod decision;
pub(crate) mod decline;
pub(crate) mod events;
pub(crate) mod gate;
pub(crate) mod man;
pub(crate) mod projects;
pub(crate) mod sequences;
pub(crate) mod services;
pub(crate) mod sign_in;
pub(crate) mod slo;
pub(crate) mod tokens;
pub(crate) mod watch;

use crate::Command;
use crate::exit::Exit;
use crate::failure::Code;
use crate::screen::Screen;

/// Carries out a command and says how it went. `tree` makes all commands of the program.
pub(crate) async fn run(
    command: Command,
    tree: impl FnOnce() -> clap::Command,
    screen: &mut Screen<'_>,
) -> Exit {
    let done = match command {
        Command::Projects(command) => projects::run(command, screen).await,
        Command::Services(command) => services::run(command, screen).await,
        Command::Sequences(command) => sequences::run(command, screen).await,
        Command::Trigger(arguments) => sequences::trigger::run(arguments, screen).await,
        Command::Watch(arguments) => watch::run(arguments, screen).await,
        Command::Approvals(approvals) => approvals::run(approvals, screen).await,
        Command::Approve(arguments) => approve::run(arguments, screen).await,
        Command::Decline(arguments) => decline::run(arguments, screen).await,
        Command::Gate(command) => return gate::run(command, screen).await,
        Command::Slo(command) => return slo::run(command, screen),
        Command::Events(command) => events::run(command, screen).await,
        Command::Tokens(command) => tokens::run(command, screen).await,
        Command::SignIn(arguments) => sign_in::run(arguments, screen).await,
        Command::Completions(arguments) => completions::run(&arguments, screen),
        Command::Man(arguments) => man::run(&arguments, tree(), screen),
    };
    Exit::Done(match done {
        Ok(()) => Code::Ok,
        Err(failure) => screen.report(&failure),
    })
}
