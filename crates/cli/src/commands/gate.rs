//! `tidegate gate`

pub(crate) mod evaluate;
pub(crate) mod replay;
pub(crate) mod suggest;
pub(crate) mod vectors;

use clap::Subcommand;

use crate::exit::Exit;
use crate::screen::Screen;

/// Judge by an slo.yaml: on this machine, in any pipeline
#[derive(Debug, Subcommand)]
pub enum Command {
    Evaluate(evaluate::Arguments),
    Vectors(vectors::Arguments),
    Replay(replay::Arguments),
    Suggest(suggest::Arguments),
}

pub(crate) async fn run(command: Command, screen: &mut Screen<'_>) -> Exit {
    let done = match command {
        Command::Evaluate(arguments) => evaluate::run(&arguments, screen),
        Command::Vectors(arguments) => vectors::run(&arguments, screen),
        Command::Replay(arguments) => replay::run(arguments, screen).await,
        Command::Suggest(arguments) => suggest::run(arguments, screen).await,
    };
    Exit::judged(done, screen)
}
