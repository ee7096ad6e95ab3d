//! `tidegate demo`: the server, a project, a service that really runs, and a release that waits.
//!
//! What has to be done next is read off what is there, never off how far a former run came: killed
//! anywhere and started again on the same directory, the demo goes on.

mod lookout;
mod place;
mod project;
mod services;
mod settle;
mod setup;
mod story;
mod watch;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::LISTEN;
use crate::data::DataDir;
use crate::hello::State;
use crate::server::Server;
use place::Place;
use story::Story;

const EXAMPLES: &str = "\
Examples:
  # Until Ctrl-C, leaving nothing behind
  $ tidegate demo
  # For scripts: until a release waits
  $ tidegate demo --exit-after approval-open";

/// Run everything on this machine, with a release that waits for you
///
/// Starts a server, deploys a small service to qa, and asks you before it goes to production. Needs
/// no network and no other program. Ctrl-C stops everything.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Keep everything here, and go on with what is there [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:7070, or a free port where that is taken]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Stop at this point with exit code 0, for scripts
    #[arg(long, value_enum, value_name = "POINT")]
    exit_after: Option<ExitAfter>,
}

/// Where a script wants the demo to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExitAfter {
    /// A release waits for a decision
    ApprovalOpen,
    /// A release was approved and runs in production
    Delivered,
}

pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    crate::log::start("warn");
    crate::serve::runtime()?.block_on(demo(options))
}

async fn demo(options: Options) -> anyhow::Result<ExitCode> {
    let place = Place::choose(options.data_dir.as_deref())?;
    let data = DataDir::open(place.path())?;
    // From here on, whatever happens, what was started is stopped again.
    let stop = stop_signal()?;
    let state = State::open(&place.path().join("hello"))?;
    let ended = play(&options, &place, &state, data, stop).await;
    let stopped = services::stop(&state).await;
    let removed = place.leave(ended.is_ok() && stopped.is_ok());
    story::stopped(&place, removed);
    stopped.and(ended)
}

/// Everything between the start of the server and its end.
async fn play(
    options: &Options,
    place: &Place,
    state: &State,
    data: DataDir,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<ExitCode> {
    services::restore(state).await?;
    let listen = options.listen.map_or_else(free_address, Ok)?;
    let mut config = project::config(state)?;
    // What a demo leaves is one directory.
    config.audit.key = Some(place.path().join("audit-key"));
    config.upstream.key = Some(place.path().join("upstream-key"));
    let server = Server::start(config, data, listen).await?;
    let story = Story::new(place, server.url());
    let ended = async {
        setup::set_up(&server.engine).await?;
        story.opening(&story::sign_in_link(&server).await?, state).await?;
        story.held(&server.engine).await?;
        watch::watch(&server.engine, state, &story, options.exit_after).await
    };
    let ended = tokio::select! {
        ended = ended => ended,
        () = stop => Ok(ExitCode::SUCCESS),
    };
    story.stopping();
    let settled = settle::settle(&server.engine).await;
    server.stop_with_jobs().await;
    settled.and(ended)
}

/// The usual address, or any port where another program has that.
fn free_address() -> anyhow::Result<SocketAddr> {
    let usual: SocketAddr = LISTEN.parse().expect("a plain address");
    match TcpListener::bind(usual) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok((usual.ip(), 0).into()),
        Ok(_) => Ok(usual),
        Err(error) => Err(error).with_context(|| format!("cannot listen on {usual}")),
    }
}

/// Resolves at the first Ctrl-C, SIGTERM, or end of the terminal from now on.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let usual = crate::serve::stop_signal()?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    Ok(async move {
        tokio::select! {
            () = usual => {}
            _ = hangup.recv() => {}
        }
    })
}
