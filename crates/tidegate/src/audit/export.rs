//! `tidegate audit export`

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};
use tidegate_core::audit::{Chain, Entry};
use tidegate_core::names::ProjectName;
use tidegate_store::sqlite::SqliteReaders;
use tidegate_store::{PAGE_MAX, Reader};

use super::Source;

const EXAMPLES: &str = "\
Examples:
  $ tidegate audit export --data-dir data --project fulltour";

/// Print the audit log, one entry a line, as JSON
///
/// `record` is what the hash covers, `texts` what stands beside it with its salts, and `readable` both
/// together, for people; none where an entry does not fit its hash.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    /// Only this project's chain
    #[arg(long)]
    project: Option<ProjectName>,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let (data, _) = options.source.open()?;
    let reader = SqliteReaders::look(&data)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = match options.project {
        Some(project) => chain(&reader, &Chain::Project(project), &mut out)?,
        None => all(&reader, &mut out)?,
    };
    // Whoever closed standard output does not want to read on.
    drop(written.and_then(|()| out.flush()));
    Ok(ExitCode::SUCCESS)
}

/// The inner result is that of standard output.
type Printed = anyhow::Result<io::Result<()>>;

fn all(reader: &dyn Reader, out: &mut impl Write) -> Printed {
    let mut offset = Some(0);
    while let Some(from) = offset {
        let page = reader.audit_heads(from, PAGE_MAX)?;
        offset = page.next;
        for head in page.items {
            if let Err(closed) = chain(reader, &head.chain, out)? {
                return Ok(Err(closed));
            }
        }
    }
    Ok(Ok(()))
}

fn chain(reader: &dyn Reader, chain: &Chain, out: &mut impl Write) -> Printed {
    let mut from = 1;
    loop {
        let page = reader.audit(chain, from, PAGE_MAX)?;
        let Some(last) = page.last() else { return Ok(Ok(())) };
        from = last.n + 1;
        for entry in &page {
            if let Err(closed) = writeln!(out, "{}", line(entry)) {
                return Ok(Err(closed));
            }
        }
    }
}

fn line(entry: &Entry) -> Value {
    // Whatever stands there: an export is also for looking at what is damaged.
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let Entry { chain, n, prev, hash, record, texts } = entry;
    json!({
        "version": "1",
        "chain": chain.as_str(),
        "n": n.to_string(),
        "prev": prev.to_string(),
        "hash": hash.to_string(),
        "record": parsed(record),
        "texts": texts.as_deref().map(parsed),
        "readable": entry.readable().ok(),
    })
}
