//! Quality gates: one evaluation, and a history judged again.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Bench;
use super::goal::Latency;
use super::table::Table;

/// Evaluations of history.
const HISTORY: usize = 10_000;
const REPLAY_MAX: Duration = Duration::from_secs(2);

/// What the program prints.
#[derive(Deserialize)]
struct Found {
    evaluations_ns: Vec<u64>,
    replay_ns: u64,
}

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    Table::note(&format!("judging {HISTORY} evaluations again"));
    let mut program = bench.example("gate");
    let output = program.arg(HISTORY.to_string()).output();
    let output = output.with_context(|| format!("cannot start {program:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program:?} failed: {errors}");
    let Found { evaluations_ns, replay_ns } = serde_json::from_slice(&output.stdout)?;
    let evaluations = evaluations_ns.into_iter().map(Duration::from_nanos).collect();
    bench.latency("20 objectives against 30 earlier evaluations", evaluations, Latency::None)?;
    let replay = vec![Duration::from_nanos(replay_ns)];
    bench.latency("10,000 evaluations judged again", replay, Latency::Tail(REPLAY_MAX))
}
