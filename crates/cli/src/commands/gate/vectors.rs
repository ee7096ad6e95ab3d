//! `tidegate gate vectors`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use tidegate_core::quality::vectors::{self, Report};

use crate::exit::Judged;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::gate;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Whether this program evaluates as was recorded
  $ tidegate gate vectors quality-gate.json";

/// Evaluate recorded cases, and print what is not as recorded
///
/// Each case holds an slo.yaml, what was measured, earlier evaluations, and what must come out; numbers are
/// compared to the last bit. Ends with 0 where all is as recorded, 1 where something is not, and 64 or more
/// where the file holds no cases.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The cases, as a JSON array; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(arguments: &Arguments, screen: &mut Screen<'_>) -> Result<Judged, Failure> {
    let Arguments { file, output: Output { format } } = arguments;
    let shown = file.display();
    let report = vectors::run(&gate::text(file)?)
        .map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
    if report.passed + report.failed == 0 {
        return Err(Failure::Usage(format!("{shown}: there is no case in it")));
    }
    let judged = if report.failed == 0 { Judged::Good } else { Judged::Bad };
    Failure::unless_unread(show(&report, *format, screen))?;
    Ok(judged)
}

fn show(report: &Report, format: Format, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if format != Format::Table {
        return screen.value(format, &value(report));
    }
    for difference in &report.differences {
        screen.data(&difference.to_string())?;
    }
    screen.data(&format!("{} passed, {} failed", report.passed, report.failed))
}

fn value(report: &Report) -> Value {
    let differences = report.differences.iter().map(|difference| {
        json!({
            "case": difference.case,
            "path": difference.path,
            "expected": difference.expected,
            "found": difference.found,
        })
    });
    json!({
        "passed": report.passed,
        "failed": report.failed,
        "differences": differences.collect::<Vec<_>>(),
    })
}
