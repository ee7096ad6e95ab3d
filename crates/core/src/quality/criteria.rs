//! Criteria: `<=600`, `<+10%`, `>=-5`. A rule is fixed, or relative to what was measured before.

use crate::go::parse_float;

/// How a value is compared, as doubles are: exactly, without rounding or tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This number.
    Fixed(f64),
    /// What was measured before, changed by an amount.
    Relative {
        /// How much. It can be negative: `<+-5` is five less than before.
        amount: f64,
        /// Of what.
        unit: Unit,
        /// Where to.
        direction: Direction,
    },
}

/// What the amount of a relative target counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Hundredths of what was measured before.
    Percent,
    /// What the indicator counts.
    Plain,
}

/// Whether a relative target is above or below what was measured before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Above, or there where the text has no sign.
    Increase,
    /// Below.
    Decrease,
}

/// One criterion, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// How the value is compared.
    pub operator: Operator,
    /// With what.
    pub target: Target,
}

/// Why a text is no criterion, in Keptn's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CriterionError {
    /// It begins with no operator.
    #[error("invalid criteria string")]
    NoOperator,
    /// What follows the operator is no number.
    #[error("could not parse criteria target value")]
    NoNumber,
}

/// In the order in which they are tried.
const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    ("=", Operator::Equal),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
];

impl Rule {
    /// Reads a criterion. Keptn 1.4: spaces count nowhere; what ends with `%` or begins with a sign is
    /// relative, so there is no fixed target below zero.
    ///
    /// # Errors
    /// It has no operator, or no number.
    pub fn parse(text: &str) -> Result<Self, CriterionError> {
        // Spaces alone: a tab stays, and is part of no number.
        let dense = text.replace(' ', "");
        if !dense.starts_with(['<', '|', '=', '>']) {
            return Err(CriterionError::NoOperator);
        }
        // Keptn's pattern takes `|` for an operator, which then is none.
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, dense.strip_prefix(sign)?)))
            .ok_or(CriterionError::NoNumber)?;
        let (unit, rest) = match rest.strip_suffix('%') {
            Some(rest) => (Unit::Percent, rest),
            None => (Unit::Plain, rest),
        };
        let (direction, rest) = match rest.as_bytes().first() {
            Some(b'-') => (Some(Direction::Decrease), &rest[1..]),
            Some(b'+') => (Some(Direction::Increase), &rest[1..]),
            _ => (None, rest),
        };
        let number = parse_float(rest).map_err(|_| CriterionError::NoNumber)?;
        let target = match (unit, direction) {
            (Unit::Plain, None) => Target::Fixed(number),
            (unit, direction) => Target::Relative {
                amount: number,
                unit,
                direction: direction.unwrap_or(Direction::Increase),
            },
        };
        Ok(Self { operator, target })
    }

    /// Whether a value satisfies this rule with that target.
    #[must_use]
    pub fn holds(&self, value: f64, target: f64) -> bool {
        match self.operator {
            Operator::Less => value < target,
            Operator::LessOrEqual => value <= target,
            #[allow(clippy::float_cmp, reason = "Keptn 1.4 compares exactly")]
            Operator::Equal => value == target,
            Operator::GreaterOrEqual => value >= target,
            Operator::Greater => value > target,
        }
    }
}

impl Target {
    /// The number to compare with, where `before` is the aggregate of what was measured. In Keptn's order
    /// of operations: it decides the last bit.
    #[must_use]
    pub fn number(&self, before: f64) -> f64 {
        match *self {
            Self::Fixed(number) => number,
            Self::Relative { amount, unit, direction } => match (unit, direction) {
                (Unit::Percent, Direction::Increase) => before * (100.0 + amount) / 100.0,
                (Unit::Percent, Direction::Decrease) => before * (100.0 - amount) / 100.0,
                (Unit::Plain, Direction::Increase) => before + amount,
                (Unit::Plain, Direction::Decrease) => before - amount,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Decrease, Increase};
    use super::Unit::{Percent, Plain};
    use super::*;

    fn relative(amount: f64, unit: Unit, direction: Direction) -> Target {
        Target::Relative { amount, unit, direction }
    }

    #[test]
    fn every_spelling_is_read_as_keptn_reads_it() {
        for (text, operator, target) in [
            ("<600", Operator::Less, Target::Fixed(600.0)),
            (" < = 1 0 ", Operator::LessOrEqual, Target::Fixed(10.0)),
            ("=0", Operator::Equal, Target::Fixed(0.0)),
            (">=.5", Operator::GreaterOrEqual, Target::Fixed(0.5)),
            (">5e2", Operator::Greater, Target::Fixed(500.0)),
            ("<0x1p4", Operator::Less, Target::Fixed(16.0)),
            ("<1_000", Operator::Less, Target::Fixed(1000.0)),
            ("<inf", Operator::Less, Target::Fixed(f64::INFINITY)),
            ("<=+10%", Operator::LessOrEqual, relative(10.0, Percent, Increase)),
            ("<=10%", Operator::LessOrEqual, relative(10.0, Percent, Increase)),
            ("<=-10%", Operator::LessOrEqual, relative(10.0, Percent, Decrease)),
            ("<+50", Operator::Less, relative(50.0, Plain, Increase)),
            (">-5", Operator::Greater, relative(5.0, Plain, Decrease)),
            ("<++5", Operator::Less, relative(5.0, Plain, Increase)),
            ("<+-5", Operator::Less, relative(-5.0, Plain, Increase)),
            ("<--5", Operator::Less, relative(-5.0, Plain, Decrease)),
            ("<--5%", Operator::Less, relative(-5.0, Percent, Decrease)),
        ] {
            assert_eq!(Rule::parse(text), Ok(Rule { operator, target }), "{text}");
        }
    }

    #[test]
    fn what_is_no_criterion_is_refused_in_keptns_words() {
        for text in ["", " ", "5", "!=5", "~5", "+5", "≤5", "\t<5"] {
            assert_eq!(Rule::parse(text), Err(CriterionError::NoOperator), "{text}");
        }
        for text in [
            "<", ">=", "<%", "<+", "<=+%", "==5", "=<5", "<>5", "<=>5", "|5", "||5", "|", "<5%%",
            "<5ms", "<1,5", "<\t5", "<5\u{a0}", "<1e400", "<+++5", "<%5", "<+10%+5", "<++nan",
        ] {
            assert_eq!(Rule::parse(text), Err(CriterionError::NoNumber), "{text}");
        }
    }

    #[test]
    fn a_target_moves_with_what_was_measured_before() {
        for (text, before, expected) in [
            ("<=+10%", 200.0_f64, 220.0_f64),
            // By 1.1 it would be 13.530000000000001.
            ("<=+10%", 12.3, 13.53),
            ("<=-10%", 200.0, 180.0),
            ("<=+10%", -100.0, -110.0),
            ("<=+10%", 0.0, 0.0),
            ("<+5", 10.0, 15.0),
            ("<--5", 10.0, 15.0),
            ("<+-5", 10.0, 5.0),
            ("<7", 10.0, 7.0),
        ] {
            let number = Rule::parse(text).unwrap().target.number(before);
            assert_eq!(number.to_bits(), expected.to_bits(), "{text}");
        }
    }

    #[test]
    fn nothing_is_near_enough() {
        let rule = Rule::parse("=0.3").unwrap();
        assert!(!rule.holds(0.1 + 0.2, rule.target.number(0.0)));
        assert!(rule.holds(0.3, rule.target.number(0.0)));
    }
}
