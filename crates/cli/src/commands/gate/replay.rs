//! `tidegate gate replay`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use tidegate_core::quality::{Undecided, decides, replay};

use crate::connection::Connection;
use crate::exit::Judged;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::gate::history::Whose;
use crate::gate::replayed::{HEADER, Told};
use crate::gate::slo;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # What would this file have decided?
  $ tidegate gate replay slo.yaml --project fulltour --stage qa --service helloservice
  # Over a year of nights
  $ tidegate gate replay slo.yaml --project fulltour --stage qa --service helloservice \\
    --last 365 --output json";

/// Judge a service's past evaluations again by a changed slo.yaml
///
/// The values that were measured then are judged by the file, each compared with those before it as they
/// would have ended. Each verdict that changes is told, with the objectives that change it. Nothing is
/// written anywhere.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The changed slo.yaml; - is standard input
    #[arg(value_name = "SLO", value_hint = ValueHint::FilePath)]
    slo: PathBuf,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments, screen: &mut Screen<'_>) -> Result<Judged, Failure> {
    let Arguments { slo, whose, output: Output { format }, connection } = arguments;
    let file = slo::read(&slo, screen)?;
    let undecided = |why: Undecided| Failure::Usage(format!("{}: {why}", slo.display()));
    // Before anybody is asked.
    decides(&file.slo).map_err(undecided)?;
    let history = whose.ask(&connection).await?;
    let replayed = replay(&file.slo, &history.past).map_err(undecided)?;
    let told = Told::of(&history, replayed);
    Failure::unless_unread(show(&told, &whose, format, screen))?;
    Ok(Judged::Good)
}

fn show(
    told: &Told,
    whose: &Whose,
    format: Format,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if format != Format::Table {
        return screen.value(format, told);
    }
    if told.evaluations == 0 {
        return screen.note(&format!("There is no evaluation of {} yet.", whose.place()));
    }
    screen.facts(&told.facts())?;
    let rows = told.rows();
    if rows.is_empty() { Ok(()) } else { screen.table(HEADER, &rows) }
}
