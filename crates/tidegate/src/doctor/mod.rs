//! `tidegate doctor`

mod files;
mod finding;
mod machine;
mod server;
mod store;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_store::sqlite::check;

use crate::config::{Config, LISTEN};
use finding::{Finding, Level};
use server::Running;

pub(crate) use store::line;

const EXAMPLES: &str = "\
Examples:
  $ tidegate doctor --config tidegate.toml
  # Save what is sound of a damaged store
  $ tidegate doctor --data-dir data --export events.jsonl
  # What has to be mended, for programs
  $ tidegate doctor --data-dir data --output json";

/// Say what is wrong with an installation, and whether everything in its store is as it was written
///
/// Looks at the machine, the configuration, the data directory and the server that runs on it, then reads
/// the whole store; nothing is changed. Each thing is one line, `ok`, `note` or `problem`, with what to do.
/// What is damaged in the store is named by table and key, or by file; the last line counts. Exit codes:
/// 0 sound, 1 a problem, damage, or the store does not open.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write what is sound of the log to this new file, one event a line, as JSON
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each thing
    Text,
    /// One object, for programs
    Json,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    let Options { data_dir, config, export, output } = options;
    let (config, mut findings) = files::configuration(config.as_deref());
    let data = data_dir.or_else(|| config.data_dir.clone());
    let data = data.context("of which server? Add --data-dir DIR, or --config FILE")?;
    let data = data.canonicalize().unwrap_or(data);
    // What can be saved is saved first: whoever asks for it may not be able to ask again.
    let saved = export.map(|file| store::save(&data, &file)).transpose();
    findings.extend(look(&config, &data));
    let has_problem = findings.iter().any(|finding| finding.level == Level::Problem);
    let sound = match output {
        Output::Text => text(&findings, &data, &mut stdout().lock()),
        Output::Json => as_json(&findings, &data, &mut stdout().lock()),
    }?;
    if let (Some(line), Output::Text) = (saved?, output) {
        drop(writeln!(stdout(), "{line}"));
    }
    Ok(if sound && !has_problem { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything but what the rows of the store say.
fn look(config: &Config, data: &Path) -> Vec<Finding> {
    let running = server::find(data);
    let runs = matches!(running, Running::Yes { .. });
    let mut findings = vec![machine::git(), files::data(data), machine::space(data)];
    findings.extend(files::secrets(config, data));
    if !runs {
        let default = LISTEN.parse().expect("a plain address");
        findings.push(machine::port(config.listen.unwrap_or(default)));
    }
    findings.extend(server::ask(&running, config, data));
    findings.push(store::log_size(data, runs));
    findings.extend(store::look(data, Timestamp::now(), runs));
    findings.extend(server::upstreams(&running, config, data, &store::projects(data)));
    findings
}

/// Whether the store is sound. Whoever closed standard output does not want to read on; the exit code
/// still counts.
fn text(findings: &[Finding], data: &Path, out: &mut impl Write) -> anyhow::Result<bool> {
    for finding in findings {
        drop(writeln!(out, "{}", finding.line()));
    }
    let checked = check(data, &mut |finding| drop(writeln!(out, "{}", line(finding))))?;
    drop(writeln!(out, "{} checked, {} damaged", checked.rows, checked.damaged));
    Ok(checked.damaged == 0)
}

fn as_json(findings: &[Finding], data: &Path, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut found = Vec::new();
    let checked = check(data, &mut |finding| {
        let (place, why, damage) = (&finding.place, &finding.why, finding.is_damage);
        found.push(json!({"place": place, "why": why, "damage": damage}));
    });
    let (store, sound): (Value, bool) = match &checked {
        Ok(checked) => (
            json!({"checked": checked.rows, "damaged": checked.damaged, "findings": found}),
            checked.damaged == 0,
        ),
        Err(error) => (json!({"error": error.to_string()}), false),
    };
    drop(writeln!(out, "{}", json!({"findings": findings, "store": store})));
    Ok(sound)
}
