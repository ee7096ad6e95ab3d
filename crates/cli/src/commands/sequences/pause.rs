//! `tidegate sequences pause`

use clap::Args;
use tidegate_client::Control;

use super::control::{self, Target};
use crate::failure::Failure;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate sequences pause 4f2c9a10
  # Only what it does in one stage
  $ tidegate sequences pause 5a3d7b21 --stage qa";

/// Trigger no more tasks of a sequence until it is resumed
///
/// What runs goes on to its end, and people can still decide.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    control::run(arguments.target, Control::Pause, screen).await
}
