//! `tidegate sequences abort`

use clap::Args;
use tidegate_client::Control;

use super::control::{self, Target};
use crate::failure::Failure;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate sequences abort 4f2c9a10
  # Only what it does in one stage
  $ tidegate sequences abort 5a3d7b21 --stage qa";

/// Stop a sequence for good
///
/// What runs is stopped, what waits for a person is closed, and nothing follows.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    control::run(arguments.target, Control::Abort, screen).await
}
