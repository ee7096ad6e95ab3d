//! Transitions in a second at the engine's boundary: inputs in, commits out, no HTTP.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Bench;
use super::fixture::Directory;
use super::goal::{Amount, Latency};
use super::table::{Figure, Table};

const RATE_MIN: f64 = 20_000.0;

/// What the program prints.
#[derive(Deserialize)]
struct Found {
    inputs: usize,
    turns_ns: Vec<u64>,
}

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    bench.disk()?;
    let inputs = bench.scale.inputs;
    Table::note(&format!("committing {inputs} inputs"));
    let directory = Directory::make(&bench.data, "boundary")?;
    let mut program = bench.example("transitions");
    let output = program.arg(directory.path()).arg(inputs.to_string()).output();
    let output = output.with_context(|| format!("cannot start {program:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program:?} failed: {errors}");
    let Found { inputs, turns_ns } = serde_json::from_slice(&output.stdout)?;
    let turns: Vec<_> = turns_ns.into_iter().map(Duration::from_nanos).collect();
    let rate = inputs as f64 / turns.iter().sum::<Duration>().as_secs_f64();
    let figure = Figure::Amount(rate, "inputs/s", Amount::AtLeast(RATE_MIN));
    bench.table.row("transitions at the engine's boundary", &figure);
    bench.latency("  one commit of 64 inputs", turns, Latency::None)
}
