//! The policy of an approval: what its shipyard asks for beyond Keptn's `pass` and `warning`. One strict key
//! `policy` in the properties of the task; what this version cannot honour is an error, never a weaker rule.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the shipyard asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// `onFail`: what happens where the gate before it has failed.
    pub on_fail: OnFail,
    /// `blind`: what becomes of a vote that does not say what was seen.
    pub blind: Blind,
}

/// What happens where the gate before an approval has failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFail {
    /// The sequence ends, as in Keptn.
    #[default]
    End,
    /// A person decides, and says why where it goes on.
    Manual,
}

/// What becomes of a vote that does not say what was seen, such as those of Keptn's clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blind {
    /// It is refused.
    #[default]
    Refuse,
    /// It counts.
    Allow,
}

/// The properties ask for something that cannot be honoured, so nothing weaker may stand in for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A key that is meant to be `policy`, or stands where it has no effect.
    #[error(
        "the approval has the key {0:?}: a policy is the key `policy` within `properties`, and an \
         approval is never weaker than its file; write it there, or remove it"
    )]
    Misplaced(String),
    /// Not a mapping.
    #[error("policy must be a mapping, such as policy: {{ onFail: manual }}")]
    NoMapping,
    /// A key that this version does not know.
    #[error(
        "policy.{0} is not supported by this version, and an approval is never weaker than its file; \
         known are onFail and blind"
    )]
    Unknown(String),
    /// A value that a key does not take.
    #[error("policy.{key} must be {known}, not {value}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it takes.
        known: &'static str,
        /// What is there.
        value: String,
    },
}

impl Policy {
    /// Reads the value of the key `policy`.
    ///
    /// # Errors
    /// What in it cannot be honoured.
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        let Value::Object(fields) = value else { return Err(PolicyError::NoMapping) };
        let mut policy = Self::default();
        for (key, value) in fields {
            let wrong = |key, known| PolicyError::Value { key, known, value: value.to_string() };
            match (key.as_str(), value.as_str()) {
                ("onFail", Some("manual")) => policy.on_fail = OnFail::Manual,
                ("onFail", Some("end")) => policy.on_fail = OnFail::End,
                ("onFail", _) => return Err(wrong("onFail", "manual or end")),
                ("blind", Some("allow")) => policy.blind = Blind::Allow,
                ("blind", Some("refuse")) => policy.blind = Blind::Refuse,
                ("blind", _) => return Err(wrong("blind", "allow or refuse")),
                _ => return Err(PolicyError::Unknown(key.clone())),
            }
        }
        Ok(policy)
    }

    /// The policy in the properties of an approval; none where they have none.
    ///
    /// # Errors
    /// It cannot be honoured, or something is meant to be one and is none.
    pub fn of(properties: &Map<String, Value>) -> Result<Option<Self>, PolicyError> {
        if let Some(key) = properties.keys().find(|key| *key != KEY && means_policy(key)) {
            return Err(PolicyError::Misplaced(key.clone()));
        }
        properties.get(KEY).map(Self::parse).transpose()
    }
}

/// The key.
pub(crate) const KEY: &str = "policy";

/// Whether a key is, or is meant to be, `policy`: within two edits of it.
pub(crate) fn means_policy(key: &str) -> bool {
    edits(&key.to_lowercase(), KEY) <= 2
}

/// The number of single-character insertions, deletions and replacements between two short texts.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(properties: &Value) -> Result<Option<Policy>, PolicyError> {
        Policy::of(properties.as_object().unwrap())
    }

    #[test]
    fn a_policy_says_what_it_says_and_without_one_there_is_none() {
        assert_eq!(of(&json!({"pass": "manual"})), Ok(None));
        assert_eq!(of(&json!({"policy": {}})), Ok(Some(Policy::default())));
        let waits = Policy { on_fail: OnFail::Manual, blind: Blind::Allow };
        assert_eq!(of(&json!({"policy": {"onFail": "manual", "blind": "allow"}})), Ok(Some(waits)));
        let plain = json!({"policy": {"onFail": "end", "blind": "refuse"}});
        assert_eq!(of(&plain), Ok(Some(Policy::default())));
    }

    #[test]
    fn what_cannot_be_honoured_is_an_error_that_says_so() {
        for (policy, words) in [
            (json!({"approvers": ["ada"]}), "policy.approvers is not supported"),
            (json!({"onfail": "manual"}), "policy.onfail is not supported"),
            (json!({"onFail": "Manual"}), "policy.onFail must be manual or end, not \"Manual\""),
            (json!({"onFail": true}), "policy.onFail must be manual or end, not true"),
            (json!({"blind": "yes"}), "policy.blind must be allow or refuse"),
            (json!("manual"), "policy must be a mapping"),
            (Value::Null, "policy must be a mapping"),
        ] {
            let error = of(&json!({"policy": policy})).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_policy_is_never_overlooked_however_it_is_spelt() {
        for key in ["Policy", "polcy", "polic"] {
            let found = of(&json!({"pass": "automatic", key: {}}));
            assert_eq!(found, Err(PolicyError::Misplaced(key.to_owned())));
        }
        // Three edits away: a key of its own.
        assert_eq!(of(&json!({"policies": {}})), Ok(None));
    }
}
