//! What a shipyard has a stage ask before it lets something in.

use tidegate_core::approval::{APPROVAL, Strategy};
use tidegate_core::shipyard::{Sequence, Stage};

use super::Text;

/// When a stage asks a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// It has no approval.
    Nobody,
    /// After a pass and after a warning.
    Always,
    /// After a warning; a pass goes on by itself.
    AfterWarning,
    /// After a pass; a warning goes on by itself.
    AfterPass,
    /// A pass and a warning go on by themselves.
    Never,
}

/// The rules of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Those of the sequence that follows another stage, or else of the first that asks.
    pub(crate) asks: Asks,
    /// All of them, a sentence each.
    pub(crate) sentences: Vec<Text>,
}

impl Policy {
    /// The rules of a stage, as its shipyard stands.
    pub(crate) fn of(stage: &Stage) -> Self {
        let mut rules: Vec<(bool, Asks, String)> = Vec::new();
        for sequence in &stage.sequences {
            if let Some(rule) = Rule::of(sequence) {
                let follows = !sequence.triggered_on.is_empty();
                rules.push((follows, rule.asks, rule.sentence(stage, sequence)));
            }
        }
        let first = rules.iter().find(|(follows, ..)| *follows).or(rules.first());
        Self {
            asks: first.map_or(Asks::Nobody, |(_, asks, _)| *asks),
            sentences: match rules.is_empty() {
                true => vec![Text::line(format!("{} asks nobody.", stage.name))],
                false => rules.into_iter().map(|(.., text)| Text::line(text)).collect(),
            },
        }
    }
}

/// What a sequence asks.
struct Rule {
    asks: Asks,
    /// The task that follows then.
    before: String,
    /// Whether a person decides where the gate before it has failed.
    waits_on_fail: bool,
}

impl Rule {
    fn of(sequence: &Sequence) -> Option<Self> {
        let at = sequence.tasks.iter().position(|task| task.name == APPROVAL)?;
        let strategy = Strategy::of(&sequence.tasks[at].properties);
        let asks = match &strategy {
            Ok(strategy) => {
                let by_itself = |result| strategy.word(result) == "automatic";
                match (by_itself("pass"), by_itself("warning")) {
                    (false, false) => Asks::Always,
                    (true, false) => Asks::AfterWarning,
                    (false, true) => Asks::AfterPass,
                    (true, true) => Asks::Never,
                }
            }
            Err(_) => Asks::Always,
        };
        let next = sequence.tasks.get(at + 1);
        Some(Self {
            asks,
            before: next.map_or_else(|| "the end".to_owned(), |task| task.name.to_string()),
            waits_on_fail: strategy.is_ok_and(|strategy| strategy.waits_on_fail()),
        })
    }

    fn sentence(&self, stage: &Stage, sequence: &Sequence) -> String {
        let who = match stage.sequences.iter().filter(|other| Self::of(other).is_some()).count() {
            0 | 1 => stage.name.to_string(),
            _ => format!("{} in {}", sequence.name, stage.name),
        };
        let before = &self.before;
        let said = match self.asks {
            Asks::Nobody => format!("{who} asks nobody"),
            Asks::Always => format!("{who} asks a person before {before}"),
            Asks::AfterWarning => format!(
                "{who} asks a person before {before} after a warning; a pass goes on by itself"
            ),
            Asks::AfterPass => format!(
                "{who} asks a person before {before} after a pass; a warning goes on by itself"
            ),
            Asks::Never => {
                format!("{who} lets a pass and a warning go on to {before} by themselves")
            }
        };
        match (self.waits_on_fail, self.asks) {
            (true, _) => format!("{said}; a failed gate waits for a person who says why."),
            (false, Asks::Never) => format!("{said}; a fail is declined."),
            (false, _) => format!("{said}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::shipyard::Shipyard;

    use super::*;

    fn policy(sequences: &str) -> Policy {
        let text = format!(
            "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: prod\n      \
             sequences: [{sequences}]\n"
        );
        Policy::of(&Shipyard::parse(&text).unwrap().stages[0])
    }

    fn asked(properties: &str) -> (Asks, String) {
        let policy = policy(&format!(
            "{{ name: delivery, tasks: [{{ name: approval, properties: {{ {properties} }} }}, \
             {{ name: deployment }}] }}"
        ));
        (policy.asks, policy.sentences[0].to_string())
    }

    #[test]
    fn a_policy_is_said_in_words() {
        for (properties, asks, words) in [
            (
                "pass: manual, warning: manual",
                Asks::Always,
                "prod asks a person before deployment.",
            ),
            ("", Asks::Always, "prod asks a person before deployment."),
            (
                "pass: automatic, warning: manual",
                Asks::AfterWarning,
                "prod asks a person before deployment after a warning; a pass goes on by itself.",
            ),
            (
                "pass: manual, warning: automatic",
                Asks::AfterPass,
                "prod asks a person before deployment after a pass; a warning goes on by itself.",
            ),
            (
                "pass: automatic, warning: automatic",
                Asks::Never,
                "prod lets a pass and a warning go on to deployment by themselves; a fail is \
                 declined.",
            ),
            (
                "pass: automatic, warning: automatic, policy: { onFail: manual }",
                Asks::Never,
                "prod lets a pass and a warning go on to deployment by themselves; a failed gate waits \
                 for a person who says why.",
            ),
            (
                "policy: { onFail: manual }",
                Asks::Always,
                "prod asks a person before deployment; a failed gate waits for a person who says why.",
            ),
        ] {
            assert_eq!(asked(properties), (asks, words.to_owned()), "{properties}");
        }
    }

    #[test]
    fn a_stage_without_an_approval_asks_nobody() {
        let policy = policy("{ name: delivery, tasks: [{ name: deployment }] }");
        assert_eq!(
            (policy.asks, policy.sentences[0].as_str()),
            (Asks::Nobody, "prod asks nobody.")
        );
    }

    #[test]
    fn what_follows_another_stage_says_how_its_gate_stands() {
        let ask = "properties: { pass: manual, warning: manual }";
        let pass = "properties: { pass: automatic, warning: automatic }";
        let policy = policy(&format!(
            "{{ name: hotfix, tasks: [{{ name: approval, {ask} }}] }}, \
             {{ name: delivery, triggeredOn: [{{ event: qa.delivery.finished }}], \
                tasks: [{{ name: approval, {pass} }}, {{ name: deployment }}] }}"
        ));
        assert_eq!(policy.asks, Asks::Never);
        let words: Vec<_> = policy.sentences.iter().map(Text::as_str).collect();
        assert_eq!(words[0], "hotfix in prod asks a person before the end.");
        assert!(words[1].starts_with("delivery in prod lets a pass"), "{words:?}");
    }
}
