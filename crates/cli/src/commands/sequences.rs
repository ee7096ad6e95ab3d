//! `tidegate sequences`

pub(crate) mod abort;
mod control;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;
pub(crate) mod show;
pub(crate) mod trigger;

use clap::Subcommand;

use crate::failure::Failure;
use crate::screen::Screen;

/// List, show, trigger, pause, resume and abort sequences
#[derive(Debug, Subcommand)]
pub enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Trigger(trigger::Arguments),
    Pause(pause::Arguments),
    Resume(resume::Arguments),
    Abort(abort::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list::run(arguments, screen).await,
        Command::Show(arguments) => show::run(arguments, screen).await,
        Command::Trigger(arguments) => trigger::run(arguments, screen).await,
        Command::Pause(arguments) => pause::run(arguments, screen).await,
        Command::Resume(arguments) => resume::run(arguments, screen).await,
        Command::Abort(arguments) => abort::run(arguments, screen).await,
    }
}
