//! One run, from its seed to its end.

use std::fmt;
use std::time::Duration;

use crate::world::World;

/// Steps after which something must be going round in circles.
const STEPS_MAX: u64 = 100_000;

/// What a run was that kept every promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Things that happened.
    pub steps: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Times that the server was lost.
    pub crashes: u64,
    /// Virtual time that passed.
    pub passed: Duration,
    /// The same for two runs that went the same way.
    pub trace: u64,
}

/// A promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The seed that shows it again.
    pub seed: u64,
    /// Things that had happened.
    pub step: u64,
    /// Virtual time that had passed.
    pub passed: Duration,
    /// Which one.
    pub what: String,
    /// What happened last, oldest first.
    pub trace: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, passed, what, trace } = self;
        writeln!(f, "seed {seed}, step {step}, after {:.3} s: {what}", passed.as_secs_f64())?;
        trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "seed {seed} again: cargo xtask sim --seed {seed}")
    }
}

impl std::error::Error for Broken {}

/// Whether a run tells what happens while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Only a broken promise is told.
    Quiet,
    /// Every line goes to standard output.
    Loud,
}

/// Runs one seed.
///
/// # Errors
/// The promise that was broken, and what led to it.
pub fn run(seed: u64, telling: Telling) -> Result<Report, Box<Broken>> {
    let mut world = World::new(seed);
    world.trace.loud = telling == Telling::Loud;
    let mut steps = 0;
    match go(&mut world, &mut steps) {
        Ok(()) => Ok(Report {
            seed,
            steps,
            turns: world.checker.commits(),
            crashes: world.checker.crashes,
            passed: world.now,
            trace: world.trace.hash(),
        }),
        Err(what) => Err(Box::new(Broken {
            seed,
            step: steps,
            passed: world.now,
            what,
            trace: world.trace.newest(),
        })),
    }
}

fn go(world: &mut World, steps: &mut u64) -> Result<(), String> {
    world.begin()?;
    while world.now < world.plan.length {
        *steps += 1;
        if *steps > STEPS_MAX {
            return Err("it takes more steps than any run should".to_owned());
        }
        if !world.step()? {
            break;
        }
    }
    world.drain()?;
    match &world.server {
        Some(server) => world.checker.check_end(server),
        None => Err("the server is gone".to_owned()),
    }
}
