//! `tidegate projects list`

use clap::Args;
use tidegate_client::Project;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  # All projects, for people
  $ tidegate projects list
  # Their names, stages and services, for programs
  $ tidegate projects list --output json";

/// List all projects, by name
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
    let projects = connection.open()?.inventory().await?;
    if format != Format::Table {
        return screen.value(format, &projects);
    }
    if projects.is_empty() {
        return screen.note(
            "There is no project yet; make one: tidegate projects create NAME --shipyard FILE",
        );
    }
    let rows: Vec<_> = projects.iter().map(row).collect();
    screen.table(["NAME", "STAGES", "SERVICES", "CREATED", "UPSTREAM"], &rows)
}

fn row(project: &Project) -> [Span; 5] {
    let stages: Vec<&str> = project.stages.iter().map(|stage| stage.name.as_str()).collect();
    let services = project.stages.first().map_or(0, |stage| stage.services.len());
    [
        Span::from(project.name.as_str()),
        Span::from(stages.join(", ")),
        Span::from(services.to_string()),
        Span::new(created(project), Tone::Muted),
        Span::from(project.upstream.as_ref().map_or("-", |upstream| upstream.url.as_str())),
    ]
}

pub(super) fn created(project: &Project) -> String {
    project.created.map_or_else(|| "-".to_owned(), |created| format!("{created:.0}"))
}
