//! `tidegate sequences trigger`, for short `tidegate trigger`

mod event;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use serde::Serialize;
use tidegate_client::{Client, Project};
use tidegate_core::names::{SequenceName, StageName};
use tidegate_core::shipyard::{Shipyard, TaskDefinition};

use crate::commands::projects::show as project;
use crate::commands::watch;
use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::period::Period;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Deliver an image to the first stage
  $ tidegate trigger delivery --project fulltour --service helloservice --image hello:v3
  # Any sequence of any stage, with labels for whoever decides
  $ tidegate sequences trigger delivery --project fulltour --stage qa --service helloservice \\
      --image hello:v4 --label build=17 --label ticket=OPS-4
  # Judge the last ten minutes by the service's slo.yaml; every stage has this sequence
  $ tidegate trigger evaluation --project fulltour --stage qa --service helloservice --timeframe 10m
  # Wait for the end; the exit code says how it ended
  $ tidegate trigger check --project fulltour --stage qa --service helloservice --wait=10m";

/// Trigger a sequence
///
/// Prints its id (Keptn's context). With --wait it tells on standard error what happens, and where to
/// decide when it waits for a person; the exit code says how it ended: 0 pass or warning, 5 failed, 8 the
/// time is over.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The sequence, as the shipyard calls it
    #[arg(value_name = "SEQUENCE")]
    sequence: String,
    /// The project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: String,
    /// The stage [default: the first one]
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    /// The service
    #[arg(long, value_name = "NAME", add = complete::services())]
    service: String,
    /// The image to deliver
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// A label; may be given again
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// A value for the chart, such as replicas=2; may be given again
    #[arg(long = "value", value_name = "PATH=VALUE")]
    values: Vec<String>,
    /// Evaluate from this time on, such as 2026-11-24T10:00:00Z; needs --end or --timeframe
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Evaluate up to this time; needs --start
    #[arg(long, value_name = "TIME", requires = "start", conflicts_with = "timeframe")]
    end: Option<String>,
    /// How long to evaluate, such as 10m: from --start on, or up to now [default for an evaluation: the shipyard's,
    /// or 5m]
    #[arg(long, value_name = "DURATION")]
    timeframe: Option<String>,
    /// A JSON file with further data of the event; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    data: Option<PathBuf>,
    /// Wait for the end, at most so long where a time is given
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true)]
    wait: Option<Option<Period>>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// What was triggered.
#[derive(Serialize)]
struct Triggered {
    context: String,
    /// Its page.
    link: String,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let client = arguments.connection.open()?;
    let (service, name) = (&arguments.service, &arguments.project);
    let found = project::find(&client, name).await?;
    let stage = stage(&found, arguments.stage.as_deref(), service)?;
    let tasks = tasks(&found, &stage, &arguments.sequence);
    let event = event::Trigger {
        sequence: &arguments.sequence,
        tasks: &tasks,
        project: name,
        stage: &stage,
        service,
        image: arguments.image.as_deref(),
        labels: &arguments.labels,
        values: &arguments.values,
        start: arguments.start.as_deref(),
        end: arguments.end.as_deref(),
        timeframe: arguments.timeframe.as_deref(),
        data: arguments.data.as_deref(),
    };
    let context = client.send_event_surely(&event.build()?).await?;
    let format = arguments.output.format;
    let Some(wait) = arguments.wait else {
        return tell(&client, name, context, format, screen);
    };
    screen.note(&format!("Triggered {context}; waiting for its end."))?;
    let limit = wait.map(|period| period.0);
    let ended = watch::wait(&client, &context, limit, screen).await;
    match (format, &ended) {
        (Format::Table, _) => screen.data(&context)?,
        (_, Ok(sequence)) => screen.value(format, sequence)?,
        // Whoever reads data gets a document whatever happened.
        (_, Err(_)) => screen.value(format, &client.sequence(&context).await?)?,
    }
    watch::judge(&ended?)
}

fn tell(
    client: &Client,
    project: &str,
    context: String,
    format: Format,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let link = client.endpoint().link(&format!("/bridge/project/{project}/sequence/{context}"));
    if format != Format::Table {
        return screen.value(format, &Triggered { context, link });
    }
    screen.note(&format!("See {link} or: tidegate watch {context}"))?;
    screen.data(&context)
}

/// The stage to trigger in: a misspelt name is told apart here, where the right ones are known.
fn stage(project: &Project, wanted: Option<&str>, service: &str) -> Result<String, Failure> {
    let Project { name, stages, .. } = project;
    let known = || stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match wanted {
        Some(wanted) => stages.iter().find(|stage| stage.name == wanted),
        None => stages.first(),
    };
    let stage = found.ok_or_else(|| {
        let wanted = wanted.unwrap_or("at all");
        Failure::NotFound(format!("no stage {wanted} in {name}; it has: {}", known()))
    })?;
    if !stage.services.iter().any(|known| known.name == service) {
        let see = format!("tidegate services create {service} --project {name}");
        let text = format!("no service {service} in {name}; nothing was triggered. Make it: {see}");
        return Err(Failure::NotFound(text));
    }
    Ok(stage.name.clone())
}

/// The tasks of a sequence; none where the shipyard does not know it, which is the server's to say.
fn tasks(project: &Project, stage: &str, sequence: &str) -> Arc<[TaskDefinition]> {
    let names = StageName::new(stage).ok().zip(SequenceName::new(sequence).ok());
    let found = Shipyard::parse(&project.shipyard).ok().zip(names);
    let tasks = found.and_then(|(shipyard, (stage, name))| shipyard.tasks(&stage, &name).ok());
    tasks.unwrap_or_default()
}
