//! `tidegate slo`

pub(crate) mod check;

use clap::Subcommand;

use crate::exit::Exit;
use crate::screen::Screen;

/// Look at files of objectives
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(check::Arguments),
}

pub(crate) fn run(command: Command, screen: &mut Screen<'_>) -> Exit {
    let done = match command {
        Command::Check(arguments) => check::run(&arguments, screen),
    };
    Exit::judged(done, screen)
}
