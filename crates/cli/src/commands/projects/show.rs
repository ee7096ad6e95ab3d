//! `tidegate projects show`

use clap::Args;
use tidegate_client::{Client, ClientError, Project, Service, Stage};

use super::list::created;
use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::tone::Span;

const EXAMPLES: &str = "\
Examples:
  # Its stages, and what runs there
  $ tidegate projects show fulltour
  $ tidegate projects show fulltour --output yaml";

/// Show a project, its stages, and what runs there
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The project
    #[arg(value_name = "NAME", add = complete::projects())]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { name, output: Output { format }, connection } = arguments;
    let project = find(&connection.open()?, &name).await?;
    if format != Format::Table {
        return screen.value(format, &project);
    }
    let mut facts = vec![("project", project.name.clone()), ("created", created(&project))];
    if let Some(upstream) = &project.upstream {
        facts.push(("upstream", upstream.url.clone()));
    }
    screen.facts(&facts)?;
    let rows: Vec<_> = project.stages.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return screen.note("It has no stage that can be read; look at its shipyard.yaml.");
    }
    screen.table(["STAGE", "SERVICE", "IMAGE"], &rows)
}

/// A stage with each of its services; one without any shows itself.
fn rows(stage: &Stage) -> Vec<[Span; 3]> {
    let row = |service: Option<&Service>| {
        let image = service.and_then(|service| service.image.as_deref()).unwrap_or("-");
        let service = service.map_or("-", |service| service.name.as_str());
        [Span::from(stage.name.as_str()), Span::from(service), Span::from(image)]
    };
    match stage.services.as_slice() {
        [] => vec![row(None)],
        services => services.iter().map(|service| row(Some(service))).collect(),
    }
}

/// A project that must be there.
pub(crate) async fn find(client: &Client, name: &str) -> Result<Project, Failure> {
    client.project_inventory(name).await.map_err(|error| missing(error, name))
}

/// The same error, in words that say where to look.
pub(crate) fn missing(error: ClientError, project: &str) -> Failure {
    match error.is_not_found() {
        true => Failure::NotFound(format!("no project {project}; see: tidegate projects list")),
        false => error.into(),
    }
}
