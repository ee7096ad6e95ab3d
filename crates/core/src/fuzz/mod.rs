//! Everything that reaches a gate from outside, spoilt by chance. Whatever it is, it is read or refused in
//! words that people can read: nothing panics, nothing runs out of stack, nothing takes its time.
//!
//! An outcome that was not seen before shows that an input went a new way, so it is kept and spoilt further.
//! A run comes from its seed and the number of its cases.

mod check;
mod files;
mod http;
mod mutate;
mod quality;
mod witness;

use std::collections::HashSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use check::assert_readable;
use witness::Witness;

use crate::dice::{self, Dice};
use crate::yaml::STACK_BYTES;

/// Something that reads what comes from outside.
struct Target {
    /// What it reads.
    name: &'static str,
    /// Good inputs to begin with.
    seeds: fn() -> Vec<Vec<u8>>,
    /// What is put into them.
    words: &'static [&'static str],
    /// Reads an input, checks what must hold, and says what came out of it.
    feed: fn(&[u8]) -> String,
}

/// How long a run takes where nothing else is said, in seconds.
const SECONDS: u64 = 5;
/// Most inputs that are kept for one target.
const KEPT_MAX: usize = 2_000;
/// What is longer is spoilt no further.
const BYTES_MAX: usize = 16 * 1024;
/// An input that takes longer has found a way to stop the gate. A hundred times what the largest one takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs for five seconds, or `TIDEGATE_FUZZ_SECONDS`; with `TIDEGATE_SEED` as the run of that seed did.
#[test]
fn whatever_reaches_a_gate_is_read_or_refused() {
    // Files are read on a stack of this size.
    let run = thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap();
    if let Err(panic) = run.join() {
        resume_unwind(panic);
    }
}

fn run() {
    let seconds = dice::number("TIDEGATE_FUZZ_SECONDS").unwrap_or(SECONDS);
    let seed = dice::number("TIDEGATE_SEED").unwrap_or_else(dice::any_seed);
    let mut run = Run::new(seed);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(seconds) {
        run.round();
    }
    let said = run.summary(seconds);
    // Said also where the test passes: what was tried is worth knowing, and the seed repeats it.
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}

struct Run {
    seed: u64,
    dice: Dice,
    pools: Vec<Pool>,
    witness: Witness,
    slowest: Duration,
}

struct Pool {
    target: &'static Target,
    /// What is spoilt further.
    kept: Vec<Vec<u8>>,
    outcomes: HashSet<String>,
    cases: u64,
}

impl Run {
    /// Reads every good input once.
    fn new(seed: u64) -> Self {
        let targets = [quality::TARGETS, files::TARGETS, http::TARGETS].into_iter().flatten();
        let pool = |target: &'static Target| Pool {
            target,
            kept: (target.seeds)(),
            outcomes: HashSet::new(),
            cases: 0,
        };
        let mut run = Self {
            seed,
            dice: Dice::new(seed),
            pools: targets.map(pool).collect(),
            witness: Witness::new(),
            slowest: Duration::ZERO,
        };
        for index in 0..run.pools.len() {
            for seed in run.pools[index].kept.clone() {
                let outcome = run.feed(index, &seed);
                run.pools[index].outcomes.insert(outcome);
            }
        }
        run
    }

    /// One case for each target.
    fn round(&mut self) {
        for index in 0..self.pools.len() {
            let pool = &self.pools[index];
            let other = &pool.kept[self.dice.below(pool.kept.len())];
            let base = &pool.kept[self.dice.below(pool.kept.len())];
            let input = mutate::mutate(&mut self.dice, base, other, pool.target.words);
            let outcome = self.feed(index, &input);
            let pool = &mut self.pools[index];
            pool.cases += 1;
            if input.len() <= BYTES_MAX
                && pool.kept.len() < KEPT_MAX
                && pool.outcomes.insert(outcome)
            {
                pool.kept.push(input);
            }
        }
    }

    fn feed(&mut self, index: usize, input: &[u8]) -> String {
        let (target, case) = (self.pools[index].target, self.pools[index].cases);
        self.witness.hold(input);
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.feed)(input)));
        let took = begin.elapsed();
        self.slowest = self.slowest.max(took);
        let show = |what: &str| {
            println!("fuzz: {what}: {} (case {case} of seed {}):", target.name, self.seed);
            println!("b\"{}\"", input.escape_ascii());
            println!("fuzz: again with cargo xtask fuzz --only gate --seed {}", self.seed);
        };
        match outcome {
            Ok(outcome) => {
                if took > PATIENCE {
                    show("an input takes too long");
                    panic!("{took:?}");
                }
                outcome
            }
            Err(panic) => {
                show("an input breaks a rule");
                resume_unwind(panic)
            }
        }
    }

    fn summary(&self, seconds: u64) -> String {
        let cases: u64 = self.pools.iter().map(|pool| pool.cases).sum();
        let each = self.pools.iter().map(|pool| {
            format!("\nfuzz:   {}: {} ways out", pool.target.name, pool.outcomes.len())
        });
        format!(
            "fuzz: {cases} cases in {seconds} s, from seed {}, the slowest took {:?}{}\n",
            self.seed,
            self.slowest,
            each.collect::<String>()
        )
    }
}
