//! What a step came to.

use std::fmt;
use std::ops::AddAssign;

/// How many checks passed, failed and were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// A step's count, and what to say about it in the summary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Names of failed checks, reasons for skipped ones.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// One check: passed if there are no problems.
    pub(crate) fn of_problems(problems: Vec<String>) -> Self {
        let failed = u64::from(!problems.is_empty());
        Self { tally: Tally { passed: 1 - failed, failed, skipped: 0 }, notes: problems }
    }

    /// So many checks that passed, and one that did not.
    pub(crate) fn counted(passed: u64, failure: Option<String>) -> Self {
        let failed = u64::from(failure.is_some());
        let tally = Tally { passed, failed, skipped: 0 };
        Self { tally, notes: failure.into_iter().collect() }
    }

    /// One check that was not made.
    pub(crate) fn skipped(why: &str) -> Self {
        Self { tally: Tally { skipped: 1, ..Tally::default() }, notes: vec![why.to_owned()] }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_checks_are_named_only_if_there_are_any() {
        let mut tally = Tally { passed: 12, failed: 1, skipped: 0 };
        assert_eq!(tally.to_string(), "12 passed, 1 failed");
        tally += Outcome::skipped("no network").tally;
        assert_eq!(tally.to_string(), "12 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn several_problems_of_one_check_are_one_failure() {
        let outcome = Outcome::of_problems(vec!["a".into(), "b".into()]);
        assert_eq!(outcome.tally, Tally { passed: 0, failed: 1, skipped: 0 });
        assert_eq!(Outcome::of_problems(vec![]).tally.passed, 1);
    }
}
