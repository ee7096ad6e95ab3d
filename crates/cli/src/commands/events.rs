//! `tidegate events`

pub(crate) mod list;
pub(crate) mod send;
pub(crate) mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::screen::Screen;

/// List, show and send events
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Send(send::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, screen).await,
        Command::Show(arguments) => show::run(arguments, screen).await,
        Command::Send(arguments) => send::run(arguments, screen).await,
    }
}
