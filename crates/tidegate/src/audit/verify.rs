//! `tidegate audit verify`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::json;
use tidegate_core::audit::{PublicKey, SigningKey};
use tidegate_store::sqlite::SqliteReaders;

use super::judge::{self, Found, Judged, Problem};
use super::{Source, export_file, key};

const EXAMPLES: &str = "\
Examples:
  $ tidegate audit verify --data-dir data
  # For programs
  $ tidegate audit verify --data-dir data --output json";

/// Say whether the audit log is what it was
///
/// Follows every chain from its first entry on, compares every checkpoint with it, and every signature
/// with the key; a server may be running. The first bad entry of a chain is named with table, chain and
/// number. Entries that were cut off at the end are noticed with a checkpoint that was kept elsewhere.
/// Exit codes: 0 whole, 1 not, or the store does not open.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    /// A file of checkpoints that left the server
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The key that has signed (`ed25519:…`), or a file with it; several where it has changed
    /// [default: the server's own]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each chain
    Text,
    /// One object, for programs
    Json,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let (data, config) = options.source.open()?;
    let keys = match options.key.as_slice() {
        [] => own_key(config.audit.key.as_deref(), &data),
        given => given.iter().map(|text| public_key(text)).collect::<anyhow::Result<_>>()?,
    };
    let mut exported = Vec::new();
    for file in &options.checkpoint {
        read_checkpoints(file, &mut exported)?;
    }
    let reader = SqliteReaders::look(&data)?;
    let chains = judge::all(&reader, &exported, &keys)?;
    let mut out = io::stdout().lock();
    // Whoever closed standard output does not want to read on; the exit code still counts.
    drop(match options.output {
        Output::Text => text(&chains, &mut out),
        Output::Json => writeln!(out, "{}", json(&chains)),
    });
    let whole = chains.iter().all(|judged| judged.problems.is_empty());
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The key of the server on this machine, where it can be read.
#[allow(clippy::print_stderr, reason = "this is said to a person, beside the result")]
fn own_key(configured: Option<&Path>, data: &Path) -> Vec<PublicKey> {
    let why = match key::find(configured, data) {
        Ok(Some((key, _))) => return vec![key.public()],
        Ok(None) => "there is none here".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    eprintln!(
        "tidegate: signatures are compared with the keys that the checkpoints name, which proves \
         little: add --key ({why})"
    );
    Vec::new()
}

fn public_key(text: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let content = std::fs::read_to_string(text)
        .with_context(|| format!("{text:?} is no public key, nor a file with one"))?;
    let secret = || SigningKey::parse(&content).map(|key| key.public());
    content.parse().or_else(|_| secret()).with_context(|| format!("{text} holds no key"))
}

/// Adds the checkpoints of a file. Half a line is what a loss of power leaves: it covers nothing.
#[allow(clippy::print_stderr, reason = "this is said to a person, beside the result")]
fn read_checkpoints(file: &Path, found: &mut Vec<Found>) -> anyhow::Result<()> {
    let shown = file.display();
    let lines = export_file::read(file).with_context(|| format!("cannot read {shown}"))?;
    for (number, line) in lines {
        let place = format!("{shown}, line {number}");
        match line {
            Ok(signed) => found.push((place, signed)),
            Err(why) => eprintln!("tidegate: {place} is no checkpoint and is left out: {why}"),
        }
    }
    Ok(())
}

fn text(chains: &[Judged], out: &mut impl Write) -> io::Result<()> {
    for Judged { chain, head, checkpoint, problems } in chains {
        if problems.is_empty() {
            let covered = match checkpoint {
                Some(checkpoint) => format!("checkpoint at {}", checkpoint.link.n),
                None => "no checkpoint yet".to_owned(),
            };
            let (entries, head) = (entries(head.n), head.hash.short());
            writeln!(out, "{chain}: {entries}, head {head}, {covered} ✓")?;
        }
        for Problem { place, why } in problems {
            let line = format!("{chain}: ✗ {place}: {why}");
            // What stands in a damaged row may be anything.
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(out, "{line}")?;
        }
    }
    let broken = chains.iter().filter(|judged| !judged.problems.is_empty()).count();
    let chains = match chains.len() {
        1 => "1 chain".to_owned(),
        n => format!("{n} chains"),
    };
    writeln!(out, "{chains} checked, {broken} not whole")
}

fn entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

fn json(chains: &[Judged]) -> serde_json::Value {
    let one = |judged: &Judged| {
        let Judged { chain, head, checkpoint, problems } = judged;
        json!({
            "chain": chain.as_str(),
            "entries": head.n,
            "head": head.hash.to_string(),
            "checkpoint": checkpoint.as_ref().map(|checkpoint| checkpoint.link.n),
            "checkpointAt": checkpoint.as_ref().map(|checkpoint| checkpoint.at),
            "problems": problems,
        })
    };
    let whole = chains.iter().all(|judged| judged.problems.is_empty());
    json!({"whole": whole, "chains": chains.iter().map(one).collect::<Vec<_>>()})
}
