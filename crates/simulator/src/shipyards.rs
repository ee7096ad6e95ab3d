//! Shipyards that a run has.

use std::fmt::Write as _;

use crate::random::Random;

/// Tasks of the built-in executor.
pub(crate) const JOBS: [&str; 2] = ["build", "release"];
/// Tasks of others.
pub(crate) const TASKS: [&str; 3] = ["deployment", "test", "evaluation"];
/// The stages of every project.
pub(crate) const STAGES: [&str; 3] = ["dev", "qa", "prod"];

/// A valid shipyard. Each stage delivers after the one before it; what follows never comes back.
pub(crate) fn draw(random: &mut Random) -> String {
    let mut text =
        "apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard\nmetadata:\n  name: s\nspec:\n  \
                    stages:\n"
            .to_owned();
    let stages = 1 + random.below(STAGES.len());
    for (index, stage) in STAGES.iter().take(stages).enumerate() {
        let before = index.checked_sub(1).map(|before| STAGES[before]);
        let _ = write!(text, "    - name: {stage}\n      sequences:\n        - name: delivery\n");
        if let Some(before) = before {
            let _ = write!(
                text,
                "          triggeredOn:\n            - event: {before}.delivery.finished\n"
            );
            if random.chance(300) {
                text.push_str("              selector:\n                match:\n                  result: pass\n");
            }
        }
        text.push_str("          tasks:\n");
        for _ in 0..1 + random.below(4) {
            task(&mut text, random);
        }
        if random.chance(500) {
            let _ = write!(
                text,
                "        - name: rollback\n          triggeredOn:\n            - event: \
                 {stage}.delivery.finished\n              selector:\n                match:\n                  \
                 result: fail\n          tasks:\n            - name: {}\n",
                random.pick(&JOBS)
            );
        }
        if random.chance(500) {
            text.push_str("        - name: gate\n          tasks:\n            - name: approval\n            - name: release\n");
        }
    }
    text
}

fn task(text: &mut String, random: &mut Random) {
    let name = match random.below(10) {
        0..3 => "approval",
        3..5 => *random.pick(&JOBS),
        _ => *random.pick(&TASKS),
    };
    let _ = writeln!(text, "            - name: {name}");
    if random.chance(150) {
        let after = *random.pick(&["5s", "2m", "20m"]);
        let _ = writeln!(text, "              triggeredAfter: {after}");
    }
    if name == "approval" && random.chance(400) {
        text.push_str("              properties:\n                pass: automatic\n                warning: manual\n");
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::shipyard::Shipyard;

    use super::*;

    #[test]
    fn every_shipyard_is_valid() {
        for seed in 0..500 {
            let text = draw(&mut Random::new(seed));
            assert!(Shipyard::parse(&text).is_ok(), "{:?}\n{text}", Shipyard::parse(&text));
        }
    }
}
