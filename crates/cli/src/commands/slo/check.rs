//! `tidegate slo check`

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;
use tidegate_core::quality::{Slo, lint};

use crate::exit::Judged;
use crate::failure::Failure;
use crate::format::{Format, Output};
use crate::gate;
use crate::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  # Before it is committed
  $ tidegate slo check slo.yaml
  # For an editor, or a pipeline
  $ tidegate slo check slo.yaml --output json";

/// Find what is wrong with an slo.yaml, and what it does otherwise than it reads
///
/// Each finding has its file, line and column, and how to mend it. An error is what no gate can judge by; a
/// warning is what every gate takes without a word, and nobody can have meant. Ends with 0 where there is
/// nothing to mend, 1 where there is, and 64 where a file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The files; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// What there is to say of a file.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    findings: Vec<Told>,
}

/// One thing to mend.
#[derive(Debug, Serialize)]
struct Told {
    line: u64,
    column: u64,
    severity: Severity,
    problem: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
}

pub(crate) fn run(arguments: &Arguments, screen: &mut Screen<'_>) -> Result<Judged, Failure> {
    let Arguments { files, output: Output { format } } = arguments;
    gate::once(files.iter().map(PathBuf::as_path))?;
    let check = |path: &PathBuf| {
        let findings = findings(&gate::text(path)?);
        Ok(Checked { file: path.display().to_string(), findings })
    };
    let checked = files.iter().map(check).collect::<Result<Vec<_>, Failure>>()?;
    let good = checked.iter().all(|checked| checked.findings.is_empty());
    Failure::unless_unread(show(&checked, *format, screen))?;
    Ok(if good { Judged::Good } else { Judged::Bad })
}

fn findings(text: &str) -> Vec<Told> {
    if let Err(error) = Slo::parse(text) {
        let cause = error.cause();
        let place = cause.place;
        return vec![Told {
            line: place.line,
            column: place.column,
            severity: Severity::Error,
            problem: cause.reason.clone(),
        }];
    }
    let told = lint(text).into_iter().map(|finding| Told {
        line: finding.place.line,
        column: finding.place.column,
        severity: Severity::Warning,
        problem: finding.problem,
    });
    told.collect()
}

fn show(checked: &[Checked], format: Format, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if format != Format::Table {
        return screen.value(format, &checked);
    }
    for Checked { file, findings } in checked {
        if findings.is_empty() {
            screen.data(&format!("{file}: nothing to mend"))?;
        }
        for Told { line, column, severity, problem } in findings {
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            screen.data(&format!("{file}:{line}:{column}: {severity}: {problem}"))?;
        }
    }
    Ok(())
}
