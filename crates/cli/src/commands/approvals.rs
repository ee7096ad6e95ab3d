//! `tidegate approvals`

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tidegate_client::{Approval, ApprovalQuery, ApprovalState};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::format::Format;
use crate::screen::Screen;
use crate::{table, text};

/// Digits of an id that are shown, where they suffice.
const DIGITS_MIN: usize = 8;

/// List what waits for a decision, oldest first
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only those of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those that wait, were decided, or were closed by an abort
    #[arg(long, value_enum, default_value = "open")]
    state: State,
    /// How to write the list
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
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
    let Arguments { project, state, output, connection } = arguments;
    let query = ApprovalQuery {
        state: Some(state.into()),
        project: project.as_deref(),
        ..ApprovalQuery::default()
    };
    let approvals = connection.open()?.all_approvals(&query).await?;
    if output != Format::Table {
        return screen.value(output, &approvals);
    }
    if approvals.is_empty() {
        return screen.note(match state {
            State::Open => "Nothing waits for a decision.",
            State::Decided => "Nothing has been decided.",
            State::Closed => "No approval was closed without a decision.",
        });
    }
    let header = ["ID", "WAITS AT", "IMAGE", "REPLACES", "AGE", "ASKED BY", "STATE"];
    let (now, digits) = (Timestamp::now(), digits_needed(&approvals));
    let rows: Vec<_> = approvals.iter().map(|approval| row(approval, digits, now)).collect();
    table::lines(header, &rows).iter().try_for_each(|line| screen.data(line))
}

fn row(approval: &Approval, digits: usize, now: Timestamp) -> [String; 7] {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let state = match &approval.decided {
        Some(decided) => format!("{} by {}", decided.decision.done(), decided.by),
        None => approval.state.as_str().to_owned(),
    };
    [
        approval.id.get(..digits).unwrap_or(&approval.id).to_owned(),
        text::place(approval),
        or_dash(approval.image.as_deref()),
        or_dash(approval.replaces.as_ref().map(|replaced| replaced.image.as_str())),
        text::age(&approval.asked_at, now),
        approval.triggered_by.to_string(),
        state,
    ]
}

/// How many digits tell the ids of this list apart.
fn digits_needed(approvals: &[Approval]) -> usize {
    let mut ids: Vec<&str> = approvals.iter().map(|approval| approval.id.as_str()).collect();
    ids.sort_unstable();
    let common = |pair: &[&str]| {
        pair[0].bytes().zip(pair[1].bytes()).take_while(|(left, right)| left == right).count()
    };
    ids.windows(2).map(common).max().map_or(DIGITS_MIN, |longest| DIGITS_MIN.max(longest + 1))
}
