//! `tidegate tokens`

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use clap::Subcommand;

use crate::failure::Failure;
use crate::screen::Screen;

/// List, create and revoke the tokens of people and programs
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Arguments),
    Create(create::Arguments),
    Revoke(revoke::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, screen).await,
        Command::Create(arguments) => create::run(arguments, screen).await,
        Command::Revoke(arguments) => revoke::run(arguments, screen).await,
    }
}
