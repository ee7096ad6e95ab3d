//! Random shipyards: stages, sequences, tasks, and what follows what, loops included.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::names::{SequenceName, StageName, TaskName};
use crate::shipyard::{Sequence, Shipyard, Stage, TaskDefinition, Trigger};

pub(super) const STAGES: [&str; 3] = ["dev", "qa", "production"];
const SEQUENCES: [&str; 3] = ["delivery", "rollback", "check"];
pub(super) const TASKS: [&str; 5] = ["deployment", "test", "evaluation", "release", "approval"];

/// A shipyard. Without `follows` no sequence follows another, so that everything comes to an end.
pub(super) fn shipyard(dice: &mut Dice, follows: bool) -> Shipyard {
    let stages = &STAGES[..1 + dice.below(STAGES.len())];
    let sequences = &SEQUENCES[..1 + dice.below(SEQUENCES.len())];
    let mut sequence = |name: &&str| {
        let triggers = if follows { dice.below(3) } else { 0 };
        let triggered_on = (0..triggers).map(|_| {
            let (stage, sequence) = (dice.pick(stages), dice.pick(sequences));
            trigger(dice, format!("{stage}.{sequence}.finished"))
        });
        let triggered_on = triggered_on.collect();
        let tasks = (0..1 + dice.below(3)).map(|_| task(dice)).collect();
        Sequence { name: SequenceName::new(*name).unwrap(), triggered_on, tasks }
    };
    let mut stage = |name: &&str| {
        let sequences = sequences.iter().map(&mut sequence).collect();
        Stage { name: StageName::new(*name).unwrap(), sequences }
    };
    let api_version = "spec.keptn.sh/0.2.2".to_owned();
    Shipyard { api_version, stages: stages.iter().map(&mut stage).collect() }
}

fn trigger(dice: &mut Dice, event: String) -> Trigger {
    let result = dice.pick(&["pass", "warning", "fail", "failed"]).to_owned();
    let selector = match dice.below(12) {
        0..=2 => Some(BTreeMap::from([("result".to_owned(), result)])),
        3 | 4 => Some(BTreeMap::from([(format!("{}.result", dice.pick(&TASKS)), result)])),
        5 => Some(BTreeMap::new()),
        _ => None,
    };
    Trigger { event, selector }
}

fn task(dice: &mut Dice) -> TaskDefinition {
    let name = dice.pick(&TASKS);
    let seconds = [1, 30, 600][dice.below(3)];
    let triggered_after = (dice.below(6) == 0).then(|| Duration::from_secs(seconds));
    let words = ["automatic", "manual", "odd"];
    let properties = match (name, dice.below(3)) {
        ("approval", _) => json!({"pass": dice.pick(&words), "warning": dice.pick(&words)}),
        (_, 0) => json!({"n": dice.below(9), "list": ["a"], "deep": {"x": "y"}}),
        _ => Value::Object(Map::new()),
    };
    let properties = properties.as_object().cloned().unwrap();
    TaskDefinition { name: TaskName::new(name).unwrap(), properties, triggered_after }
}
