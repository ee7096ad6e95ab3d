//! `tidegate services list`

use clap::Args;
use serde::Serialize;
use tidegate_client::{Project, Service};

use crate::commands::projects::show;
use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  # What runs where, in all projects
  $ tidegate services list
  # In one stage of one project
  $ tidegate services list --project fulltour --stage production";

/// List services with what runs in each stage
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only those of this project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: Option<String>,
    /// Only in this stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// A service in a stage, and where that is.
#[derive(Serialize)]
struct Place {
    project: String,
    stage: String,
    #[serde(flatten)]
    service: Service,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { project, stage, output: Output { format }, connection } = arguments;
    let client = connection.open()?;
    let projects = match project {
        Some(name) => vec![show::find(&client, &name).await?],
        None => client.inventory().await?,
    };
    let places: Vec<Place> = projects.into_iter().flat_map(places).collect();
    let wanted = |place: &Place| stage.as_ref().is_none_or(|stage| place.stage == *stage);
    let places: Vec<Place> = places.into_iter().filter(wanted).collect();
    if format != Format::Table {
        return screen.value(format, &places);
    }
    if places.is_empty() {
        return screen.note(
            "There is no such service; make one: tidegate services create NAME --project NAME",
        );
    }
    let rows: Vec<_> = places.iter().map(row).collect();
    screen.table(["NAME", "PROJECT", "STAGE", "IMAGE", "CREATED"], &rows)
}

fn places(project: Project) -> Vec<Place> {
    let Project { name, stages, .. } = project;
    let in_stage = |stage: tidegate_client::Stage| {
        let (project, stage_name) = (name.clone(), stage.name);
        let services = stage.services.into_iter();
        services.map(move |service| Place {
            project: project.clone(),
            stage: stage_name.clone(),
            service,
        })
    };
    stages.into_iter().flat_map(in_stage).collect()
}

fn row(place: &Place) -> [Span; 5] {
    let Place { project, stage, service } = place;
    let created = service.created.map_or_else(|| "-".to_owned(), |created| format!("{created:.0}"));
    [
        Span::from(service.name.as_str()),
        Span::from(project.as_str()),
        Span::from(stage.as_str()),
        Span::from(service.image.as_deref().unwrap_or("-")),
        Span::new(created, Tone::Muted),
    ]
}
