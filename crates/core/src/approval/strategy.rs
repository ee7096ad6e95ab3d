//! When an approval needs a person, and when its shipyard lets the result decide.

use serde_json::{Map, Value};

use crate::event::{Outcome, text};

/// What the shipyard says about an approval: `pass` and `warning` of its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    pass: String,
    warning: String,
}

/// The properties ask for something that cannot be honoured, so nothing weaker may stand in for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// A key that is, or is meant to be, `policy`.
    #[error(
        "the approval has the key {0:?}: approval policies are not supported by this \
         version, and an approval is never weaker than its file; remove the key to go on"
    )]
    Policy(String),
}

/// What follows from a strategy and the result that led to the approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// A person must decide.
    Manual,
    /// The result decides at once.
    Automatic(Outcome),
}

impl Strategy {
    /// Reads the properties of an approval task as they stand in the resolved shipyard.
    ///
    /// # Errors
    /// A policy that cannot be honoured.
    pub fn of(properties: &Map<String, Value>) -> Result<Self, StrategyError> {
        if let Some(key) = properties.keys().find(|key| means_policy(key)) {
            return Err(StrategyError::Policy(key.clone()));
        }
        let word = |key| text(properties, key).to_owned();
        Ok(Self { pass: word("pass"), warning: word("warning") })
    }

    /// The word that applies to a result, in the sentence of `approval.started`.
    #[must_use]
    pub fn word(&self, result: &str) -> &str {
        let word = match result {
            "pass" => &self.pass,
            "warning" => &self.warning,
            "" => return "manual",
            _ => return "automatic",
        };
        if word.is_empty() { "manual" } else { word }
    }
}

/// Keptn 1.4: `automatic` lets pass and warning through, and a warning becomes a pass; a fail is
/// declined whatever the strategy; without a result, or with any other word, a person decides.
#[must_use]
pub fn judge(strategy: &Strategy, result: &str) -> Judgement {
    match result {
        "fail" => Judgement::Automatic(Outcome::FAIL),
        "pass" | "warning" if strategy.word(result) == "automatic" => {
            Judgement::Automatic(Outcome::PASS)
        }
        _ => Judgement::Manual,
    }
}

/// Whether a key is, or is meant to be, `policy`: within two edits of it.
pub(crate) fn means_policy(key: &str) -> bool {
    edits(&key.to_lowercase(), "policy") <= 2
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

    fn strategy(properties: &Value) -> Result<Strategy, StrategyError> {
        Strategy::of(properties.as_object().unwrap())
    }

    #[test]
    fn keptns_approval_matrix() {
        let (auto, manual) = ("automatic", "manual");
        let pass = Judgement::Automatic(Outcome::PASS);
        let fail = Judgement::Automatic(Outcome::FAIL);
        for (on_pass, on_warning) in
            [(auto, auto), (manual, auto), (auto, manual), (manual, manual)]
        {
            let strategy = strategy(&json!({"pass": on_pass, "warning": on_warning})).unwrap();
            let expect = |word| if word == auto { pass.clone() } else { Judgement::Manual };
            assert_eq!(judge(&strategy, "pass"), expect(on_pass));
            assert_eq!(judge(&strategy, "warning"), expect(on_warning));
            assert_eq!(judge(&strategy, "fail"), fail);
            assert_eq!(judge(&strategy, ""), Judgement::Manual);
        }
    }

    #[test]
    fn silence_and_unknown_words_need_a_person() {
        for properties in
            [json!({}), json!({"pass": ""}), json!({"pass": "Automatic"}), json!({"pass": true})]
        {
            let strategy = strategy(&properties).unwrap();
            assert_eq!(judge(&strategy, "pass"), Judgement::Manual, "{properties}");
        }
        assert_eq!(strategy(&json!({})).unwrap().word("pass"), "manual");
    }

    #[test]
    fn a_policy_is_never_overlooked_however_it_is_spelt() {
        for key in ["policy", "Policy", "polcy", "policies", "polic"] {
            let found = strategy(&json!({"pass": "automatic", key: {}}));
            if key == "policies" {
                // Three edits away: a key of its own.
                assert!(found.is_ok());
            } else {
                assert_eq!(found, Err(StrategyError::Policy(key.into())));
            }
        }
    }
}
