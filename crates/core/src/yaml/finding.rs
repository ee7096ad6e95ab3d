//! What is said of a file that can be read, and that nobody can have meant.

use std::fmt;

use super::Place;
use crate::excerpt::sentence;

/// One thing in a file that has not the effect it seems to have, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What, with what may have been meant or how to mend it.
    pub problem: String,
}

impl Finding {
    /// A finding at a place. A problem that quotes much of the file is shortened.
    pub(crate) fn new(place: Place, problem: impl Into<String>) -> Self {
        Self { place, problem: sentence(problem.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// What is said of a key that is none of those that are known, with what may have been meant.
pub(crate) fn unknown_key(place: Place, name: &str, known: &[&str]) -> Option<Finding> {
    if known.contains(&name) {
        return None;
    }
    let meant = meant(name, known.iter().map(|key| (*key).to_owned()));
    Some(Finding::new(place, format!("unknown key `{name}`{meant}")))
}

/// What somebody may have meant who wrote this, as the end of a sentence; empty where nothing is near.
pub(crate) fn meant(text: &str, all: impl Iterator<Item = String>) -> String {
    let near = all.map(|known| (strsim::damerau_levenshtein(text, &known), known));
    let close = near.filter(|(distance, known)| *distance <= 2.max(known.len() / 3)).min();
    close.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default()
}
