//! `tidegate services create`

use clap::Args;
use serde_json::json;

use crate::commands::projects::show;
use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate services create carts --project fulltour";

/// Create a service in every stage of a project
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to call it: lower-case letters, digits and '-'
    #[arg(value_name = "NAME")]
    name: String,
    /// The project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, project, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    let known = show::find(&client, &project).await?;
    client.create_service(&project, &name).await?;
    let stages: Vec<String> = known.stages.into_iter().map(|stage| stage.name).collect();
    if format != Format::Table {
        return screen
            .value(format, &json!({"project": project, "service": name, "stages": stages}));
    }
    screen.data(&format!("created service {name} in {project}: {}", stages.join(", ")))
}
