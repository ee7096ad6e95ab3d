//! `tidegate approvals list`

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tidegate_client::{Approval, ApprovalQuery, ApprovalState, Decision};

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::picture::OVERRIDDEN;
use crate::screen::Screen;
use crate::text;
use crate::tone::{Span, Tone};

const EXAMPLES: &str = "\
Examples:
  # What waits in one project
  $ tidegate approvals list --project fulltour
  # Who decided what
  $ tidegate approvals list --state decided --output json";

/// List what waits for a decision, oldest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only those of this project
    #[arg(long, value_name = "NAME", add = complete::projects())]
    project: Option<String>,
    /// Only those of this stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    /// Only those of this service
    #[arg(long, value_name = "NAME", add = complete::services())]
    service: Option<String>,
    /// Only those that wait, were decided, or were closed by an abort
    #[arg(long, value_enum, default_value = "open")]
    state: State,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Open,
    Decided,
    Closed,
}

impl From<State> for ApprovalState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Decided => Self::Decided,
            State::Closed => Self::Closed,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { project, stage, service, state, output, connection } = arguments;
    let query = ApprovalQuery {
        state: Some(state.into()),
        project: project.as_deref(),
        stage: stage.as_deref(),
        service: service.as_deref(),
        ..ApprovalQuery::default()
    };
    let approvals = connection.open()?.all_approvals(&query).await?;
    if output.format != Format::Table {
        return screen.value(output.format, &approvals);
    }
    if approvals.is_empty() {
        return screen.note(match state {
            State::Open => "Nothing waits for a decision.",
            State::Decided => "Nothing has been decided.",
            State::Closed => "No approval was closed without a decision.",
        });
    }
    let header = ["ID", "WAITS AT", "IMAGE", "REPLACES", "AGE", "ASKED BY", "STATE"];
    let now = Timestamp::now();
    let digits = text::digits_needed(approvals.iter().map(|approval| approval.id.as_str()));
    let rows: Vec<_> = approvals.iter().map(|approval| row(approval, digits, now)).collect();
    screen.table(header, &rows)
}

fn row(approval: &Approval, digits: usize, now: Timestamp) -> [Span; 7] {
    let or_dash = |text: Option<&str>| Span::from(text.unwrap_or("-"));
    let state = match &approval.decided {
        Some(decided) if approval.overridden => {
            Span::new(format!("{OVERRIDDEN} by {}", decided.by), Tone::Attention)
        }
        Some(decided) => {
            let tone = match decided.decision {
                Decision::Approve => Tone::Good,
                Decision::Decline => Tone::Bad,
            };
            Span::new(format!("{} by {}", decided.decision.done(), decided.by), tone)
        }
        None if approval.state == ApprovalState::Open => {
            Span::new(approval.state.as_str(), Tone::Attention)
        }
        None => Span::new(approval.state.as_str(), Tone::Muted),
    };
    [
        Span::from(text::short(&approval.id, digits)),
        Span::from(text::place(approval)),
        or_dash(approval.image.as_deref()),
        or_dash(approval.replaces.as_ref().map(|replaced| replaced.image.as_str())),
        Span::new(text::age(&approval.asked_at, now), Tone::Muted),
        Span::from(approval.triggered_by.to_string()),
        state,
    ]
}
