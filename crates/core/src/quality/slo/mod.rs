//! `slo.yaml`: what a service must hold to.

pub(super) mod decode;
mod fields;
mod parse;

use std::collections::BTreeMap;

use super::{Comparison, CriterionError, Rule, Targets, TargetsError};
use crate::event::Scope;
use crate::yaml::{Place, YamlError};

pub(super) use decode::is_null;
pub(super) use fields::Fields;

/// Where the file lies below the directory of a service. Keptn 1.4 looks nowhere else.
pub const SLO_PATH: &str = "slo.yaml";

/// A file, read with Keptn's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// `spec_version`, which nothing depends on.
    pub spec_version: String,
    /// `filter`: handed on to the provider.
    pub filter: BTreeMap<String, String>,
    /// `comparison`
    pub comparison: Comparison,
    /// `objectives`, in file order.
    pub objectives: Vec<Objective>,
    /// `total_score`. Keptn 1.4 looks at it when the objectives are judged, not before.
    pub total_score: Result<Targets, TargetsError>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The indicator that it judges; may be empty.
    pub sli: String,
    /// What people call it; may be empty.
    pub display_name: String,
    /// It passes where one of these is met. Without any it only informs.
    pub pass: Vec<Group>,
    /// It warns where one of these is met.
    pub warning: Vec<Group>,
    /// What it counts: never 0, and may be negative.
    pub weight: i64,
    /// Whether all fails where it does.
    pub key_sli: bool,
}

/// Criteria of which all must be met. Where there are none, they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// The criteria.
    pub criteria: Vec<Criterion>,
}

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// As it is written.
    pub text: String,
    /// What it says. Keptn 1.4 looks at it when a value is judged, not before.
    pub rule: Result<Rule, CriterionError>,
}

/// Why a file is no `slo.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SloError {
    /// Not YAML, a value of the wrong kind, or over a limit: line, column and reason. Keptn refuses it too.
    #[error("{0}")]
    Unreadable(#[from] YamlError),
    /// Nothing where something must be. Keptn takes it, and dies of it.
    #[error("{0}")]
    Null(YamlError),
}

impl Slo {
    /// Reads a file. An empty one is read as one that says nothing; to Keptn it is none at all.
    ///
    /// # Errors
    /// The first problem, with its line and column.
    pub fn parse(text: &str) -> Result<Self, SloError> {
        parse::slo(text)
    }

    /// The indicators that a provider is asked for: those of all objectives, in file order.
    pub fn indicators(&self) -> impl Iterator<Item = &str> {
        self.objectives.iter().map(|objective| objective.sli.as_str())
    }
}

impl Objective {
    /// What to call it: its `displayName`, or else the name of its indicator.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { &self.sli } else { &self.display_name }
    }
}

impl Criterion {
    /// Reads one.
    #[must_use]
    pub fn new(text: String) -> Self {
        let rule = Rule::parse(&text);
        Self { text, rule }
    }
}

impl SloError {
    /// Where and why.
    #[must_use]
    pub fn cause(&self) -> &YamlError {
        match self {
            Self::Unreadable(cause) | Self::Null(cause) => cause,
        }
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.cause().place
    }

    /// What the evaluation says where Keptn says it, too: there without the cause. Where Keptn would have said
    /// nothing any more, as [`told`](Self::told).
    #[must_use]
    pub fn message(&self, scope: &Scope) -> String {
        match self {
            Self::Unreadable(_) => keptns(scope),
            Self::Null(_) => self.told(scope),
        }
    }

    /// Keptn's sentence with the cause: whoever has to mend the file needs it.
    #[must_use]
    pub fn told(&self, scope: &Scope) -> String {
        format!("{} ({SLO_PATH}:{})", keptns(scope), self.cause())
    }
}

fn keptns(scope: &Scope) -> String {
    let Scope { project, stage, service } = scope;
    format!("Could not parse SLO file for service {service} in stage {stage} in project {project}")
}
