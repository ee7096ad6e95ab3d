//! Who is behind an input. Every input carries exactly one principal, given by the edge that
//! authenticated it; the core decides what a principal may do.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::built_in::BuiltIn;

/// The name of a person, a machine or a built-in: 1 to 128 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalName(Arc<str>);

/// The text cannot name a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 128 bytes, no control characters and no white space at its ends")]
pub struct PrincipalNameError;

impl PrincipalName {
    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`PrincipalNameError`] names the rule.
    pub fn new(text: &str) -> Result<Self, PrincipalNameError> {
        let hidden = |c: char| {
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.is_empty() || text.len() > 128 || text.trim() != text || text.contains(hidden) {
            return Err(PrincipalNameError);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl TryFrom<String> for PrincipalName {
    type Error = PrincipalNameError;
    fn try_from(text: String) -> Result<Self, PrincipalNameError> {
        Self::new(&text)
    }
}

impl From<PrincipalName> for String {
    fn from(name: PrincipalName) -> Self {
        name.0.to_string()
    }
}

/// Who is behind an input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Principal {
    /// A human being: a session, or a personal token.
    Person(PrincipalName),
    /// A program with a token of its own name.
    Machine(PrincipalName),
    /// Whoever holds the installation's Keptn token.
    Shared,
    /// Whoever can reach the unauthenticated wire inside a cluster.
    Wire,
    /// A part of Tidegate itself that answers tasks, under Keptn's name for it.
    Builtin(PrincipalName),
}

impl Principal {
    /// Tidegate itself: what happens without anybody asking for it.
    #[must_use]
    pub fn tidegate() -> Self {
        Self::Builtin(PrincipalName::new("tidegate").expect("a short plain text"))
    }

    /// A part of Tidegate that answers tasks.
    #[must_use]
    pub fn built_in(part: BuiltIn) -> Self {
        Self::Builtin(PrincipalName::new(part.source()).expect("a short plain text"))
    }

    /// Its name; none where its kind has no names.
    #[must_use]
    pub fn name(&self) -> Option<&PrincipalName> {
        match self {
            Self::Person(name) | Self::Machine(name) | Self::Builtin(name) => Some(name),
            Self::Shared | Self::Wire => None,
        }
    }

    /// Whether an approval without a policy counts a vote of this principal, as Keptn did: everybody
    /// who could call its API. A built-in never decides, nor does the unauthenticated wire.
    #[must_use]
    pub fn votes_without_policy(&self) -> bool {
        match self {
            Self::Person(_) | Self::Machine(_) | Self::Shared => true,
            Self::Wire | Self::Builtin(_) => false,
        }
    }
}

/// The words used wherever people read who did something.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) | Self::Builtin(name) => name.fmt(f),
            Self::Machine(name) => write!(f, "{name} (machine)"),
            Self::Shared => f.write_str("the shared API token"),
            Self::Wire => f.write_str("the in-cluster listener"),
        }
    }
}
