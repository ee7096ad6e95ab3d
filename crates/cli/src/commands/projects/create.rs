//! `tidegate projects create`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::input;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # A project from its shipyard
  $ tidegate projects create shop --shipyard shipyard.yaml
  # The same with the shipyard on standard input
  $ cat shipyard.yaml | tidegate projects create stall --shipyard -";

/// Create a project from its shipyard
///
/// The shipyard is checked first; where it is not valid, the error says the line, and nothing is created.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to call it: lower-case letters, digits and '-'
    #[arg(value_name = "NAME")]
    name: String,
    /// The file that says its stages and sequences; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    shipyard: PathBuf,
    /// Keep its files in this Git repository
    #[arg(long, value_name = "URL", requires = "upstream_token_file")]
    upstream: Option<String>,
    /// Who signs in there
    #[arg(long, value_name = "NAME", requires = "upstream", default_value = "git")]
    upstream_user: String,
    /// A file that holds the token for it
    #[arg(long, value_name = "FILE", requires = "upstream", value_hint = ValueHint::FilePath)]
    upstream_token_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let shipyard = input::read(&arguments.shipyard)?;
    let credentials = credentials(&arguments)?;
    let Arguments { name, output: Output { format }, connection, .. } = arguments;
    let client = connection.open()?;
    client.create_project_with(&name, &shipyard, credentials.as_ref()).await?;
    let project = client.project_inventory(&name).await?;
    if format != Format::Table {
        return screen.value(format, &project);
    }
    let stages: Vec<&str> = project.stages.iter().map(|stage| stage.name.as_str()).collect();
    screen.data(&format!("created project {name}: {}", stages.join(", ")))
}

/// The upstream, as Keptn spells it.
fn credentials(arguments: &Arguments) -> Result<Option<Value>, Failure> {
    let Arguments { upstream, upstream_user, upstream_token_file, .. } = arguments;
    let (Some(url), Some(file)) = (upstream, upstream_token_file) else { return Ok(None) };
    let token = String::from_utf8_lossy(&input::read(file)?).trim().to_owned();
    let https = json!({"token": token});
    Ok(Some(json!({"remoteURL": url, "user": upstream_user, "https": https})))
}
