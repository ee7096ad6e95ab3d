//! `tidegate gate evaluate`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::Map;
use tidegate_core::event::{Scope, Status, TaskResult, answer_to};
use tidegate_core::names::{NameError, ProjectName, ServiceName, StageName};
use tidegate_core::quality::{Evaluation, Past, Question, evaluate};

use crate::exit::Judged;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::gate::results::Results;
use crate::gate::slo::File;
use crate::gate::{self, lines, previous, results, slo};
use crate::screen::Screen;
use crate::tone::Span;

const EXAMPLES: &str = "\
Examples:
  # What was measured, by an slo.yaml
  $ tidegate gate evaluate slo.yaml --results results.json
  # Numbers that another program writes, compared with earlier evaluations
  $ echo '{\"error_rate\": 0.1, \"response_time_p95\": 212}' | \\
    tidegate gate evaluate slo.yaml --results - --previous previous.json
  # For the next program: the data of an evaluation.finished event
  $ tidegate gate evaluate slo.yaml --results results.json --output json";

/// Judge what was measured by an slo.yaml, as a gate does; no server is asked
///
/// Ends with 0 where it passes, 1 where it fails, 2 where it is a warning, and 64 or more where there is no
/// verdict. What the slo.yaml does otherwise than it reads is told on standard error.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The slo.yaml; - is standard input
    #[arg(value_name = "SLO", value_hint = ValueHint::FilePath)]
    slo: PathBuf,
    /// What was measured, as JSON: numbers by their names, a list of {metric, value, success} as Keptn's
    /// sliResults, or a get-sli.finished event; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    results: PathBuf,
    /// Earlier evaluations, as JSON, newest first: evaluation.finished events, or what this command
    /// printed; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    previous: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(arguments: &Arguments, screen: &mut Screen<'_>) -> Result<Judged, Failure> {
    let Arguments { slo, results, previous, output: Output { format } } = arguments;
    gate::once([slo.as_path(), results.as_path()].into_iter().chain(previous.as_deref()))?;
    let file = slo::read(slo, screen)?;
    let unusable =
        |path: &PathBuf, why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let measured = results::read(gate::json(results)?).map_err(|why| unusable(results, why))?;
    let earlier = match previous {
        Some(path) => previous::read(gate::json(path)?).map_err(|why| unusable(path, why))?,
        None => Vec::new(),
    };
    let scope = Scope::of(&measured.data).or_else(|_| nobody());
    let scope = scope.map_err(|error: NameError| Failure::Usage(error.to_string()))?;
    let question =
        Question { scope: &scope, slo: &file.text, answer: &measured.answer, earlier: &earlier };
    let evaluation = evaluate(&question);
    let judged = judged(&evaluation);
    let shown = match format {
        Format::Table => show(&file, &evaluation, &earlier, screen),
        Format::Json | Format::Yaml => screen.value(*format, &data(&measured, &evaluation)),
    };
    Failure::unless_unread(shown)?;
    if judged == Judged::Unusable {
        return Err(Failure::Usage(format!("no verdict: {}", evaluation.message)));
    }
    Ok(judged)
}

/// Whom a gate is for that is for nobody's project. No evaluation of a file that could be read names it.
fn nobody() -> Result<Scope, NameError> {
    Ok(Scope {
        project: ProjectName::new("project")?,
        stage: StageName::new("stage")?,
        service: ServiceName::new("service")?,
    })
}

fn judged(evaluation: &Evaluation) -> Judged {
    if evaluation.outcome.status != Status::Succeeded {
        return Judged::Unusable;
    }
    match evaluation.outcome.result {
        TaskResult::Pass => Judged::Good,
        TaskResult::Warning => Judged::Warning,
        TaskResult::Fail => Judged::Bad,
    }
}

/// The data of the `evaluation.finished` event.
fn data(measured: &Results, evaluation: &Evaluation) -> Map<String, serde_json::Value> {
    let mut data = answer_to(&measured.data);
    evaluation.write(&mut data);
    data
}

fn show(
    file: &File,
    evaluation: &Evaluation,
    earlier: &[Past],
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if evaluation.outcome.status != Status::Succeeded {
        // The one sentence that there is, is told at the end.
        return Ok(());
    }
    let score = lines::score(evaluation.details.score, &file.slo);
    screen.spans(&[lines::result(evaluation.outcome.result), Span::from(format!(": {score}"))])?;
    if !evaluation.message.is_empty() {
        screen.data(&evaluation.message)?;
    }
    let Some(indicators) = &evaluation.details.indicator_results else { return Ok(()) };
    let chosen = file.slo.comparison.choose(earlier).unwrap_or_default();
    screen.table(lines::HEADER, &lines::objectives(&file.slo, indicators, &chosen))
}
