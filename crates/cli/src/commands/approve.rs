//! `tidegate approve`

use clap::Args;
use tidegate_client::Decision;

use super::decision::{self, Vote};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find::Which;
use crate::format::Format;
use crate::screen::Screen;

/// Let a release through
///
/// Shows what would be let through, and approves exactly that: where it has changed in between, the
/// server refuses. Exit codes: 0 approved, 3 decided otherwise or changed, 4 no such approval.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Approve whatever it is by the time the vote arrives
    #[arg(long)]
    blind: bool,
    /// Write the approval with its decision as data
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { which, comment, blind, output, connection } = arguments;
    let vote = Vote { decision: Decision::Approve, comment, blind };
    decision::cast(&connection.open()?, &which, &vote, output, screen).await
}
