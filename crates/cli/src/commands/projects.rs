//! `tidegate projects`

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::screen::Screen;

/// List, show, create and delete projects
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Create(create::Arguments),
    Delete(delete::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, screen).await,
        Command::Show(arguments) => show::run(arguments, screen).await,
        Command::Create(arguments) => create::run(arguments, screen).await,
        Command::Delete(arguments) => delete::run(arguments, screen).await,
    }
}
