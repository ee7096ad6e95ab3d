//! Properties of the sequence machine: random shipyards, and random histories of everything that may
//! happen, in any order, with anything in between, also between what follows from what. A history
//! comes from its seed alone.

mod case;
mod deeds;
mod drain;
mod expected;
mod held;
mod mood;
mod shipyards;
mod summary;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use case::Case;

use crate::dice::{Dice, any_seed, number};

/// Most things that happen in one history before it is brought to its end.
const DEEDS_MAX: usize = 160;
/// Inputs that are shown when a history breaks a rule.
const SHOWN: usize = 25;

/// Runs histories for a minute, or `TIDEGATE_PROPERTIES_SECONDS`; with `TIDEGATE_SEED` the one
/// history of that seed.
#[test]
fn every_history_keeps_the_rules() {
    if let Some(seed) = number("TIDEGATE_SEED") {
        println!("properties: the history of TIDEGATE_SEED={seed}");
        let steps = history(seed).inputs.len();
        return println!("properties: {steps} steps, all rules kept");
    }
    let seconds = number("TIDEGATE_PROPERTIES_SECONDS").unwrap_or(60);
    let (begin, time) = (Instant::now(), Duration::from_secs(seconds));
    let first = any_seed();
    let (mut dice, mut cases, mut steps) = (Dice::new(first), 0_u64, 0);
    let mut visits: BTreeMap<&str, usize> = BTreeMap::new();
    while begin.elapsed() < time {
        let case = history(dice.throw());
        cases += 1;
        steps += case.inputs.len();
        for (state, times) in case.seen.visits {
            *visits.entry(state).or_default() += times;
        }
    }
    // Said also where the test passes: what was tried is worth knowing, and the seed repeats it.
    let said = format!(
        "properties: {cases} histories of {steps} steps in {seconds} s, from seed {first}\n\
         properties: executions came into these states: {visits:?}\n"
    );
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}

/// One history, from its seed to its end.
fn history(seed: u64) -> Case {
    let mut case = Case::new(seed);
    let run = catch_unwind(AssertUnwindSafe(|| {
        let deeds = 1 + case.dice.below(DEEDS_MAX);
        for _ in 0..deeds {
            case.anything();
        }
        case.check_summaries();
        case.drain();
        case.replay();
    }));
    if let Err(panic) = run {
        show(&case, seed);
        resume_unwind(panic);
    }
    case
}

fn show(case: &Case, seed: u64) {
    println!("properties: a rule is broken by the history of seed {seed}, after these inputs:");
    let from = case.inputs.len().saturating_sub(SHOWN);
    for (index, (input, env)) in case.inputs.iter().enumerate().skip(from) {
        let what = match input.event() {
            Some(event) => {
                let (kind, context) = (&event.kind, event.context);
                let answers = event.triggered_id.map(|id| format!(", answers {id}"));
                format!("{kind} in {context}{}", answers.unwrap_or_default())
            }
            None => format!("{input:?}").chars().take(300).collect(),
        };
        println!("{index:5} {} by {}: {what}", env.now, env.principal);
    }
    println!("properties: again with TIDEGATE_SEED={seed} cargo xtask properties");
}
