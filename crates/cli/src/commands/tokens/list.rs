//! `tidegate tokens list`

use clap::Args;
use tidegate_client::NamedToken;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::text;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  $ tidegate tokens list
  $ tidegate tokens list --output json";

/// List the tokens that have names, and what each may do
///
/// The secrets are not shown: nobody knows them but their holders.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { output: Output { format }, connection } = arguments;
    let tokens = connection.open()?.tokens().await?;
    if format != Format::Table {
        return screen.value(format, &tokens);
    }
    if tokens.is_empty() {
        return screen
            .note("No token has a name; make one: tidegate tokens create NAME --kind person");
    }
    let rows: Vec<_> = tokens.iter().map(row).collect();
    screen.table(["NAME", "KIND", "MAY", "FROM", "CREATED", "BY"], &rows)
}

fn row(token: &NamedToken) -> [Span; 6] {
    let may = match &token.tasks {
        Some(tasks) => format!("answer {}", tasks.join(", ")),
        None => "everything".to_owned(),
    };
    let created = token.created_at.as_deref().map_or_else(|| "-".to_owned(), text::moment);
    let by = token.created_by.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    [
        Span::from(token.name.as_str()),
        Span::from(token.kind.as_str()),
        Span::from(may),
        Span::from(token.origin.as_str()),
        Span::new(created, Tone::Muted),
        Span::from(by),
    ]
}
