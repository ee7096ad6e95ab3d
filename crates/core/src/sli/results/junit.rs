//! A report in JUnit's XML, as most test runners write it. Selectors:
//!
//! - `tests`, `failures`, `errors`, `skipped`: how many test cases there are, failed, broke, were left out;
//! - `time`: how long the test cases took together, in seconds;
//! - `pass_rate`: the share of those not left out that passed, from 0 to 1.
//!
//! Counted are the test cases themselves, in suites within suites too. Of a case that failed, and then passed
//! when it was run again, the last run counts, as the runners write it. Only `tests` has a value where there is
//! no test case at all.
//!
//! What went wrong outside of a test case is counted as well, or it would pass: an `<error>` or `<failure>` in a
//! suite itself, and what the attributes `errors` and `failures` of a suite say beyond what is in it. gotestsum
//! writes what could not be built there alone. Maven counts earlier runs of a test in them too, so as many as
//! there are of those are not believed. There is no pass rate where it would be of the cases alone.

mod suite;
#[cfg(test)]
mod tests;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use self::suite::{Suite, Wrong};
use super::problem::{Problem, line_at, number};
use crate::excerpt::excerpt;

/// Which number of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Tests,
    Failures,
    Errors,
    Skipped,
    Time,
    PassRate,
}

impl Count {
    /// Reads a selector.
    pub(super) fn parse(selector: &str) -> Result<Self, String> {
        Ok(match selector {
            "tests" => Self::Tests,
            "failures" => Self::Failures,
            "errors" => Self::Errors,
            "skipped" => Self::Skipped,
            "time" => Self::Time,
            "pass_rate" => Self::PassRate,
            _ => {
                return Err(format!(
                    "{selector:?} is none of tests, failures, errors, skipped, time, pass_rate"
                ));
            }
        })
    }
}

pub(super) fn read(count: Count, bytes: &[u8]) -> Result<f64, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = line_at(bytes, error.valid_up_to());
        Problem::at(line, "the report is not UTF-8; write it in UTF-8")
    })?;
    let mut walk = Walk::default();
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event().map_err(|error| {
            let line = line_at(bytes, position(reader.error_position()));
            Problem::at(line, format!("the report is no XML: {error}"))
        })?;
        let over = matches!(event, Event::Eof);
        walk.step(&event).map_err(|reason| {
            Problem::at(line_at(bytes, position(reader.buffer_position())), reason)
        })?;
        if over {
            return walk.tally.value(count).map_err(Problem::new);
        }
    }
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The way through a report.
#[derive(Default)]
struct Walk {
    tally: Tally,
    /// Elements that are open.
    depth: usize,
    /// There was a root.
    begun: bool,
    /// The suites that are open.
    suites: Vec<Suite>,
    /// The test case that is open.
    case: Option<Case>,
}

struct Case {
    /// How many elements are open around what stands directly in it.
    depth: usize,
    marks: Marks,
}

/// What stands in a test case. Some runners write two of them.
#[derive(Default)]
struct Marks {
    failed: bool,
    broke: bool,
    skipped: bool,
}

#[derive(Default)]
struct Tally {
    tests: usize,
    skipped: usize,
    /// Test cases that failed, broke or both.
    bad: usize,
    /// What went wrong in test cases.
    in_cases: Wrong,
    /// What went wrong at all.
    wrong: Wrong,
    /// Seconds; none where no case says how long it took.
    time: Option<f64>,
}

