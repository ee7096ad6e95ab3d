//! `tidegate events list`

use clap::{ArgGroup, Args};
use serde_json::Value;
use tidegate_client::EventQuery;

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find_sequence;
use crate::format::{Format, Output};
use crate::screen::Screen;
use crate::text;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  # All events of a sequence
  $ tidegate events list --context 4f2c9a10
  # The newest answers to deployments in a project, as CloudEvents
  $ tidegate events list --project fulltour --type deployment.finished --limit 5 --output json";

/// What the name of every event of Keptn begins with.
const PREFIX: &str = "sh.keptn.event.";

/// List events of the log, newest first
///
/// Those that were sent again or refused are not listed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[group(skip)]
#[command(group = ArgGroup::new("of").args(["context", "project"]).required(true).multiple(true))]
pub struct Arguments {
    /// Only those of this sequence: its id (Keptn's context), or the first digits of it
    #[arg(long, value_name = "CONTEXT", add = complete::sequences())]
    context: Option<String>,
    /// Only those of this project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: Option<String>,
    /// Only those of this stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    /// Only those of this service
    #[arg(long, value_name = "NAME", add = complete::services())]
    service: Option<String>,
    /// Only those of this type; sh.keptn.event. can be left out
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { context, project, stage, service, kind, limit, output, connection } = arguments;
    let client = connection.open()?;
    let context = match context {
        Some(context) => Some(find_sequence::find(&client, &context).await?.context),
        None => None,
    };
    let kind = kind.map(|kind| match kind.starts_with("sh.") {
        true => kind,
        false => format!("{PREFIX}{kind}"),
    });
    let query = EventQuery {
        context: context.as_deref(),
        project: project.as_deref(),
        stage: stage.as_deref(),
        service: service.as_deref(),
        kind: kind.as_deref(),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let events = client.newest_events(&query, limit).await?;
    if output.format != Format::Table {
        return screen.value(output.format, &events);
    }
    if events.is_empty() {
        return screen.note("No event matches.");
    }
    let rows: Vec<_> = events.iter().map(row).collect();
    screen.table(["ID", "TIME", "TYPE", "STAGE", "SERVICE", "RESULT", "SOURCE"], &rows)
}

fn row(event: &Value) -> [Span; 7] {
    let field = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let or_dash = |value: &Value| Span::from(field(value).unwrap_or_else(|| "-".to_owned()));
    let kind = field(&event["type"]).unwrap_or_default();
    let time = field(&event["time"]).unwrap_or_default();
    let data = &event["data"];
    let tone = match data["result"].as_str() {
        Some("pass") => Tone::Good,
        Some("warning") => Tone::Attention,
        Some("fail") => Tone::Bad,
        _ => Tone::Muted,
    };
    [
        or_dash(&event["id"]),
        Span::new(text::moment(&time), Tone::Muted),
        Span::from(kind.strip_prefix(PREFIX).unwrap_or(&kind)),
        or_dash(&data["stage"]),
        or_dash(&data["service"]),
        Span::new(data["result"].as_str().unwrap_or("-"), tone),
        or_dash(&event["source"]),
    ]
}
