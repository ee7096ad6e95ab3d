//! `tidegate approvals show`

use clap::Args;
use jiff::Timestamp;

use crate::commands::decision;
use crate::commands::sequences::show::approval_link;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find::Which;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # By its id, or the first digits of it
  $ tidegate approvals show 0199c1d2
  # What a delivery waits for
  $ tidegate approvals show --context 4f2c9a10 --output json";

/// Show what would be let through, and what it would replace
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { which, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    let approval = which.find(&client).await?;
    if format != Format::Table {
        return screen.value(format, &approval);
    }
    screen.data(&decision::headline(&approval))?;
    screen.facts(&decision::facts(&approval, Timestamp::now()))?;
    screen.facts(&[("decide", approval_link(&client, &approval.id))])
}
