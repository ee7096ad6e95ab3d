//! Objectives, one by one and together.

use std::collections::HashMap;

use super::criteria::never_alone;
use super::{Lint, items, text};
use crate::quality::slo::{Fields, decode, is_null};
use crate::quality::{Group, Objective, Slo};
use crate::yaml::Place;
use crate::yaml::source::{Content, Written};

const OBJECTIVE: [&str; 6] = ["sli", "displayName", "pass", "warning", "weight", "key_sli"];
const GROUP: [&str; 1] = ["criteria"];

/// For which verdict criteria stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// `pass`
    Pass,
    /// `warning`
    Warning,
    /// `warning` of an objective that only informs.
    Ignored,
}

impl Lint {
    pub(super) fn objectives(&mut self, place: Place, listed: Option<&Written>, slo: &Slo) {
        let written = items(listed);
        for item in written.iter().filter(|item| is_null(item)) {
            self.push(item.place, "an objective that is null is passed over; take it away");
        }
        let mut seen: HashMap<&str, u64> = HashMap::new();
        let nodes = written.iter().filter(|item| !is_null(item));
        for (node, objective) in nodes.zip(&slo.objectives) {
            self.objective(node, objective);
            if let Some(line) = seen.get(objective.sli.as_str()) {
                self.push(
                    node.place,
                    format!(
                        "`{}` is judged in line {line} already, and one value feeds one objective: this \
                         one has none unless the provider answers twice, as those of Tidegate do; put the \
                         criteria together",
                        objective.sli
                    ),
                );
            } else {
                seen.insert(&objective.sli, node.place.line);
            }
        }
        self.together(place, slo);
    }

    fn together(&mut self, place: Place, slo: &Slo) {
        let mut scored = slo.objectives.iter().filter(|o| !o.pass.is_empty()).peekable();
        if slo.objectives.is_empty() {
            self.push(place, "without objectives every evaluation fails; write at least one");
        } else if scored.peek().is_none() {
            self.push(
                place,
                "no objective has pass criteria, so whatever is measured passes with 100, and it fails only \
                 where the provider does; write pass criteria for at least one",
            );
        } else if scored.map(|objective| i128::from(objective.weight)).sum::<i128>() == 0 {
            self.push(
                place,
                "the weights add up to 0, so whatever is measured passes with 100, even where a key objective \
                 fails, and it fails only where the provider does; write positive weights",
            );
        }
    }

    fn objective(&mut self, node: &Written, objective: &Objective) {
        self.keys(Some(node), &OBJECTIVE);
        let fields = Fields::known(Some(node));
        let find = |name| fields.find(name).filter(|node| !is_null(node));
        if objective.sli.is_empty() {
            let problem = "an objective without sli judges nothing; name an indicator";
            self.push(node.place, problem);
        }
        if let Some(weight) = find("weight") {
            self.weight(weight, objective.weight);
        }
        let informs = objective.pass.is_empty();
        if informs && objective.key_sli {
            let place = find("key_sli").map_or(node.place, |node| node.place);
            self.push(place, "key_sli has no effect without pass criteria; write some");
        }
        let warning = if informs { Verdict::Ignored } else { Verdict::Warning };
        self.groups(find("pass"), &objective.pass, Verdict::Pass);
        self.groups(find("warning"), &objective.warning, warning);
        if !informs && never_alone(&objective.warning, &objective.pass) {
            let place = find("warning").map_or(node.place, |node| node.place);
            self.push(
                place,
                "whatever meets these meets the pass criteria too, so this never warns; let warning be \
                 looser than pass",
            );
        }
    }

    fn weight(&mut self, node: &Written, weight: i64) {
        let spelt = text(node);
        let written = decode::integer(node, "weight").unwrap_or_default();
        if written == 0 {
            let problem =
                format!("weight {spelt} counts as 1; leave pass out where it must not count");
            self.push(node.place, problem);
        } else if spelt.contains('.') {
            let problem = format!("weight {spelt} counts as {weight}; write a whole number");
            self.push(node.place, problem);
        } else if weight < 0 {
            self.push(
                node.place,
                "a weight below 0 lets the score rise where the objective fails; write a positive one",
            );
        } else if spelt.strip_prefix('0').is_some_and(|rest| rest.parse() != Ok(weight)) {
            let problem = format!("weight {spelt} counts as {weight}; write {weight}");
            self.push(node.place, problem);
        }
    }

    fn groups(&mut self, node: Option<&Written>, groups: &[Group], verdict: Verdict) {
        let written = items(node);
        if let Some(place) = written.first().map(|node| node.place)
            && verdict == Verdict::Pass
            && groups.iter().all(|group| group.criteria.is_empty())
        {
            self.push(
                place,
                "without any criterion the objective passes and its weight is never scored, so the total \
                 stays below 100; write a criterion, or leave pass out",
            );
        }
        for (node, group) in written.iter().zip(groups) {
            self.keys(Some(node), &GROUP);
            if group.criteria.is_empty() {
                self.push(node.place, "no criteria are always met; write one, or take this away");
            }
            let listed = Fields::known(Some(node)).find("criteria");
            let items = match listed.map(|node| &node.content) {
                Some(Content::List(items)) => items.as_slice(),
                _ => &[],
            };
            for item in items.iter().filter(|item| is_null(item)) {
                self.push(
                    item.place,
                    "a criterion that is null is passed over; write it in quotes",
                );
            }
            for (node, criterion) in items.iter().filter(|item| !is_null(item)).zip(&group.criteria)
            {
                self.criterion(node.place, criterion, verdict);
            }
        }
    }
}
