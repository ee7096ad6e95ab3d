//! The subject of an approval: exactly what is approved, as one digest.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Approval;
use crate::names::EventId;
use crate::sequence::{Deployed, Evidence};

/// SHA-256 of the canonical JSON (RFC 8785) of a [`SubjectRecord`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject([u8; 32]);

/// The text is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a subject is `sha256:` and 64 hexadecimal digits, as shown with the approval")]
pub struct SubjectError;

/// What a subject is the digest of. Every field is text, so that no reader of the canonical form has
/// to agree on numbers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectRecord<'a> {
    version: &'static str,
    approval: EventId,
    project: &'a str,
    stage: &'a str,
    service: &'a str,
    sequence: &'a str,
    context: String,
    change: &'a str,
    commits: Commits<'a>,
    replaces: Option<&'a str>,
    evidence: Vec<EvidenceRecord<'a>>,
    labels: &'a BTreeMap<String, String>,
}

/// One result among it.
#[derive(Debug, Serialize)]
struct EvidenceRecord<'a> {
    stage: &'a str,
    task: &'a str,
    result: &'a str,
    event: EventId,
    digest: &'a str,
    /// The event that declared it invalid; absent where it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<EventId>,
}

impl<'a> EvidenceRecord<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        Self {
            stage: evidence.stage.as_str(),
            task: evidence.task.as_str(),
            result: &evidence.result,
            event: evidence.event,
            digest: &evidence.digest,
            invalid: evidence.invalid,
        }
    }
}

#[derive(Debug, Serialize)]
struct Commits<'a> {
    shipyard: &'a str,
    stage: Option<&'a str>,
}

impl<'a> SubjectRecord<'a> {
    /// The record of an approval when `replaces` is what runs in its stage.
    #[must_use]
    pub fn of(approval: &'a Approval, replaces: Option<&'a Deployed>) -> Self {
        Self::based_on(approval, &approval.evidence, replaces)
    }

    /// The same where it was based on something else.
    fn based_on(
        approval: &'a Approval,
        evidence: &'a [Evidence],
        replaces: Option<&'a Deployed>,
    ) -> Self {
        Self {
            version: "1",
            approval: approval.id,
            project: approval.scope.project.as_str(),
            stage: approval.scope.stage.as_str(),
            service: approval.scope.service.as_str(),
            sequence: approval.sequence.as_str(),
            context: approval.context.to_string(),
            change: &approval.change,
            commits: Commits {
                shipyard: approval.commits.shipyard.as_str(),
                stage: approval.commits.stage.as_ref().map(crate::names::CommitId::as_str),
            },
            replaces: replaces.map(|deployed| deployed.image.as_str()),
            evidence: evidence.iter().map(EvidenceRecord::of).collect(),
            labels: &approval.labels,
        }
    }
}

impl Subject {
    /// The subject of an approval when `replaces` is what runs in its stage.
    #[must_use]
    pub fn of(approval: &Approval, replaces: Option<&Deployed>) -> Self {
        Self(digest(&SubjectRecord::of(approval, replaces)))
    }

    /// The subject that it had while it was based on former evidence.
    pub(crate) fn former(
        approval: &Approval,
        evidence: &[Evidence],
        replaces: Option<&Deployed>,
    ) -> Self {
        Self(digest(&SubjectRecord::based_on(approval, evidence, replaces)))
    }

    /// The first digits, for people to compare by eye: `7f3a-9c1e`.
    #[must_use]
    pub fn short(&self) -> String {
        let hex = hex(&self.0[..4]);
        format!("{}-{}", &hex[..4], &hex[4..])
    }
}

/// SHA-256 of the canonical JSON of a value.
fn digest(value: &impl Serialize) -> [u8; 32] {
    let json = serde_json_canonicalizer::to_vec(value).expect("texts and lists of texts are JSON");
    Sha256::digest(json).into()
}

/// SHA-256 of the canonical JSON of event data, in hexadecimal.
pub(crate) fn digest_of(value: &Value) -> String {
    hex(&digest(value))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex(&self.0))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let digits = text.strip_prefix("sha256:").ok_or(SubjectError)?;
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SubjectError);
        }
        let mut bytes = [0; 32];
        for (slot, pair) in bytes.iter_mut().zip(0..) {
            let start = pair * 2;
            *slot = u8::from_str_radix(&digits[start..start + 2], 16).map_err(|_| SubjectError)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Subject {
    type Error = SubjectError;
    fn try_from(text: String) -> Result<Self, SubjectError> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_written() {
        let subject = Subject(Sha256::digest(b"x").into());
        assert_eq!(subject.to_string().parse::<Subject>().unwrap(), subject);
        assert_eq!(subject.short().len(), 9);
        for bad in ["", "sha256:", "sha256:zz", &"0".repeat(64)] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }
}
