//! `tidegate sequences list`

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tidegate_client::{Sequence, SequenceQuery, SequenceState};

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::picture::standing;
use crate::screen::Screen;
use crate::text;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  # The newest of all projects
  $ tidegate sequences list
  # What of one service has reached production
  $ tidegate sequences list --project fulltour --service helloservice --stage production
  # What is under way, as JSON
  $ tidegate sequences list --state started --limit 10 --output json";

/// List sequences, newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only those of this project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: Option<String>,
    /// Only those that have reached this stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    /// Only those of this service
    #[arg(long, value_name = "NAME", add = complete::services())]
    service: Option<String>,
    /// Only those in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Triggered,
    Waiting,
    Started,
    Paused,
    Finished,
    Aborted,
    #[value(name = "timedOut", alias = "timedout")]
    TimedOut,
}

impl From<State> for SequenceState {
    fn from(state: State) -> Self {
        match state {
            State::Triggered => Self::Triggered,
            State::Waiting => Self::Waiting,
            State::Started => Self::Started,
            State::Paused => Self::Paused,
            State::Finished => Self::Finished,
            State::Aborted => Self::Aborted,
            State::TimedOut => Self::TimedOut,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { project, stage, service, state, limit, output, connection } = arguments;
    let query = SequenceQuery {
        project: project.as_deref(),
        stage: stage.as_deref(),
        service: service.as_deref(),
        state: state.map(Into::into),
        context: None,
        limit: Some(limit),
    };
    let page = connection.open()?.sequences(&query).await?;
    if output.format != Format::Table {
        return screen.value(output.format, &page.sequences);
    }
    if page.sequences.is_empty() {
        return screen.note("No sequence matches.");
    }
    let now = Timestamp::now();
    let ids = page.sequences.iter().map(|sequence| sequence.context.as_str());
    let digits = text::digits_needed(ids);
    let rows: Vec<_> = page.sequences.iter().map(|one| row(one, digits, now)).collect();
    let header = ["CONTEXT", "SEQUENCE", "PROJECT", "SERVICE", "STAGE", "STATE", "AGE", "BY"];
    screen.table(header, &rows)?;
    if page.more {
        screen.note(&format!("These are the newest {limit}; --limit shows more."))?;
    }
    Ok(())
}

fn row(sequence: &Sequence, digits: usize, now: Timestamp) -> [Span; 8] {
    let (state, tone) = standing(sequence);
    let stage = sequence.stages.last().map_or("-", |stage| stage.name.as_str());
    [
        Span::from(text::short(&sequence.context, digits)),
        Span::from(sequence.sequence.as_str()),
        Span::from(sequence.project.as_str()),
        Span::from(sequence.service.as_str()),
        Span::from(stage),
        Span::new(state, tone),
        Span::new(text::age(&sequence.triggered_at, now), Tone::Muted),
        Span::from(sequence.triggered_by.to_string()),
    ]
}
