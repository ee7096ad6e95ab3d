//! The names and ids that everything else is keyed by. Each is checked once, in its constructor,
//! and carried as proof afterwards.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name of any kind, in bytes.
pub const NAME_BYTES_MAX: usize = 253;

/// Why a text is not a name, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} name {found:?} {problem}")]
pub struct NameError {
    kind: &'static str,
    found: String,
    problem: &'static str,
}

fn refuse(kind: &'static str, text: &str, problem: &'static str) -> NameError {
    let mut found: String = text.chars().take(64).collect();
    if found.len() < text.len() {
        found.push('…');
    }
    NameError { kind, found, problem }
}

/// Keptn's entity rule: `^[a-z]([a-z0-9-]*[a-z0-9])?$`.
fn entity(kind: &'static str, text: &str) -> Result<(), NameError> {
    const RULE: &str = "must start with a lower-case letter, go on with lower-case letters, digits \
                        or '-', and not end with '-'";
    sized(kind, text)?;
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if bytes[0].is_ascii_lowercase() && bytes.iter().all(inner) && bytes[bytes.len() - 1] != b'-' {
        Ok(())
    } else {
        Err(refuse(kind, text, RULE))
    }
}

fn sized(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(refuse(kind, text, "must not be empty"));
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(refuse(kind, text, "is longer than 253 bytes"));
    }
    Ok(())
}

/// A service may hold almost anything that is safe as one path segment.
fn service(kind: &'static str, text: &str) -> Result<(), NameError> {
    sized(kind, text)?;
    if matches!(text, "." | "..") || text.eq_ignore_ascii_case(".git") {
        return Err(refuse(kind, text, "is reserved by the file system or by Git"));
    }
    let bad = |c: char| c.is_control() || c.is_whitespace() || "/\\><|:&".contains(c);
    if text.contains(bad) {
        return Err(refuse(kind, text, r"must not contain white space or any of / \ > < | : &"));
    }
    Ok(())
}

/// Sequences and tasks become one dot-separated segment of an event type.
fn segment(kind: &'static str, text: &str) -> Result<(), NameError> {
    sized(kind, text)?;
    if text.contains(|c: char| c == '.' || c == '/' || c.is_control() || c.is_whitespace()) {
        return Err(refuse(kind, text, "must not contain '.', '/' or white space"));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and keeps it.
            ///
            /// # Errors
            /// The rule that the text breaks.
            pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
                $check($kind, text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.to_string()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    };
}

name!(
    /// A project: Keptn's entity rule. [`ProjectName::unmapped`] is the one exception.
    ProjectName, "project", project
);
name!(
    /// A stage of a shipyard: Keptn's entity rule; also the name of its Git branch.
    StageName, "stage", entity
);
name!(
    /// A service: one safe path segment.
    ServiceName, "service", service
);
name!(
    /// A sequence of a stage, such as `delivery`.
    SequenceName, "sequence", segment
);
name!(
    /// A task of a sequence, such as `deployment`.
    TaskName, "task", segment
);

const UNMAPPED: &str = "_unmapped";

fn project(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text == UNMAPPED { Ok(()) } else { entity(kind, text) }
}

impl ProjectName {
    /// The reserved project under which events without a known project are kept.
    #[must_use]
    pub fn unmapped() -> Self {
        Self(Arc::from(UNMAPPED))
    }

    /// Whether this is the reserved project, which no user can create.
    #[must_use]
    pub fn is_unmapped(&self) -> bool {
        &*self.0 == UNMAPPED
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The id with these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, as stored.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// The id of an event. The id of an approval is that of its `approval.triggered` event.
    EventId
);
id!(
    /// `shkeptncontext`: what ties all events of one delivery together.
    ContextId
);
id!(
    /// One run of one sequence for one stage and service.
    ExecutionId
);

/// A Git commit: 40 lower-case hexadecimal digits (SHA-1 object format).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(Arc<str>);

/// The text is not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a commit id is 40 hexadecimal digits; use the full id, not a branch or a short form")]
pub struct CommitIdError;

impl CommitId {
    /// Checks the text and keeps it in lower case.
    ///
    /// # Errors
    /// [`CommitIdError`] where it is not 40 hexadecimal digits.
    pub fn new(text: &str) -> Result<Self, CommitIdError> {
        if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(Arc::from(text.to_ascii_lowercase())))
        } else {
            Err(CommitIdError)
        }
    }

    /// The 40 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CommitId {
    type Error = CommitIdError;
    fn try_from(text: String) -> Result<Self, CommitIdError> {
        Self::new(&text)
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_names_follow_keptns_rule() {
        for good in ["a", "qa", "pre-prod", "a1", "x-1-y"] {
            assert!(StageName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "A", "a-", "-a", "a_b", "a.b", "..", "a/b", "ä"] {
            assert!(StageName::new(bad).is_err(), "{bad}");
        }
        assert!(StageName::new("a".repeat(254)).is_err());
    }

    #[test]
    fn a_service_is_one_safe_path_segment() {
        for good in ["carts", "Carts_DB", "a.b", "服务"] {
            assert!(ServiceName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".git", ".GIT", "a/b", "a b", "a\0b", "a:b", "a\\b", "a\n"] {
            assert!(ServiceName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_names_the_kind_the_text_and_the_rule() {
        let error = TaskName::new("a.b").unwrap_err().to_string();
        assert_eq!(error, r#"task name "a.b" must not contain '.', '/' or white space"#);
    }

    #[test]
    fn commit_ids_are_full_and_lower_case() {
        let upper = "ABCDEF0123456789ABCDEF0123456789ABCDEF01";
        assert_eq!(CommitId::new(upper).unwrap().as_str(), upper.to_lowercase());
        assert!(CommitId::new("abc").is_err());
        assert!(CommitId::new(&"g".repeat(40)).is_err());
    }
}
