//! `tidegate gate suggest`

use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tidegate_core::quality::{Because, SAMPLES_MIN, SLO_PATH, Suggestion, suggest};

use crate::connection::Connection;
use crate::diff;
use crate::exit::Judged;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::gate::history::Whose;
use crate::gate::slo;
use crate::screen::Screen;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  # What bounds does the past propose?
  $ tidegate gate suggest slo.yaml --project fulltour --stage qa --service helloservice
  # Take them
  $ tidegate gate suggest slo.yaml --project fulltour --stage qa --service helloservice \\
    | tee slo.diff && git apply slo.diff";

/// Propose criteria from a service's past evaluations, as a diff of its slo.yaml
///
/// For each indicator without a bound: the 99th percentile of what evaluations that passed have measured, on
/// two digits, or the first percentile where more is better. Each is told with how many of these evaluations
/// it would have failed. The file itself is not written.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The slo.yaml; - is standard input
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
    let history = whose.ask(&connection).await?;
    let past = &history.past[history.before..];
    let suggested = suggest(&file.text, past)
        .map_err(|error| Failure::Usage(format!("{}:{error}", slo.display())))?;
    let diff = diff::unified(&name(&slo), &file.text, &suggested.text);
    if suggested.suggestions.is_empty() && format == Format::Table {
        let place = whose.place();
        screen.note(&format!(
            "There is nothing to propose: of {} evaluations of {place}, no indicator without a bound was \
             measured in {SAMPLES_MIN} that passed.",
            past.len()
        ))?;
    }
    Failure::unless_unread(show(&suggested.suggestions, &diff, format, screen))?;
    Ok(Judged::Good)
}

fn show(
    suggestions: &[Suggestion],
    diff: &str,
    format: Format,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if format != Format::Table {
        let suggestions: Vec<Value> = suggestions.iter().map(value).collect();
        return screen.value(format, &json!({"suggestions": suggestions, "diff": diff}));
    }
    for suggestion in suggestions {
        screen.note(&told(suggestion))?;
    }
    screen.text(diff)
}

/// What the diff calls the file, so that it can be applied where the command was given.
fn name(path: &Path) -> String {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let shown = match path.file_name() {
        Some(name) if name != "-" => {
            if is_below {
                path.display().to_string()
            } else {
                name.to_string_lossy().into_owned()
            }
        }
        _ => SLO_PATH.to_owned(),
    };
    text::plain(&shown)
}

/// `response_time_p95 <=220: would have failed 1 of 86 evaluations that passed (1.2 %), and 3 of 4 that failed`
fn told(suggestion: &Suggestion) -> String {
    let Suggestion { sli, criterion, because, passed, false_alarms, failed, caught, written } =
        suggestion;
    let percent = suggestion.false_alarm_percent();
    let mut told = format!(
        "{sli} {criterion}: would have failed {false_alarms} of {passed} evaluations that passed \
         ({percent:.1} %), and {caught} of {failed} that failed"
    );
    match because {
        Because::Criteria => {}
        Because::Name => told.push_str("; by its name, more is better"),
        Because::Nothing => told.push_str("; nothing says whether more is better: look at it"),
    }
    if !written {
        told.push_str("; it cannot be written into the file without changing what is there");
    }
    told
}

fn value(suggestion: &Suggestion) -> Value {
    let Suggestion { sli, criterion, because, passed, false_alarms, failed, caught, written } =
        suggestion;
    let because = match because {
        Because::Criteria => "criteria",
        Because::Name => "name",
        Because::Nothing => "nothing",
    };
    json!({
        "sli": sli, "criterion": criterion, "because": because,
        "passed": passed, "falseAlarms": false_alarms,
        "falseAlarmPercent": suggestion.false_alarm_percent(),
        "failed": failed, "caught": caught, "written": written,
    })
}
