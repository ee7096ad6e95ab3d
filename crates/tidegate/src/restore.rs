//! `tidegate restore`

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::archive::{self, Manifest, Sums};

const EXAMPLES: &str = "\
Examples:
  # Then: tidegate serve --data-dir restored
  $ tidegate restore backup-1 --data-dir restored";

/// Make a data directory from a backup
///
/// Checks every file of the backup first: one that is damaged, missing or of a newer version is named,
/// and nothing is made. Deliveries go on from where they stood when the backup was made, so what has
/// happened since may happen again: stop whatever still works with the lost data directory.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// What `tidegate backup` made
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The data directory to make; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    let Options { backup, data_dir } = options;
    let data = std::path::absolute(&data_dir)
        .with_context(|| format!("cannot use {}", data_dir.display()))?;
    // Digests before what they are of: nothing in a backup is believed before it was compared.
    let sums = Sums::read(&backup)?;
    let claim = archive::claim(&data)?;
    let size = archive::copy_checked(&backup, &sums, &[archive::MANIFEST], claim.path())?;
    let manifest = Manifest::read(&backup)?;
    tidegate_store::sqlite::verify(claim.path())
        .with_context(|| format!("{} cannot be restored", backup.display()))?;
    archive::sync_tree(claim.path())?;
    claim.finish()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Restored {} as it was at {:.0}: {} projects, {} events; {size}",
        data.display(),
        manifest.made_at,
        manifest.counts.projects,
        manifest.counts.events
    )?;
    writeln!(out, "  start it   tidegate serve --data-dir {}", data.display())?;
    Ok(ExitCode::SUCCESS)
}
