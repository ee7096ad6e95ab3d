//! `tidegate serve`

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use tidegate_identity::Origin;

use crate::config::{Config, LISTEN};
use crate::data::DataDir;
use crate::server::Server;

const EXAMPLES: &str = "\
Examples:
  # On this machine, at http://127.0.0.1:7070
  $ tidegate serve --data-dir data
  # As tidegate.toml says
  $ tidegate serve --config tidegate.toml";

/// Run the server
///
/// Needs nothing but git. Stops on SIGTERM or Ctrl-C after it has answered what it accepted; jobs that
/// run go on and are found again at the next start.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Where everything is kept; one server at a time
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("info");
    runtime()?.block_on(serve(options))
}

/// The runtime of a server: few threads, each with the stack that reading YAML needs.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8))
        .thread_stack_size(tidegate_core::yaml::STACK_BYTES)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn serve(options: Options) -> anyhow::Result<ExitCode> {
    let config = Config::load(options.config.as_deref())?;
    let directory = options.data_dir.or_else(|| config.data_dir.clone()).context(
        "where to keep everything? Add --data-dir DIR, or data_dir to the --config file",
    )?;
    let default = LISTEN.parse().expect("a plain address");
    let listen = options.listen.or(config.listen).unwrap_or(default);
    let data = DataDir::open(&directory)?;
    let stop = stop_signal()?;
    let server = Server::start(config, data, listen).await?;
    announce(&server);
    stop.await;
    tracing::info!("stopping: answering what was accepted");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Resolves at the first SIGTERM or SIGINT from now on.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Whoever closed standard output does not want to read it; the server runs all the same.
fn announce(server: &Server) {
    drop(write_announcement(server));
}

fn write_announcement(server: &Server) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Tidegate {} listens on http://{}", env!("CARGO_PKG_VERSION"), server.address)?;
    writeln!(out, "  data      {}", server.data().display())?;
    writeln!(out, "  Bridge    {}/bridge/", server.url())?;
    let data = server.data().display().to_string();
    match &server.token {
        Some((token, Origin::Generated)) => {
            writeln!(out, "  API token {}", token.expose())?;
            writeln!(out, "            shown this once, and kept in {data}/api-token")?;
        }
        Some((_, Origin::Loaded)) => writeln!(out, "  API token in {data}/api-token")?,
        None => {}
    }
    writeln!(out, "  sign in   tidegate sign-in YOUR-NAME --data-dir {data}")?;
    out.flush()
}
