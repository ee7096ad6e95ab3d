//! `tidegate tokens revoke`

use clap::Args;
use serde_json::json;

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate tokens revoke ada";

/// Revoke a token, at once
///
/// What it was used for stays as it is. Those of the configuration are removed there. Needs the
/// installation's own token.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Whose it is
    #[arg(value_name = "NAME", add = complete::tokens())]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, output: Output { format }, connection } = arguments;
    connection.open()?.revoke_token(&name).await?;
    match format {
        Format::Table => screen.data(&format!("revoked the token of {name}")),
        Format::Json | Format::Yaml => {
            screen.value(format, &json!({"name": name, "revoked": true}))
        }
    }
}
