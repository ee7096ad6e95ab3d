//! The steps of a run, as they come and as a table at the end.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::outcome::{Outcome, Tally};

/// Every step so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

impl Report {
    /// Runs one step and records it; `true` if nothing in it failed. An error is a failed check.
    pub(crate) fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<Outcome>,
    ) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome =
            work().unwrap_or_else(|error| Outcome::of_problems(vec![format!("{error:#}")]));
        let step = Step { name, outcome, took: start.elapsed() };
        println!("{step}");
        let good = step.outcome.tally.failed == 0;
        self.steps.push(step);
        good
    }

    /// The sum over all steps.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        for step in &self.steps {
            total += step.outcome.tally;
        }
        total
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n== summary")?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.outcome.tally.to_string();
        write!(f, "{:<20} {tally:<36} {:>7.1} s", self.name, self.took.as_secs_f64())?;
        self.outcome.notes.iter().try_for_each(|note| write!(f, "\n    {note}"))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_step_that_cannot_run_counts_as_failed_and_says_why() {
        let mut report = Report::default();
        assert!(report.step("build", || Ok(Outcome::of_problems(vec![]))));
        assert!(!report.step("tests", || bail!("cannot start `cargo test`")));
        assert_eq!(report.total(), Tally { passed: 1, failed: 1, skipped: 0 });
        let table = report.to_string();
        assert!(table.contains("\n    cannot start `cargo test`\n"), "{table}");
    }

    #[test]
    fn a_skipped_step_does_not_count_as_failed() {
        let mut report = Report::default();
        assert!(report.step("cargo deny", || Ok(Outcome::skipped("not installed"))));
        assert_eq!(report.total(), Tally { passed: 0, failed: 0, skipped: 1 });
    }
}
