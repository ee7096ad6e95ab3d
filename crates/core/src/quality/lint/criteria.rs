//! Criteria that say something else than they seem to.

use super::Lint;
use super::objectives::Verdict;
use crate::go::float_text;
use crate::quality::{Criterion, CriterionError, Direction, Group, Operator, Rule, Target, Unit};
use crate::yaml::Place;

impl Lint {
    pub(super) fn criterion(&mut self, place: Place, criterion: &Criterion, verdict: Verdict) {
        let text = &criterion.text;
        match criterion.rule {
            Ok(rule) => {
                if let Some(problem) = misread(text, rule) {
                    self.push(place, problem);
                }
            }
            Err(error) => {
                let effect = match verdict {
                    Verdict::Pass => "so every evaluation fails",
                    Verdict::Warning => "so it never warns",
                    Verdict::Ignored => "and nobody notices, as the objective only informs",
                };
                let mend = match error {
                    CriterionError::NoOperator => "begin it with <, <=, =, >= or >",
                    CriterionError::NoNumber => {
                        "write a number behind the operator, without a unit"
                    }
                };
                self.push(place, format!("{text:?}: {error}, {effect}; {mend}"));
            }
        }
    }
}

/// What a criterion means that it does not seem to.
fn misread(text: &str, rule: Rule) -> Option<String> {
    let (amount, unit, direction) = match rule.target {
        Target::Fixed(number) | Target::Relative { amount: number, .. } if !number.is_finite() => {
            return Some(format!(
                "{text:?} has no finite target, so every evaluation ends errored; write a number"
            ));
        }
        Target::Fixed(_) => return None,
        Target::Relative { amount, unit, direction } => (amount, unit, direction),
    };
    let (sign, than) = match direction {
        Direction::Increase => ('+', "more"),
        Direction::Decrease => ('-', "less"),
    };
    let dense = text.replace(' ', "");
    let signs = dense.trim_start_matches(['<', '=', '>']);
    let mark = if unit == Unit::Percent { "%" } else { "" };
    if signs.len() > 1 && signs[1..].starts_with(['+', '-']) {
        let (plain, sign) =
            (float_text(amount.abs()), if amount < 0.0 { flip(sign) } else { sign });
        let operator = &dense[..dense.len() - signs.len()];
        return Some(format!(
            "{text:?} has two signs, and is {operator}{sign}{plain}{mark} of what was measured before; write \
             that"
        ));
    }
    if unit == Unit::Percent && !signs.starts_with(sign) {
        return Some(format!(
            "{text:?} is relative: {} {}% {than} than before; write a {sign} before the number, or take the % \
             away",
            bound(rule.operator),
            float_text(amount)
        ));
    }
    (unit == Unit::Plain && direction == Direction::Decrease).then(|| {
        format!(
            "{text:?} is relative: {} less than before, not a number below 0; a fixed target below 0 cannot \
             be written, so let the query add to the value",
            float_text(amount)
        )
    })
}

/// `at least 10% more than before`
fn bound(operator: Operator) -> &'static str {
    match operator {
        Operator::Less => "less than",
        Operator::LessOrEqual => "at most",
        Operator::Equal => "exactly",
        Operator::GreaterOrEqual => "at least",
        Operator::Greater => "more than",
    }
}

fn flip(sign: char) -> char {
    if sign == '+' { '-' } else { '+' }
}

/// Whether whatever meets one of these groups meets one of those as well. Relative targets in percent are
/// taken to be of values that are not negative.
pub(super) fn never_alone(groups: &[Group], others: &[Group]) -> bool {
    let rules = |group: &Group| -> Option<Vec<Rule>> {
        group.criteria.iter().map(|criterion| criterion.rule.ok()).collect()
    };
    let Some(others) = others.iter().map(rules).collect::<Option<Vec<_>>>() else { return false };
    let mut any = false;
    for group in groups.iter().filter_map(rules) {
        any = true;
        let met = |rule: &Rule| group.iter().any(|known| implies(*known, *rule));
        if !others.iter().any(|other| other.iter().all(met)) {
            return false;
        }
    }
    any
}

/// Whether whatever meets one rule meets the other.
fn implies(rule: Rule, other: Rule) -> bool {
    let (Some(from), Some(to)) =
        (offset(rule.target, other.target), offset(other.target, rule.target))
    else {
        return false;
    };
    match (rule.operator, other.operator) {
        (Operator::Less, Operator::Less | Operator::LessOrEqual)
        | (Operator::LessOrEqual, Operator::LessOrEqual) => from <= to,
        (Operator::LessOrEqual, Operator::Less) => from < to,
        (Operator::Greater, Operator::Greater | Operator::GreaterOrEqual)
        | (Operator::GreaterOrEqual, Operator::GreaterOrEqual) => from >= to,
        (Operator::GreaterOrEqual, Operator::Greater) => from > to,
        (Operator::Equal, _) => other.holds(from, to),
        _ => false,
    }
}

/// Where a target lies, as a number that can be compared with that of the other; none where it cannot.
fn offset(target: Target, other: Target) -> Option<f64> {
    match (target, other) {
        (Target::Fixed(number), Target::Fixed(_)) => Some(number),
        (Target::Relative { amount, unit, direction }, Target::Relative { unit: same, .. })
            if unit == same =>
        {
            Some(if direction == Direction::Decrease { -amount } else { amount })
        }
        _ => None,
    }
}
