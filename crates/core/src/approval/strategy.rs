//! When an approval needs a person, and when its shipyard lets the result decide.

use serde_json::{Map, Value};

use super::policy::{OnFail, Policy, PolicyError};
use crate::event::{Outcome, text};

/// What the shipyard says about an approval: `pass`, `warning` and `policy` of its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    pass: String,
    warning: String,
    policy: Option<Policy>,
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
    pub fn of(properties: &Map<String, Value>) -> Result<Self, PolicyError> {
        let policy = Policy::of(properties)?;
        let word = |key| text(properties, key).to_owned();
        Ok(Self { pass: word("pass"), warning: word("warning"), policy })
    }

    /// What is asked for beyond Keptn's words.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        self.policy
    }

    /// Whether a person decides where the gate before it has failed.
    #[must_use]
    pub fn waits_on_fail(&self) -> bool {
        self.policy.is_some_and(|policy| policy.on_fail == OnFail::Manual)
    }

    /// The word that applies to a result, in the sentence of `approval.started`.
    #[must_use]
    pub fn word(&self, result: &str) -> &str {
        let word = match result {
            "pass" => &self.pass,
            "warning" => &self.warning,
            "" => return "manual",
            "fail" if self.waits_on_fail() => return "manual",
            _ => return "automatic",
        };
        if word.is_empty() { "manual" } else { word }
    }
}

/// Keptn 1.4: `automatic` lets pass and warning through, and a warning becomes a pass; a fail is
/// declined whatever the strategy; without a result, or with any other word, a person decides. With
/// `onFail: manual` a fail needs a person, too.
#[must_use]
pub fn judge(strategy: &Strategy, result: &str) -> Judgement {
    match result {
        "fail" if strategy.waits_on_fail() => Judgement::Manual,
        "fail" => Judgement::Automatic(Outcome::FAIL),
        "pass" | "warning" if strategy.word(result) == "automatic" => {
            Judgement::Automatic(Outcome::PASS)
        }
        _ => Judgement::Manual,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn strategy(properties: &Value) -> Result<Strategy, PolicyError> {
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
    fn a_failed_gate_needs_a_person_where_the_policy_says_so_and_only_there() {
        let auto = json!({"pass": "automatic", "warning": "automatic"});
        let with = |policy: Value| {
            let mut properties = auto.clone();
            properties["policy"] = policy;
            strategy(&properties).unwrap()
        };
        let waits = with(json!({"onFail": "manual"}));
        assert_eq!(judge(&waits, "fail"), Judgement::Manual);
        assert_eq!(waits.word("fail"), "manual");
        for ends in [with(json!({})), with(json!({"onFail": "end"})), strategy(&auto).unwrap()] {
            assert_eq!(judge(&ends, "fail"), Judgement::Automatic(Outcome::FAIL));
            assert_eq!(ends.word("fail"), "automatic");
        }
        for result in ["pass", "warning"] {
            assert_eq!(judge(&waits, result), Judgement::Automatic(Outcome::PASS));
        }
    }
}
