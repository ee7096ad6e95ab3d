//! `tidegate watch`

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tidegate_client::{Client, Sequence, SequenceQuery, Verdict};
use tokio::time::{Instant, sleep_until};

use super::sequences::show::approval_link;
use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find_sequence;
use crate::follow::follow;
use crate::format::{Format, Output};
use crate::period::Period;
use crate::progress::changes;
use crate::screen::Screen;
use crate::{picture, text};

const EXAMPLES: &str = "\
Examples:
  # The newest sequence of a project, until it ends
  $ tidegate watch --project fulltour
  # A certain one, for at most ten minutes, as lines of JSON
  $ tidegate watch 4f2c9a10 --timeout 10m --output json";

/// How often durations are drawn again.
const TICK: Duration = Duration::from_secs(1);

/// Watch a sequence until it ends
///
/// On a terminal its stages and tasks are drawn in place, elsewhere (and where CI is set) each change is a
/// line. Where it waits for a person, it says how to decide. The exit code says how it ended: 0 pass or
/// warning, 5 failed, 8 the time is over.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The sequence: its id (Keptn's context), or the first digits of it [default: the newest]
    #[arg(value_name = "CONTEXT", add = complete::sequences())]
    context: Option<String>,
    /// The newest of this project
    #[arg(long, value_name = "NAME", conflicts_with = "context", add = complete::projects())]
    project: Option<String>,
    /// The newest of this service
    #[arg(long, value_name = "NAME", conflicts_with = "context", add = complete::services())]
    service: Option<String>,
    /// How long to watch
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Period>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let Arguments { context, project, service, timeout, output, connection } = arguments;
    let client = connection.open()?;
    let context = match context {
        Some(context) => find_sequence::find(&client, &context).await?.context,
        None => newest(&client, project.as_deref(), service.as_deref()).await?,
    };
    let mut view = match output.format {
        Format::Table if screen.look().live => View::Picture { drawn: 0 },
        Format::Table => View::Lines,
        format @ (Format::Json | Format::Yaml) => View::Records(format),
    };
    let limit = timeout.map(|period| period.0);
    judge(&until_end(&client, &context, limit, &mut view, screen).await?)
}

async fn newest(
    client: &Client,
    project: Option<&str>,
    service: Option<&str>,
) -> Result<String, Failure> {
    let query = SequenceQuery { project, service, limit: Some(1), ..SequenceQuery::default() };
    let newest = client.sequences(&query).await?.sequences.pop();
    let none = || Failure::NotFound("there is no sequence to watch; trigger one first".to_owned());
    newest.map(|sequence| sequence.context).ok_or_else(none)
}

/// Waits for the end of a sequence, and tells on standard error what happens meanwhile.
pub(crate) async fn wait(
    client: &Client,
    context: &str,
    limit: Option<Duration>,
    screen: &mut Screen<'_>,
) -> Result<Sequence, Failure> {
    until_end(client, context, limit, &mut View::Notes, screen).await
}

/// Whether a sequence that has ended ended well.
pub(crate) fn judge(sequence: &Sequence) -> Result<(), Failure> {
    if matches!(sequence.result, Some(Verdict::Pass | Verdict::Warning)) {
        return Ok(());
    }
    let failed = sequence.runs.iter().find(|run| run.result == Some(Verdict::Fail));
    let place = failed.map_or_else(String::new, |run| format!(" in {}", run.stage));
    let why = failed.and_then(|run| run.message.as_deref());
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let Sequence { sequence: name, project, service, state, context, .. } = sequence;
    let state = crate::progress::words(state.as_str());
    Err(Failure::Failed(format!(
        "the {name} of {project}/{service} {state} with fail{place}{why}; see: tidegate sequences \
         show {context}"
    )))
}

/// How progress is shown.
enum View {
    /// Drawn in place; so many lines were drawn last.
    Picture { drawn: usize },
    /// A line each, on standard output.
    Lines,
    /// A record each, on standard output.
    Records(Format),
    /// A line each, on standard error.
    Notes,
}

async fn until_end(
    client: &Client,
    context: &str,
    limit: Option<Duration>,
    view: &mut View,
    screen: &mut Screen<'_>,
) -> Result<Sequence, Failure> {
    let mut readings = follow(client.clone(), context.to_owned());
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut last: Option<Sequence> = None;
    loop {
        let over = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let ticks = matches!(view, View::Picture { .. }) && last.is_some();
        tokio::select! {
            reading = readings.recv() => {
                let stopped = || Failure::Io(std::io::Error::other("nothing follows it any more"));
                let sequence = reading.ok_or_else(stopped)??;
                view.show(client, last.as_ref(), &sequence, screen)?;
                if sequence.state.is_final() {
                    return Ok(sequence);
                }
                last = Some(sequence);
            }
            () = tokio::time::sleep(TICK), if ticks => {
                if let Some(sequence) = &last {
                    view.show(client, Some(sequence), sequence, screen)?;
                }
            }
            () = over => return Err(too_late(last.as_ref(), context, limit.unwrap_or_default())),
        }
    }
}

fn too_late(last: Option<&Sequence>, context: &str, limit: Duration) -> Failure {
    let waited = text::span(i64::try_from(limit.as_secs()).unwrap_or(i64::MAX));
    let now = match last {
        Some(sequence) => match sequence.approvals.first() {
            Some(id) => format!("it waits for approval: tidegate approve {id}"),
            None => format!("it is {} and goes on", sequence.state.as_str()),
        },
        None => "the server has not said how it stands".to_owned(),
    };
    Failure::TimedOut(format!(
        "not ended after {waited}; {now}. Watch on: tidegate watch {context}"
    ))
}

impl View {
    fn show(
        &mut self,
        client: &Client,
        before: Option<&Sequence>,
        after: &Sequence,
        screen: &mut Screen<'_>,
    ) -> Result<(), Failure> {
        let now = Timestamp::now();
        let link = |id: &str| approval_link(client, id);
        if let Self::Picture { drawn } = self {
            let height = screen.look().size.map(|(_, height)| height);
            let lines = picture::fitting(picture::lines(after, now, link), height);
            screen.redraw(*drawn, &lines)?;
            *drawn = lines.len();
            return Ok(());
        }
        for change in changes(before, after, &now.to_string(), link) {
            match self {
                Self::Lines => screen.data(&change.sentence())?,
                Self::Notes => screen.note(&change.sentence())?,
                Self::Records(format) => screen.record(*format, &change)?,
                Self::Picture { .. } => {}
            }
        }
        Ok(())
    }
}
