//! `tidegate sequences show`

use clap::Args;
use jiff::Timestamp;
use tidegate_client::{Client, Sequence};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::find_sequence::WhichSequence;
use crate::format::{Format, Output};
use crate::picture;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Its stages and tasks, and how long each took
  $ tidegate sequences show 4f2c9a10
  $ tidegate sequences show 4f2c9a10 --output json";

/// Show a sequence: its stages, their tasks, and what it waits for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    which: WhichSequence,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { which, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    let sequence = which.find(&client).await?;
    print(&client, &sequence, format, screen)
}

/// Prints a sequence as it stands.
pub(super) fn print(
    client: &Client,
    sequence: &Sequence,
    format: Format,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if format != Format::Table {
        return screen.value(format, sequence);
    }
    let lines = picture::lines(sequence, Timestamp::now(), |id| approval_link(client, id));
    lines.iter().try_for_each(|line| screen.spans(line))
}

/// Where an approval is decided in a browser.
pub(crate) fn approval_link(client: &Client, id: &str) -> String {
    client.endpoint().link(&format!("/bridge/approval/{id}"))
}
