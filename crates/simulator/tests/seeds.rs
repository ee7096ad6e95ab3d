//! Seeds of every normal run. `cargo xtask sim` runs as many as one likes.

use tidegate_simulator::{Telling, run};

/// So many take about a minute without optimisations.
const SEEDS: u64 = 300;

#[test]
fn no_seed_breaks_a_promise() {
    let failed: Vec<_> = (0..SEEDS).filter_map(|seed| run(seed, Telling::Quiet).err()).collect();
    assert!(failed.is_empty(), "{} of {SEEDS}, the first one:\n{}", failed.len(), failed[0]);
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..10 {
        let (first, again) = (run(seed, Telling::Quiet), run(seed, Telling::Quiet));
        assert_eq!(first, again, "seed {seed}");
        assert!(first.is_ok_and(|report| report.turns > 0));
    }
}
