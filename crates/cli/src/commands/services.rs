//! `tidegate services`

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use clap::Subcommand;

use crate::failure::Failure;
use crate::screen::Screen;

/// List, create and delete services
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Arguments),
    Create(create::Arguments),
    Delete(delete::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, screen).await,
        Command::Create(arguments) => create::run(arguments, screen).await,
        Command::Delete(arguments) => delete::run(arguments, screen).await,
    }
}
