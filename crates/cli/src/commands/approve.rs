//! `tidegate approve`

use clap::Args;
use tidegate_client::Decision;

use super::decision::{self, Vote};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find::Which;
use crate::format::Output;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # By the first digits of its id
  $ tidegate approve 0199c1d2 --comment \"looks good\"
  # What a certain delivery waits for
  $ tidegate approve --context 4f2c9a10";

/// Let a release through
///
/// Shows what would be let through, and approves exactly that: where it has changed in between, the
/// server refuses. Exit codes: 0 approved, 3 decided otherwise or changed, 4 no such approval.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Approve whatever it is by the time the vote arrives
    #[arg(long)]
    blind: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { which, comment, blind, output, connection } = arguments;
    let vote = Vote { decision: Decision::Approve, comment, blind };
    decision::cast(&connection.open()?, &which, &vote, output.format, screen).await
}
