//! One file per command.

pub(crate) mod approvals;
pub(crate) mod approve;
mod decision;
pub(crate) mod decline;
pub(crate) mod sign_in;

use crate::Command;
use crate::failure::Code;
use crate::screen::Screen;

/// Carries out a command and says how it went.
pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Code {
    let done = match command {
        Command::Approvals(arguments) => approvals::run(arguments, screen).await,
        Command::Approve(arguments) => approve::run(arguments, screen).await,
        Command::Decline(arguments) => decline::run(arguments, screen).await,
        Command::SignIn(arguments) => sign_in::run(arguments, screen).await,
    };
    match done {
        Ok(()) => Code::Ok,
        Err(failure) => screen.report(&failure),
    }
}
