//! Counts read from what test runners print.

use super::outcome::{Outcome, Tally};

/// What a runner's lines have said so far.
#[derive(Debug, Default)]
pub(crate) struct Results {
    tally: Tally,
    failed: Vec<String>,
}

impl Results {
    /// A line of libtest: sums its `test result:` lines, of which every test binary prints one, and
    /// remembers the names of the tests that failed.
    pub(crate) fn read_libtest(&mut self, line: &str) {
        if let Some((_, counts)) = line.split_once("test result: ") {
            self.tally += Tally {
                passed: count_before(counts, " passed"),
                failed: count_before(counts, " failed"),
                skipped: count_before(counts, " ignored"),
            };
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failed.push(name.to_owned());
        }
    }

    /// A line of the browser checks: `ok NAME (ms)` or `not ok NAME (ms)`.
    pub(crate) fn read_browser(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("not ok ") {
            self.tally.failed += 1;
            self.failed.push(name.to_owned());
        } else if line.starts_with("ok ") {
            self.tally.passed += 1;
        }
    }

    /// The verdict. A runner that failed without a failed test (it did not compile, or a test ended
    /// the process) is a failure of its own.
    pub(crate) fn judge(self, succeeded: bool, status: &str) -> Outcome {
        let Self { mut tally, failed: mut notes } = self;
        if !succeeded && tally.failed == 0 {
            tally.failed = 1;
            notes.push(format!("the runner ended with {status}, without a failed test"));
        }
        Outcome { tally, notes }
    }
}

/// The number just before `word`, 0 if there is none.
fn count_before(counts: &str, word: &str) -> u64 {
    counts
        .split_once(word)
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn the_result_lines_of_all_test_binaries_are_summed() {
        let mut results = Results::default();
        for line in [
            "running 3 tests",
            "test names::a_name_is_checked ... ok",
            "test names::another ... FAILED",
            "test slow ... ignored, needs a cluster",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.21s",
        ] {
            results.read_libtest(line);
        }
        let outcome = results.judge(false, "exit status: 101");
        assert_eq!(outcome.tally, tally(21, 1, 1));
        assert_eq!(outcome.notes, ["names::another"]);
    }

    #[test]
    fn a_coloured_result_line_counts_as_well() {
        let mut results = Results::default();
        results.read_libtest(
            "test result: \u{1b}[32mok\u{1b}[m. 7 passed; 0 failed; 2 ignored; 0 measured",
        );
        assert_eq!(results.judge(true, "exit status: 0").tally, tally(7, 0, 2));
    }

    #[test]
    fn a_runner_that_failed_without_a_failed_test_is_a_failure() {
        let mut results = Results::default();
        results.read_libtest("test result: ok. 3 passed; 0 failed; 0 ignored");
        let outcome = results.judge(false, "signal: 9 (SIGKILL)");
        assert_eq!(outcome.tally, tally(3, 1, 0));
        assert!(outcome.notes[0].contains("SIGKILL"), "{:?}", outcome.notes);
    }

    #[test]
    fn browser_lines_are_counted_by_their_first_words() {
        let mut results = Results::default();
        for line in
            ["ok inbox: reads (12 ms)", "not ok inbox: approves (9 ms)", "  ok in a message"]
        {
            results.read_browser(line);
        }
        let outcome = results.judge(false, "exit status: 1");
        assert_eq!(outcome.tally, tally(1, 1, 0));
        assert_eq!(outcome.notes, ["inbox: approves (9 ms)"]);
    }
}
