//! The shipyard: which stages a project has, and which sequences of tasks run in them.

mod lint;
mod parse;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::TaskResult;
use crate::names::{SequenceName, StageName, TaskName};

pub use crate::yaml::Finding;
pub use lint::lint;
pub use parse::{ShipyardError, ShipyardProblem};

/// Most stages in one shipyard.
pub const STAGES_MAX: usize = 100;
/// Most tasks in one sequence.
pub const TASKS_MAX: usize = 1000;

/// A shipyard that was read and found valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Shipyard {
    /// `apiVersion`, such as `spec.keptn.sh/0.2.2`.
    pub api_version: String,
    /// The stages, in file order. At least one.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name, unique within the shipyard as far as look-ups go: the first one wins.
    pub name: StageName,
    /// Its sequences.
    pub sequences: Vec<Sequence>,
}

/// One sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Its name.
    pub name: SequenceName,
    /// What starts it, beside an event of its own.
    pub triggered_on: Vec<Trigger>,
    /// Its tasks.
    pub tasks: Arc<[TaskDefinition]>,
}

/// One entry of `triggeredOn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// `<stage>.<sequence>.finished`
    pub event: String,
    /// `selector.match`; none where the file has no selector.
    pub selector: Option<BTreeMap<String, String>>,
}

/// One task of a sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// Its name.
    pub name: TaskName,
    /// Its `properties`: they become `data.<task>` of its `.triggered` event.
    pub properties: Map<String, Value>,
    /// `triggeredAfter`: how long to wait before the task is triggered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_after: Option<std::time::Duration>,
}

/// A sequence that follows another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Where it runs.
    pub stage: StageName,
    /// Which one.
    pub sequence: SequenceName,
}

impl Shipyard {
    /// Reads a `shipyard.yaml`.
    ///
    /// # Errors
    /// The first problem, with its line and column.
    pub fn parse(text: &str) -> Result<Self, ShipyardError> {
        parse::shipyard(text)
    }

    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }

    /// The tasks of a sequence. Every stage has a sequence `evaluation` of one task `evaluation`
    /// unless the file defines one.
    ///
    /// # Errors
    /// Keptn's sentence about what is missing.
    pub fn tasks(
        &self,
        stage: &StageName,
        sequence: &SequenceName,
    ) -> Result<Arc<[TaskDefinition]>, String> {
        let found = self.stage(stage).ok_or_else(|| format!("no stage with name {stage}"))?;
        match found.sequences.iter().find(|candidate| candidate.name == *sequence) {
            Some(Sequence { tasks, .. }) if tasks.is_empty() => {
                Err(format!("task sequence {sequence} does not contain any tasks"))
            }
            Some(Sequence { tasks, .. }) => Ok(Arc::clone(tasks)),
            None => match TaskName::new(sequence.as_str()) {
                Ok(name) if name == "evaluation" => Ok(Arc::from([TaskDefinition {
                    name,
                    properties: Map::new(),
                    triggered_after: None,
                }])),
                _ => Err(format!("no task sequence with name {sequence} found in stage {stage}")),
            },
        }
    }

    /// The sequences that follow when one ends with `result` after `last` as its last task. One entry
    /// per matching `triggeredOn`, in file order, so the same sequence may come twice.
    #[must_use]
    pub fn followers(
        &self,
        stage: &StageName,
        sequence: &SequenceName,
        last: &TaskName,
        result: TaskResult,
    ) -> Vec<Follower> {
        let ended = format!("{stage}.{sequence}.finished");
        let mut followers = Vec::new();
        for candidate in &self.stages {
            for next in &candidate.sequences {
                for trigger in &next.triggered_on {
                    if trigger.event == ended && trigger.fires(last, result) {
                        let (stage, sequence) = (candidate.name.clone(), next.name.clone());
                        followers.push(Follower { stage, sequence });
                    }
                }
            }
        }
        followers
    }
}

impl Trigger {
    /// Keptn 1.4: without a selector on pass and warning; with one where `result` or
    /// `<last task>.result` equals the result. Other keys are ignored, and an empty selector never
    /// fires.
    fn fires(&self, last: &TaskName, result: TaskResult) -> bool {
        let Some(selector) = &self.selector else { return result != TaskResult::Fail };
        let matches = |key: &str| selector.get(key).is_some_and(|want| want == result.as_str());
        matches("result") || matches(&format!("{last}.result"))
    }
}
