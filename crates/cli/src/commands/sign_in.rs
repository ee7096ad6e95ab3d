//! `tidegate sign-in`

use clap::Args;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  # The link alone is on standard output
  $ tidegate sign-in ada";

/// Make a link that signs a person in to the Bridge, once
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Who signs in; decisions will carry this name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, output: Output { format: output }, connection } = arguments;
    let link = connection.open()?.sign_in_link(&name).await?;
    match output {
        Format::Table => {
            screen
                .note(&format!("Signs in {name}, once, until {}:", text::moment(&link.expires)))?;
            screen.data(&link.link)
        }
        Format::Json | Format::Yaml => screen.value(output, &link),
    }
}
