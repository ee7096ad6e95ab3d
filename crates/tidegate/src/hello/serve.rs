//! `tidegate hello serve`

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use rustix::io::Errno;
use tidegate_core::names::StageName;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::metrics::{CONTENT_TYPE, Metrics};
use super::nature::Nature;
use super::slot::{Occupied, Record, Slot, State};

/// Where stages have their ports. Below the range that the system gives to outgoing connections, so
/// that a port is still free after a restart.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// How many ports a stage tries.
const TRIES_MAX: u16 = 100;
/// How long open requests may take after the process was told to stop.
const DRAIN: Duration = Duration::from_secs(2);

/// What serves where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The name of the service
    #[arg(long, value_name = "NAME")]
    service: String,
    /// The stage
    #[arg(long, value_name = "NAME")]
    stage: StageName,
    /// The version
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// Where the state of all stages is kept
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    #[command(flatten)]
    nature: Nature,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let slot = State::open(&options.state)?.slot(&options.stage);
    // Before it leaves the group of whoever starts it: at any time it ends with the group, or is
    // found by its lock.
    let occupied = slot.occupy()?;
    // Neither Ctrl-C in the terminal nor the end of the job that started it shall reach it.
    match rustix::process::setsid() {
        // Started by hand: it leads a group already.
        Ok(_) | Err(Errno::PERM) => {}
        Err(error) => return Err(error).context("cannot begin a session"),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(options, &slot, occupied))
}

async fn serve(options: Options, slot: &Slot, occupied: Occupied) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = bind(slot).await?;
    let Options { service, stage, version, state: _, nature } = options;
    let address = listener.local_addr()?;
    let record = Record { service, stage, version, pid: std::process::id(), address, nature };
    slot.record(&record)?;
    super::say(&format!(
        "{} {} answers for {} on http://{address}/",
        record.service, record.version, record.stage
    ));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let serving = axum::serve(listener, router(&record)).with_graceful_shutdown(async {
        stop.await;
        stopping.send(()).unwrap_or_default();
    });
    // An idle browser must not keep an old version alive.
    let cut_off = async {
        drop(stopped.await);
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served?,
        () = cut_off => {}
    }
    drop(occupied);
    Ok(ExitCode::SUCCESS)
}

fn router(record: &Record) -> Router {
    let hello = format!("Hello from {}: {} {}\n", record.stage, record.service, record.version);
    let version = Json(record.clone());
    let delay = record.nature.delay();
    let counted = Arc::new(Metrics::new());
    let shown = Arc::clone(&counted);
    let front_page = async move || {
        let begun = Instant::now();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        counted.answered(begun.elapsed());
        hello.clone()
    };
    Router::new()
        .route("/", get(front_page))
        .route("/version", get(async move || version.clone()))
        .route("/health", get(async || "ok\n"))
        .route("/metrics", get(async move || show(&shown)))
}

fn show(metrics: &Metrics) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Listens on the stage's port; on the first start, on a free one, which becomes its own. Two stages
/// that start at once cannot get the same: the system gives a port away once.
async fn bind(slot: &Slot) -> anyhow::Result<TcpListener> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = slot.port()? {
        let advice = format!(
            "port {port} of {} is taken by another program; stop that, or remove {}/{}.port",
            slot.stage(),
            slot.directory().display(),
            slot.stage()
        );
        return TcpListener::bind(at(port)).await.context(advice);
    }
    for port in candidates(slot) {
        match TcpListener::bind(at(port)).await {
            Ok(listener) => {
                slot.keep_port(port)?;
                return Ok(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).context("cannot listen on the loopback interface"),
        }
    }
    bail!("{TRIES_MAX} ports on the loopback interface are taken")
}

/// Each stage of each directory begins to look somewhere else: a port that is free only while its
/// stage gets a new version is not given to the next one that looks.
fn candidates(slot: &Slot) -> impl Iterator<Item = u16> {
    let mut hasher = DefaultHasher::new();
    (slot.directory(), slot.stage()).hash(&mut hasher);
    let count = PORTS.end - PORTS.start;
    let first = u16::try_from(hasher.finish() % u64::from(count)).unwrap_or_default();
    (0..TRIES_MAX).map(move |step| PORTS.start + (first + step) % count)
}
