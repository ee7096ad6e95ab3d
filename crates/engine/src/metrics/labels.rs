//! Labels that people make up are bounded: each value is a time series of its own, for ever.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::names::{ProjectName, StageName};

/// The value that stands for all that came after a bound was reached. No name begins with `_`.
pub const OTHER: &str = "_other";

/// How many pairs of project and stage are told apart unless the installation says otherwise.
pub(super) const PLACES_MAX: usize = 500;

/// The text of a label.
pub type LabelText = Arc<str>;

/// Tells at most so many values apart, those that came first.
#[derive(Debug)]
pub struct LabelBound {
    max: usize,
    known: Mutex<HashSet<LabelText>>,
}

impl LabelBound {
    /// A bound.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, known: Mutex::default() }
    }

    /// The label for a value.
    #[must_use]
    pub fn label(&self, value: &str) -> LabelText {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(value) {
            return Arc::clone(label);
        }
        if known.len() >= self.max {
            return OTHER.into();
        }
        let label: LabelText = value.into();
        known.insert(Arc::clone(&label));
        label
    }
}

/// Tells at most so many pairs of project and stage apart, those that came first.
#[derive(Debug)]
pub struct Places {
    max: usize,
    known: Mutex<HashSet<(ProjectName, StageName)>>,
}

impl Places {
    /// A bound.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, known: Mutex::default() }
    }

    /// The labels for a place.
    #[must_use]
    pub fn labels(&self, project: &ProjectName, stage: &StageName) -> (LabelText, LabelText) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (project.clone(), stage.clone());
        if known.contains(&place) || known.len() < self.max {
            let labels = (project.as_str().into(), stage.as_str().into());
            known.insert(place);
            return labels;
        }
        (OTHER.into(), OTHER.into())
    }
}