impl Walk {
    fn step(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => {
                self.open(element)?;
                self.depth += 1;
                Ok(())
            }
            Event::Empty(element) => {
                self.open(element)?;
                self.close();
                Ok(())
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.close();
                Ok(())
            }
            Event::Eof if self.depth > 0 => {
                Err("the report ends in the middle; did the job come to its end?".to_owned())
            }
            Event::Eof if !self.begun => Err("there is no element; this is no report".to_owned()),
            // Nothing of a report needs one, and what it declares can grow without end.
            Event::DocType(_) => Err("the report has a DOCTYPE; write it without".to_owned()),
            _ => Ok(()),
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = element.local_name();
        let name: &str = name.as_ref();
        let is_suite = matches!(name, "testsuites" | "testsuite");
        if self.depth == 0 {
            self.begun = true;
            if !is_suite {
                return Err(format!(
                    "the report begins with <{}>, one of JUnit with <testsuites> or <testsuite>",
                    excerpt(name, 64)
                ));
            }
        }
        let (depth, suite) = (self.depth, self.suites.last_mut());
        match (&mut self.case, name) {
            (Some(case), _) if case.depth != depth => {}
            (Some(case), "skipped") => case.marks.skipped = true,
            (Some(case), "failure") => case.marks.failed = true,
            (Some(case), "error") => case.marks.broke = true,
            (Some(_), _) => {
                if let Some(suite) = suite {
                    suite.ran_before(name);
                }
            }
            (None, "testcase") => {
                self.case = Some(Case { depth: depth + 1, marks: Marks::default() });
                self.tally.add_time(element)?;
            }
            (None, _) if is_suite => self.suites.push(Suite::open(depth + 1, element)?),
            (None, _) => {
                if let Some(suite) = suite {
                    suite.holds(depth, name);
                }
            }
        }
        Ok(())
    }

    /// An element has ended; `depth` is what is open around it.
    fn close(&mut self) {
        let inside = self.depth + 1;
        if let Some(case) = self.case.take_if(|case| case.depth == inside) {
            let wrong = self.tally.add(&case.marks);
            if let Some(suite) = self.suites.last_mut() {
                suite.add(wrong);
            }
        }
        if let Some(suite) = self.suites.pop_if(|suite| suite.depth() == inside) {
            match self.suites.last_mut() {
                Some(outer) => outer.add_suite(&suite),
                None => self.tally.wrong = suite.wrong(),
            }
        }
    }
}

impl Tally {
    /// Counts a test case, and says what of it went wrong.
    fn add(&mut self, marks: &Marks) -> Wrong {
        self.tests += 1;
        let wrong = Wrong { failures: usize::from(marks.failed), errors: usize::from(marks.broke) };
        if wrong != Wrong::default() {
            self.bad += 1;
        } else if marks.skipped {
            self.skipped += 1;
        }
        self.in_cases.add(wrong);
        wrong
    }

    fn add_time(&mut self, case: &BytesStart<'_>) -> Result<(), String> {
        let time =
            case.try_get_attribute("time").map_err(|error| format!("in a test case: {error}"))?;
        let Some(time) = time else { return Ok(()) };
        // Some runners write a thousand seconds as `1,000.0`.
        let seconds = number(&time.value.replace(',', "")).map_err(|e| format!("time: {e}"))?;
        self.time = Some(self.time.unwrap_or(0.0) + seconds);
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "a file has fewer test cases than 2^53")]
    fn value(&self, count: Count) -> Result<f64, String> {
        let number = |count: usize| count as f64;
        if count == Count::Tests {
            return Ok(number(self.tests));
        }
        if self.tests == 0 {
            return Err("there is no test case in the report; did the tests run at all?".to_owned());
        }
        match count {
            Count::Tests => Ok(number(self.tests)),
            Count::Failures => Ok(number(self.wrong.failures)),
            Count::Errors => Ok(number(self.wrong.errors)),
            Count::Skipped => Ok(number(self.skipped)),
            Count::Time => {
                self.time.ok_or_else(|| "no test case has the attribute time".to_owned())
            }
            Count::PassRate => self.pass_rate(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a file has fewer test cases than 2^53")]
    fn pass_rate(&self) -> Result<f64, String> {
        let (all, cases) = (self.wrong, self.in_cases);
        if all != cases {
            return Err(format!(
                "the suites have {} errors and {} failures and the test cases in them {} and {}: something broke \
                 outside of the tests, so there is no pass rate",
                all.errors, all.failures, cases.errors, cases.failures
            ));
        }
        let ran = self.tests - self.skipped;
        if ran == 0 {
            return Err("every test case was skipped, so there is no pass rate".to_owned());
        }
        Ok((ran - self.bad) as f64 / ran as f64)
    }
}
