//! `tidegate events show`

use clap::Args;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # What it meant, and all that it holds
  $ tidegate events show 0199c1d2-5e3f-7a4b-8c6d-9e0f1a2b3c4d
  $ tidegate events show 0199c1d2-5e3f-7a4b-8c6d-9e0f1a2b3c4d --output yaml";

/// Show an event, what it meant, and why where it had no effect
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The event: its whole id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { id, output: Output { format }, connection } = arguments;
    let entry = connection.open()?.event(&id).await?;
    if format != Format::Table {
        return screen.value(format, &entry);
    }
    let project = entry.project.clone().unwrap_or_else(|| "none that exists".to_owned());
    let mut facts = vec![
        ("project", project),
        ("number", entry.number.to_string()),
        ("meant", entry.disposition.clone()),
    ];
    facts.extend(entry.reason.clone().map(|reason| ("because", reason)));
    screen.facts(&facts)?;
    screen.value(Format::Json, &entry.event)
}
