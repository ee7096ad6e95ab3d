//! Reading `shipyard.yaml`: what Keptn 1.4 rejects is an error here too, what it ignores is ignored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{STAGES_MAX, Sequence, Shipyard, Stage, TASKS_MAX, TaskDefinition, Trigger};
use crate::approval::{APPROVAL, POLICY, Policy, PolicyError, means_policy};
use crate::go::parse_duration;
use crate::names::{SequenceName, StageName, TaskName};
pub(super) use crate::yaml::field;
use crate::yaml::{self, Key, Node, Tree, YamlError};

/// Largest file, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Why a shipyard is not valid, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipyardError {
    /// Not YAML, or a value of the wrong kind: line, column and reason.
    #[error("{0}")]
    Unreadable(#[from] YamlError),
    /// YAML of the right shape that breaks a rule of Keptn's.
    #[error("{}:{}: {problem}", place.line, place.column)]
    Invalid {
        /// Where.
        place: yaml::Place,
        /// Which rule.
        problem: ShipyardProblem,
    },
}

/// Keptn's rules, in Keptn's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipyardProblem {
    /// `apiVersion` is missing or no version.
    #[error("could not parse shipyard version {0:?}; write apiVersion: spec.keptn.sh/0.2.2")]
    NoVersion(String),
    /// `apiVersion` is older than 0.2.
    #[error("Invalid shipyard APIVersion {0}: only 0.2 and newer are supported")]
    OldVersion(String),
    /// No stage.
    #[error(
        "Shipyard must contain at least one stage.\nPlease update the Shipyard file and try again."
    )]
    NoStage,
    /// A stage without a name.
    #[error("all stages within the shipyard must have a name")]
    UnnamedStage,
    /// A stage whose name cannot name a branch.
    #[error(
        "Stage {0} contains upper case letter(s) or special character(s).\nAllowed: lower-case \
         letters, digits and '-', beginning with a letter."
    )]
    StageName(String),
    /// Over one of our limits.
    #[error("{0}")]
    Limit(String),
}

pub(super) fn shipyard(text: &str) -> Result<Shipyard, ShipyardError> {
    let start = yaml::Place { line: 1, column: 1 };
    if text.len() > BYTES_MAX {
        let problem = ShipyardProblem::Limit(format!("the file is larger than {BYTES_MAX} bytes"));
        return Err(ShipyardError::Invalid { place: start, problem });
    }
    let file = yaml::parse(text)?;
    let fields = file.entries("a shipyard")?;
    let api_version = match field(fields, "apiVersion") {
        Some(node) => version(node, &node.scalar("apiVersion")?)?,
        None => return Err(invalid(&file, ShipyardProblem::NoVersion(String::new()))),
    };
    let spec = field(fields, "spec").unwrap_or(&file);
    let listed = match field(spec.entries("spec")?, "stages") {
        Some(node) => node.items("stages")?,
        None => &[],
    };
    if listed.is_empty() {
        return Err(invalid(spec, ShipyardProblem::NoStage));
    }
    if listed.len() > STAGES_MAX {
        let problem = ShipyardProblem::Limit(format!("more than {STAGES_MAX} stages"));
        return Err(invalid(spec, problem));
    }
    let stages = listed.iter().map(stage).collect::<Result<_, _>>()?;
    Ok(Shipyard { api_version, stages })
}

fn invalid(node: &Node, problem: ShipyardProblem) -> ShipyardError {
    ShipyardError::Invalid { place: node.place, problem }
}

/// Keptn 1.4: after the prefix `spec.keptn.sh/` a version of at least 0.2, with no upper bound.
fn version(node: &Node, text: &str) -> Result<String, ShipyardError> {
    let number = text.strip_prefix("spec.keptn.sh/").unwrap_or(text);
    let mut parts = number.split(['.', '-', '+']).map(str::parse::<u64>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(invalid(node, ShipyardProblem::NoVersion(text.to_owned())));
    };
    if (major, minor) < (0, 2) {
        return Err(invalid(node, ShipyardProblem::OldVersion(text.to_owned())));
    }
    Ok(text.to_owned())
}

fn stage(node: &Node) -> Result<Stage, ShipyardError> {
    let fields = node.entries("a stage")?;
    let place = field(fields, "name").unwrap_or(node);
    let text = match field(fields, "name") {
        Some(name) => name.scalar("the name of a stage")?,
        None => String::new(),
    };
    if text.is_empty() {
        return Err(invalid(place, ShipyardProblem::UnnamedStage));
    }
    let Ok(name) = StageName::new(&text) else {
        return Err(invalid(place, ShipyardProblem::StageName(text)));
    };
    let sequences = match field(fields, "sequences") {
        Some(list) => list.items("sequences")?.iter().map(sequence).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Stage { name, sequences })
}

