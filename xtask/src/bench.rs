//! `cargo xtask bench`: what things cost on this machine, now.
//!
//! One kind of row is one file. Goals that depend on the disk are made from the fdatasync that was
//! measured last before the row.

mod boundary;
pub(crate) mod bridge;
mod delivery;
mod fixture;
mod flight;
mod gate;
mod goal;
mod history;
mod latency;
mod restart;
mod single;
mod size;
mod sync;
mod table;
mod upstream;
mod waiting;

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::program;
use crate::workspace::Workspace;
use latency::Latencies;
use table::{Figure, Table};

/// Measure what things cost on this machine, now
///
/// The first row is the disk's: disks differ by a factor of 30 from hour to hour, so every other
/// figure is read against the one taken in the same minute. What is measured is removed afterwards.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory to write in: choose one on the disk in question [default: target/bench]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Everything on a smaller scale, in about a minute
    #[arg(long)]
    quick: bool,
    /// Approvals that wait [default: 1000000, with --quick 20000]
    #[arg(long, value_name = "N")]
    waiting: Option<usize>,
    /// Approvals that wait in one lane [default: 100000, with --quick 10000]
    #[arg(long, value_name = "N")]
    lane: Option<usize>,
}

/// What every kind of row needs to know.
pub(crate) struct Bench {
    /// The server.
    binary: PathBuf,
    /// Where the programs are that write through the engine.
    examples: PathBuf,
    /// Where to write.
    data: PathBuf,
    scale: Scale,
    table: Table,
}

/// How much is done.
struct Scale {
    /// How long most rows are measured.
    row: Duration,
    /// Inputs at the engine's boundary.
    inputs: usize,
    /// How often the server is killed.
    kills: usize,
    waiting: usize,
    lane: usize,
}

impl Scale {
    fn of(args: &Args) -> Self {
        let (row, inputs, kills, waiting, lane) = match args.quick {
            true => (2, 20_000, 5, 20_000, 10_000),
            false => (10, 200_000, 20, 1_000_000, 100_000),
        };
        Self {
            row: Duration::from_secs(row),
            inputs,
            kills,
            waiting: args.waiting.unwrap_or(waiting),
            lane: args.lane.unwrap_or(lane),
        }
    }
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let ours = workspace.target.join("bench");
    build(workspace)?;
    let mut bench = Bench {
        binary: workspace.target.join(format!("release/tidegate{EXE_SUFFIX}")),
        examples: workspace.target.join("release/examples"),
        data: args.data_dir.clone().unwrap_or_else(|| ours.clone()),
        scale: Scale::of(args),
        table: Table::default(),
    };
    let measured = bench.measure();
    // Each row has removed its own; a directory that somebody named stays.
    drop(fs::remove_dir(ours));
    measured.map(|()| ExitCode::SUCCESS)
}

fn build(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "-p", "tidegate", "--bin", "tidegate"]);
    cargo.args(["-p", "tidegate-engine", "--example", "transitions", "--example", "waiting"]);
    cargo.args(["-p", "tidegate-core", "--example", "gate"]);
    let built = program::stream(&mut cargo, |_| {})?;
    ensure!(built.success(), "nothing is measured that does not build");
    Ok(())
}

impl Bench {
    fn measure(&mut self) -> Result<()> {
        self.table.head();
        single::measure(self)?;
        upstream::measure(self)?;
        flight::measure(self)?;
        boundary::measure(self)?;
        gate::measure(self)?;
        history::measure(self)?;
        restart::measure(self)?;
        waiting::measure(self)?;
        size::measure(self)?;
        self.disk()
    }

    /// Measures the disk: its row, and the goals of the rows that follow.
    fn disk(&mut self) -> Result<()> {
        let directory = fixture::Directory::make(&self.data, "disk")?;
        let disk = sync::measure(directory.path(), self.scale.row.min(Duration::from_secs(2)))?;
        self.table.disk(disk);
        Ok(())
    }

    fn latency(&mut self, what: &str, samples: Vec<Duration>, goal: goal::Latency) -> Result<()> {
        let latencies = Latencies::new(samples).with_context(|| format!("{what}: no samples"))?;
        self.table.row(what, &Figure::Latency(latencies, goal));
        Ok(())
    }
}
