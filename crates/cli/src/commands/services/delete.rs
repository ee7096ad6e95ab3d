//! `tidegate services delete`

use clap::Args;
use serde_json::json;

use crate::commands::projects::show;
use crate::complete;
use crate::confirm::Confirm;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  $ tidegate services delete carts --project fulltour --yes";

/// Delete a service, with its files, in every stage of a project
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The service
    #[arg(value_name = "NAME", add = complete::services())]
    name: String,
    /// The project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: String,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, project, confirm, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    let known = show::find(&client, &project).await?;
    // The API calls one that is not there as good as deleted; whoever typed it wants to know.
    let mut services = known.stages.iter().flat_map(|stage| &stage.services);
    if !services.any(|service| service.name == name) {
        let see = format!("see: tidegate services list --project {project}");
        return Err(Failure::NotFound(format!("no service {name} in {project}; {see}")));
    }
    confirm.ask(&format!("Delete service {name} of {project} with its files?"), screen)?;
    client.delete_service(&project, &name).await?;
    if format != Format::Table {
        let done = json!({"project": project, "service": name, "deleted": true});
        return screen.value(format, &done);
    }
    screen.data(&format!("deleted service {name} of {project}"))
}
