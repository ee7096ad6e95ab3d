//! `tidegate projects delete`

use clap::Args;
use serde_json::json;

use super::show;
use crate::complete;
use crate::confirm::Confirm;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Without being asked, for scripts
  $ tidegate projects delete shop --yes";

/// Delete a project: its files, its services, and what it knows of its sequences
///
/// Sequences that are under way are aborted and their jobs stopped; the answer comes when those have
/// ended. A repository elsewhere stays as it is. The audit log stays, too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The project
    #[arg(value_name = "NAME", add = complete::projects())]
    name: String,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, confirm, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    // The API calls one that is not there as good as deleted; whoever typed it wants to know.
    let project = show::find(&client, &name).await?;
    confirm.ask(&format!("Delete project {name} with all its files?"), screen)?;
    client.delete_project(&name).await?;
    if format != Format::Table {
        return screen.value(format, &json!({"project": name, "deleted": true}));
    }
    if let Some(upstream) = &project.upstream {
        screen.note(&format!("{} stays as it is.", upstream.url))?;
    }
    screen.data(&format!("deleted project {name}"))
}
