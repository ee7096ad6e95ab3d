//! `tidegate decline`

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
  $ tidegate decline 0199c1d2 --comment \"the error budget is spent\"
  $ tidegate decline --context 4f2c9a10 --comment \"not before Monday\" --output json";

/// Stop a release
///
/// The delivery ends as failed, and what runs goes on running. Exit codes: 0 declined, 3 decided
/// otherwise or changed, 4 no such approval.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Why; whoever triggered the release will want to know
    #[arg(long, value_name = "TEXT")]
    comment: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { which, comment, output, connection } = arguments;
    if comment.trim().is_empty() {
        let text = "say why: --comment TEXT; whoever triggered the release reads it";
        return Err(Failure::Usage(text.to_owned()));
    }
    let vote = Vote { decision: Decision::Decline, comment: Some(comment), blind: false };
    decision::cast(&connection.open()?, &which, &vote, output.format, screen).await
}
