//! `tidegate doctor`

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use tidegate_store::sqlite::{Finding, check, export};

const EXAMPLES: &str = "\
Examples:
  $ tidegate doctor --data-dir data
  # Save what is sound of a damaged store
  $ tidegate doctor --data-dir data --export events.jsonl";

/// Say whether everything in the store is as it was written
///
/// Reads all of it and changes nothing; a server may be running on it. Each line names a table and a
/// key, or a file, and what is wrong there; the last line counts. Exit codes: 0 sound, 1 damaged, or the
/// store does not open.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Write what is sound of the log to this new file, one event a line, as JSON
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    let Options { data_dir, export } = options;
    // What can be saved is saved first: whoever asks for it may not be able to ask again.
    let saved = export.map(|file| save(&data_dir, &file)).transpose();
    let mut out = std::io::stdout().lock();
    // Whoever closed standard output does not want to read on; the exit code still counts.
    let checked = check(&data_dir, &mut |finding| drop(writeln!(out, "{}", line(finding))))?;
    drop(writeln!(out, "{} checked, {} damaged", checked.rows, checked.damaged));
    if let Some(line) = saved? {
        drop(writeln!(out, "{line}"));
    }
    Ok(if checked.damaged == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A finding as one line. What stands in a damaged row may be anything.
pub(crate) fn line(finding: &Finding) -> String {
    let note = if finding.is_damage { "" } else { "note: " };
    let line = format!("{note}{}: {}", finding.place, finding.why);
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn save(data: &Path, file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut out = BufWriter::new(made.with_context(|| format!("cannot make {shown}"))?);
    let exported = export(data, &mut out)?;
    out.get_ref().sync_all().with_context(|| format!("cannot sync {shown}"))?;
    Ok(format!("{} events in {shown}, {} left out", exported.entries, exported.left_out))
}
