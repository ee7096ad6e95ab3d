//! The total score, and what it is worth.

use crate::event::TaskResult;
use crate::go::{float_text, parse_float};

/// `total_score`, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Targets {
    /// From here on it passes. May be infinite, or NaN, which nothing reaches.
    pub pass: f64,
    /// From here on it is a warning.
    pub warning: Option<f64>,
}

/// What is wrong with `total_score`, in Keptn's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    /// There is no `total_score`, or no `pass` in it.
    #[error("no target score defined")]
    Missing,
    /// `pass` is no number.
    #[error("could not parse pass target percentage")]
    Pass,
    /// `warning` is no number.
    #[error("could not parse warning target percentage")]
    Warning,
}

impl TargetsError {
    /// How to mend it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Missing => "write total_score: {pass: 90%}",
            Self::Pass => "write it like 90%",
            Self::Warning => "write it like 75%",
        }
    }
}

impl Targets {
    /// Reads the texts; empty ones are absent.
    ///
    /// # Errors
    /// There is no `pass`, or one of them is no number with at most one `%` behind it.
    pub fn parse(pass: &str, warning: &str) -> Result<Self, TargetsError> {
        let percent = |text: &str| parse_float(text.strip_suffix('%').unwrap_or(text)).ok();
        if pass.is_empty() {
            return Err(TargetsError::Missing);
        }
        let pass = percent(pass).ok_or(TargetsError::Pass)?;
        let warning = match warning {
            "" => None,
            text => Some(percent(text).ok_or(TargetsError::Warning)?),
        };
        Ok(Self { pass, warning })
    }
}

/// The sums over all objectives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Points {
    /// What can be had.
    pub(super) maximum: f64,
    /// What was had.
    pub(super) achieved: f64,
}

/// A key objective that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFailure {
    /// Its `displayName`, which may be empty.
    pub(super) name: String,
    /// Why.
    pub(super) reason: String,
}

/// What the total says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Total {
    pub(super) result: TaskResult,
    pub(super) score: f64,
    /// None where it passes.
    pub(super) message: Option<String>,
}

/// Keptn 1.4: nothing to be had passes, even where a key objective failed; else a key objective that
/// failed fails everything, and never warns.
pub(super) fn total(targets: Targets, points: Points, key: Option<&KeyFailure>) -> Total {
    if points.maximum == 0.0 {
        return Total { result: TaskResult::Pass, score: 100.0, message: None };
    }
    // In this order: it decides the last bit.
    let score = 100.0 * (points.achieved / points.maximum);
    let (result, message) = match (key, targets.warning) {
        (None, _) if score >= targets.pass => (TaskResult::Pass, None),
        (None, Some(warning)) if score >= warning => {
            let text = format!(
                "Evaluation returned a warning: the calculated score of {} is close to the warning \
                 target value of {}",
                float_text(score),
                float_text(warning)
            );
            (TaskResult::Warning, Some(text))
        }
        (None, Some(warning)) => {
            (TaskResult::Fail, Some(below(score, "the warning value", warning)))
        }
        (Some(KeyFailure { name, reason }), _) => {
            let text = format!("Evaluation failed due to key_sli objective '{name}': {reason}");
            (TaskResult::Fail, Some(text))
        }
        (None, None) => (TaskResult::Fail, Some(below(score, "the target value", targets.pass))),
    };
    Total { result, score, message }
}

fn below(score: f64, what: &str, target: f64) -> String {
    format!(
        "Evaluation failed since the calculated score of {} is below {what} of {}",
        float_text(score),
        float_text(target)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_percent_sign_is_taken_away() {
        for (text, percent) in
            [("90%", 90.0), ("90", 90.0), ("1e2", 100.0), ("+75%", 75.0), ("-1%", -1.0)]
        {
            assert_eq!(Targets::parse(text, ""), Ok(Targets { pass: percent, warning: None }));
        }
        for text in ["%", "90%%", "90 %", " 90", "7 5", "75,5%", "0x4B", "ninety"] {
            assert_eq!(Targets::parse(text, "bad"), Err(TargetsError::Pass), "{text}");
            assert_eq!(Targets::parse("90", text), Err(TargetsError::Warning), "{text}");
        }
        assert_eq!(Targets::parse("", "90"), Err(TargetsError::Missing));
    }

    fn judged(pass: f64, warning: Option<f64>, achieved: f64) -> (TaskResult, String) {
        let points = Points { maximum: 3.0, achieved };
        let total = total(Targets { pass, warning }, points, None);
        (total.result, total.message.unwrap_or_default())
    }

    #[test]
    fn nothing_is_rounded() {
        assert_eq!(judged(66.67, None, 2.0).0, TaskResult::Fail);
        assert_eq!(judged(66.666_666_666_666_67, None, 2.0).0, TaskResult::Fail);
        assert_eq!(judged(66.666_666_666_666_66, None, 2.0).0, TaskResult::Pass);
    }

    #[test]
    fn a_target_that_nothing_reaches_is_told_as_go_writes_it() {
        let says = |pass, warning| judged(pass, warning, 3.0).1;
        assert!(says(f64::INFINITY, None).ends_with("the target value of +Inf"));
        assert!(says(f64::NAN, None).ends_with("the target value of NaN"));
        assert!(says(1e6, Some(2e6)).ends_with("below the warning value of 2e+06"));
    }

    #[test]
    fn a_key_objective_that_failed_never_warns_but_nothing_to_be_had_passes() {
        let key = KeyFailure { name: String::new(), reason: "why".into() };
        let targets = Targets { pass: 0.0, warning: Some(0.0) };
        let judged = |maximum| total(targets, Points { maximum, achieved: 1.0 }, Some(&key)).result;
        assert_eq!(judged(1.0), TaskResult::Fail);
        assert_eq!(judged(0.0), TaskResult::Pass);
    }
}