fn sequence(node: &Node) -> Result<Sequence, ShipyardError> {
    let fields = node.entries("a sequence")?;
    let (place, text) = named(node, fields, "a sequence")?;
    let name = SequenceName::new(text).map_err(|error| place.error(error.to_string()))?;
    let triggered_on = match field(fields, "triggeredOn") {
        Some(list) => list.items("triggeredOn")?.iter().map(trigger).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let listed = match field(fields, "tasks") {
        Some(list) => list.items("tasks")?,
        None => &[],
    };
    if listed.len() > TASKS_MAX {
        let problem =
            ShipyardProblem::Limit(format!("more than {TASKS_MAX} tasks in one sequence"));
        return Err(invalid(node, problem));
    }
    let tasks: Result<Vec<_>, ShipyardError> = listed.iter().map(task).collect();
    Ok(Sequence { name, triggered_on, tasks: Arc::from(tasks?) })
}

/// The name of a sequence or task and where it stands.
fn named<'a>(
    node: &'a Node,
    fields: &'a [(Key, Node)],
    what: &str,
) -> Result<(&'a Node, String), ShipyardError> {
    let place = field(fields, "name").unwrap_or(node);
    let text = match field(fields, "name") {
        Some(name) => name.scalar(&format!("the name of {what}"))?,
        None => String::new(),
    };
    if text.is_empty() {
        Err(place.error(format!("{what} has no name")).into())
    } else {
        Ok((place, text))
    }
}

fn trigger(node: &Node) -> Result<Trigger, ShipyardError> {
    let fields = node.entries("an entry of triggeredOn")?;
    let event = match field(fields, "event") {
        Some(event) => event.scalar("the event of triggeredOn")?,
        None => String::new(),
    };
    let selector = match field(fields, "selector") {
        Some(selector) => match field(selector.entries("selector")?, "match") {
            Some(wanted) => {
                let mut texts = BTreeMap::new();
                for (key, value) in wanted.entries("match")? {
                    texts.insert(key.text.clone(), value.scalar("a value of match")?);
                }
                Some(texts)
            }
            None => None,
        },
        None => None,
    };
    Ok(Trigger { event, selector })
}

fn task(node: &Node) -> Result<TaskDefinition, ShipyardError> {
    let fields = node.entries("a task")?;
    let (place, text) = named(node, fields, "a task")?;
    let name = TaskName::new(text).map_err(|error| place.error(error.to_string()))?;
    if name == APPROVAL {
        policy(fields)?;
    }
    let properties = match field(fields, "properties") {
        // Keptn decodes any value; only a mapping can be merged into event data.
        Some(properties) => match properties.to_json() {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            _ => return Err(properties.error("properties must be a mapping").into()),
        },
        None => Map::new(),
    };
    // Keptn 1.4: a duration that cannot be read is as good as none.
    let triggered_after = match field(fields, "triggeredAfter") {
        Some(after) => delay(&after.scalar("triggeredAfter")?).filter(|d| !d.is_zero()),
        None => None,
    };
    Ok(TaskDefinition { name, properties, triggered_after })
}

/// An approval is never weaker than its file: what is meant as a policy and cannot be honoured is refused.
fn policy(fields: &[(Key, Node)]) -> Result<(), YamlError> {
    let inner = match field(fields, "properties").map(|node| &node.tree) {
        Some(Tree::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    let refused = |key: &Key, error: PolicyError| YamlError::new(key.place, error.to_string());
    if let Some((key, _)) = fields.iter().find(|(key, _)| means_policy(&key.text)) {
        return Err(refused(key, PolicyError::Misplaced(key.text.clone())));
    }
    for (key, node) in inner.iter().filter(|(key, _)| means_policy(&key.text)) {
        if key.text != POLICY {
            return Err(refused(key, PolicyError::Misplaced(key.text.clone())));
        }
        Policy::parse(&node.to_json()).map_err(|error| refused(key, error))?;
    }
    Ok(())
}

/// How long to wait, where the text says so. Keptn 1.4: none where it is no duration of Go's, or negative.
pub(super) fn delay(text: &str) -> Option<Duration> {
    parse_duration(text).ok().and_then(|duration| Duration::try_from(duration).ok())
}

#[cfg(test)]
mod tests;
