//! The audit log's outside: the key that signs it, checkpoints while a server runs, and
//! `tidegate audit`, which needs no server.

mod checkpoints;
mod export;
mod export_file;
mod judge;
mod key;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::Config;

pub(crate) use checkpoints::Checkpoints;
pub(crate) use key::{file as key_file, load_or_make as key};

/// Show and verify who decided, controlled or signed in
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Verify(verify::Options),
    Export(export::Options),
    PublicKey(PublicKeyOptions),
}

/// Where the audit log is.
#[derive(Debug, clap::Args)]
struct Source {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// The data directory, and what the configuration says of the audit log.
    fn open(self) -> anyhow::Result<(PathBuf, Config)> {
        let config = Config::load(self.config.as_deref())?;
        let data = self.data_dir.or_else(|| config.data_dir.clone());
        let data = data.context("of which server? Add --data-dir DIR, or --config FILE")?;
        let opened = data.canonicalize();
        Ok((opened.with_context(|| format!("cannot open {}", data.display()))?, config))
    }
}

const EXAMPLES: &str = "\
Examples:
  $ tidegate audit public-key --data-dir data";

/// Print the key that checkpoints are compared with
///
/// Give it to whoever verifies. It can be known to all; the file that it is made from cannot.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PublicKeyOptions {
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    match command {
        Command::Verify(options) => verify::run(options),
        Command::Export(options) => export::run(options),
        Command::PublicKey(options) => public_key(options),
    }
}

fn public_key(options: PublicKeyOptions) -> anyhow::Result<ExitCode> {
    let (data, config) = options.source.open()?;
    let (key, _) = key::find(config.audit.key.as_deref(), &data)?
        .context("there is no key yet; the first `tidegate serve` makes it")?;
    drop(writeln!(std::io::stdout(), "{}", key.public()));
    Ok(ExitCode::SUCCESS)
}
