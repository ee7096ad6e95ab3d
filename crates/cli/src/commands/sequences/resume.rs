//! `tidegate sequences resume`

use clap::Args;
use tidegate_client::Control;

use super::control::{self, Target};
use crate::failure::Failure;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate sequences pause 4f2c9a10
  $ tidegate sequences resume 4f2c9a10";

/// Go on with a sequence that was paused
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    control::run(arguments.target, Control::Resume, screen).await
}
