//! `tidegate approvals`

pub(crate) mod list;
pub(crate) mod show;

use clap::{Args, Subcommand};

use super::{approve, decline};
use crate::failure::Failure;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # What waits
  $ tidegate approvals
  # What waits in one project
  $ tidegate approvals --project fulltour";

/// List, show, approve and decline what waits for a decision
///
/// Without a further word it lists what waits, oldest first.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Approvals {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Approve(approve::Arguments),
    Decline(decline::Arguments),
}

pub(crate) async fn run(approvals: Approvals, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match approvals.command {
        None => list::run(approvals.list, screen).await,
        Some(Command::List(arguments)) => list::run(arguments, screen).await,
        Some(Command::Show(arguments)) => show::run(arguments, screen).await,
        Some(Command::Approve(arguments)) => approve::run(arguments, screen).await,
        Some(Command::Decline(arguments)) => decline::run(arguments, screen).await,
    }
}
