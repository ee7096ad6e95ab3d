//! Runs seeds, and tells of the first promise that is broken. `cargo xtask sim` builds and starts it.

// A tool for the terminal: what it prints is its purpose.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tidegate_simulator::{Telling, run};

/// How often it says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Broken promises that are told in full.
const TOLD_MAX: usize = 3;

/// Run the whole installation from a seed, with everything that can go wrong
#[derive(Parser)]
struct Cli {
    /// This seed alone, told line by line
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// So many seeds
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "S", default_value_t = 0)]
    from: u64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (first, count, telling) = match cli.seed {
        Some(seed) => (seed, 1, Telling::Loud),
        None => (cli.from, cli.seeds, Telling::Quiet),
    };
    let (begin, mut told) = (Instant::now(), Instant::now());
    let (mut passed, mut failed, mut turns, mut crashes) = (0_usize, 0_usize, 0, 0);
    for seed in first..first.saturating_add(count) {
        match run(seed, telling) {
            Ok(report) => {
                passed += 1;
                turns += report.turns;
                crashes += report.crashes;
                if cli.seed.is_some() {
                    println!("{report:?}");
                }
            }
            Err(broken) => {
                failed += 1;
                if failed <= TOLD_MAX {
                    println!("{broken}\nfound after {:.1} s", begin.elapsed().as_secs_f64());
                } else {
                    println!("seed {seed}: {}", broken.what);
                }
            }
        }
        if told.elapsed() > PROGRESS_EVERY {
            told = Instant::now();
            println!("{} of {count} seeds, {failed} failed", passed + failed);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{turns} turns, {crashes} crashes, {seconds:.1} s");
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
