//! `cargo xtask bench`: what things cost on this machine, now.

mod latency;
mod server;
mod sync;

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::program;
use crate::workspace::Workspace;
use latency::Latencies;

/// How long each row is measured.
const ROW_DURATION: Duration = Duration::from_secs(2);

/// Measure what things cost on this machine, now
///
/// The first row is the disk's: disks differ by a factor of 30 from hour to hour, so every other
/// figure is read against the one taken in the same run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory to write in: choose one on the disk in question [default: target/bench]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let data = args.data_dir.clone().unwrap_or_else(|| workspace.target.join("bench"));
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let built = program::stream(workspace.cargo().args(["build", "--release"]), |_| {})?;
    ensure!(built.success(), "nothing is measured that does not build");
    let binary = workspace.target.join(format!("release/tidegate{EXE_SUFFIX}"));
    println!("{:<44} {:>10} {:>10} {:>9}", "what", "p50", "p99", "samples");
    show("fdatasync of a 1 KiB append, before", &sync::measure(&data, ROW_DURATION)?);
    let server = server::measure(&binary, &data, ROW_DURATION)?;
    show("start of the process to a durable answer", &server.cold_start);
    show(".finished to the next .triggered, over HTTP", &server.finished);
    show("decision to the next .triggered, over HTTP", &server.decided);
    show("fdatasync of a 1 KiB append, after", &sync::measure(&data, ROW_DURATION)?);
    println!("{:<44} {:>7.1} MiB", "memory, idle", server.idle_kib as f64 / 1024.0);
    println!("{:<44} {:>7.1} MiB", "memory, after these rows", server.used_kib as f64 / 1024.0);
    let size = fs::metadata(&binary)?.len() as f64 / (1024.0 * 1024.0);
    println!("{:<44} {size:>7.1} MiB", "binary, not stripped");
    Ok(ExitCode::SUCCESS)
}

fn show(what: &str, latencies: &Latencies) {
    let ms = |part| format!("{:.3} ms", latencies.quantile(part).as_secs_f64() * 1e3);
    println!("{what:<44} {:>10} {:>10} {:>9}", ms(0.5), ms(0.99), latencies.count());
}
