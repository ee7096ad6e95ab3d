//! A report in JUnit's XML, as most test runners write it. Selectors:
//!
//! - `tests`, `failures`, `errors`, `skipped`: how many test cases there are, failed, broke, were left out;
//! - `time`: how long the test cases took together, in seconds;
//! - `pass_rate`: the share of those not left out that passed, from 0 to 1.
//!
//! Counted are the test cases themselves, in suites within suites too: what the attributes of a suite say
//! differs from one runner to the next. Of a case that failed, and then passed when it was run again, the
//! last run counts, as the runners write it. Only `tests` has a value where there is no test case at all.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

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

/// The way through a report. There is no stack: depths are enough.
#[derive(Default)]
struct Walk {
    tally: Tally,
    /// Elements that are open.
    depth: usize,
    /// There was a root.
    begun: bool,
    /// The test case that is open.
    case: Option<Case>,
}

struct Case {
    /// How many elements are open around what stands directly in it.
    depth: usize,
    ending: Ending,
}

/// How a test case ended. The later one weighs more: some runners write two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Passed,
    Skipped,
    Failed,
    Broke,
}

#[derive(Default)]
struct Tally {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
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
        if self.depth == 0 {
            self.begun = true;
            if !matches!(name, "testsuites" | "testsuite") {
                return Err(format!(
                    "the report begins with <{}>, one of JUnit with <testsuites> or <testsuite>",
                    excerpt(name, 64)
                ));
            }
        }
        match &mut self.case {
            Some(case) if case.depth == self.depth => {
                let ending = match name {
                    "skipped" => Ending::Skipped,
                    "failure" => Ending::Failed,
                    "error" => Ending::Broke,
                    // Output, properties, earlier runs.
                    _ => Ending::Passed,
                };
                case.ending = case.ending.max(ending);
            }
            Some(_) => {}
            None if name == "testcase" => {
                self.case = Some(Case { depth: self.depth + 1, ending: Ending::Passed });
                self.tally.add_time(element)?;
            }
            None => {}
        }
        Ok(())
    }

    /// An element has ended; `depth` is what is open around it.
    fn close(&mut self) {
        if let Some(case) = self.case.take_if(|case| case.depth == self.depth + 1) {
            self.tally.add(case.ending);
        }
    }
}

impl Tally {
    fn add(&mut self, ending: Ending) {
        self.tests += 1;
        match ending {
            Ending::Passed => {}
            Ending::Skipped => self.skipped += 1,
            Ending::Failed => self.failures += 1,
            Ending::Broke => self.errors += 1,
        }
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
            Count::Failures => Ok(number(self.failures)),
            Count::Errors => Ok(number(self.errors)),
            Count::Skipped => Ok(number(self.skipped)),
            Count::Time => {
                self.time.ok_or_else(|| "no test case has the attribute time".to_owned())
            }
            Count::PassRate => {
                let ran = self.tests - self.skipped;
                if ran == 0 {
                    return Err("every test case was skipped, so there is no pass rate".to_owned());
                }
                Ok(number(ran - self.failures - self.errors) / number(ran))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="99" failures="99">
  <testsuite name="outer" tests="99" errors="7">
    <properties><property name="failure" value="x"/></properties>
    <testcase name="good" classname="a &amp; b" time="0.5"/>
    <testcase name="good too" time="1,000.25"><system-out><![CDATA[<failure/>]]></system-out></testcase>
    <testsuite name="inner">
      <testcase name="bad" time="0.25"><failure message="m">at <b>x</b> &lt; y</failure><system-err/></testcase>
      <testcase name="broken"><error/><failure/></testcase>
      <testcase name="left out"><skipped message="later"/></testcase>
      <testcase name="flaky"><flakyFailure><error/></flakyFailure></testcase>
    </testsuite>
    <system-out>text</system-out>
  </testsuite>
</testsuites>
"#;

    fn at(selector: &str, text: &str) -> Result<f64, String> {
        let count = Count::parse(selector).unwrap();
        read(count, text.as_bytes()).map_err(|problem| problem.of("r.xml").to_string())
    }

    #[test]
    fn test_cases_are_counted_in_suites_within_suites() {
        for (selector, number) in [
            ("tests", 6.0),
            ("failures", 1.0),
            ("errors", 1.0),
            ("skipped", 1.0),
            ("time", 1001.0),
            ("pass_rate", 0.6),
        ] {
            assert_eq!(at(selector, REPORT), Ok(number), "{selector}");
        }
    }

    #[test]
    fn a_single_suite_may_be_the_root() {
        let text = "<testsuite><testcase/><testcase><failure/></testcase></testsuite>";
        assert_eq!(at("failures", text), Ok(1.0));
        let text = "<j:testsuites xmlns:j='x'><j:testcase><j:error/></j:testcase></j:testsuites>";
        assert_eq!(at("errors", text), Ok(1.0));
    }

    #[test]
    fn a_report_without_a_test_proves_nothing() {
        for text in ["<testsuites/>", "<testsuite tests='5' failures='0'></testsuite>"] {
            assert_eq!(at("tests", text), Ok(0.0));
            for selector in ["failures", "errors", "skipped", "time", "pass_rate"] {
                let error = at(selector, text).unwrap_err();
                assert_eq!(
                    error,
                    "r.xml: there is no test case in the report; did the tests run at all?"
                );
            }
        }
        let skipped = "<testsuite><testcase><skipped/></testcase></testsuite>";
        assert_eq!(at("failures", skipped), Ok(0.0));
        let says = "r.xml: every test case was skipped, so there is no pass rate";
        assert_eq!(at("pass_rate", skipped), Err(says.to_owned()));
        let says = "r.xml: no test case has the attribute time";
        assert_eq!(at("time", skipped), Err(says.to_owned()));
    }

    #[test]
    fn what_is_no_report_is_said_with_its_line() {
        for (text, says) in [
            (
                "<html><body/></html>",
                "r.xml:1: the report begins with <html>, one of JUnit with <tests",
            ),
            ("plain text", "r.xml:1: there is no element; this is no report"),
            (
                "<testsuite>\n<testcase>\n",
                "r.xml:3: the report ends in the middle; did the job come to",
            ),
            ("<testsuite>\n<testcase></testsuite>", "r.xml:2: the report is no XML: "),
            ("<testsuite>\n<testcase", "r.xml:2: the report is no XML: "),
            ("</testsuite>", "r.xml:1: the report is no XML: "),
            (
                "<testsuite>\n<testcase time='1s'/></testsuite>",
                "r.xml:2: time: \"1s\" is no number",
            ),
            ("<testsuite>\n<testcase time='1/></testsuite>", "r.xml:2: "),
            (
                "<!DOCTYPE a [<!ENTITY b 'c'>]>\n<testsuite/>",
                "r.xml:1: the report has a DOCTYPE; write",
            ),
        ] {
            let error = at("tests", text).unwrap_err();
            assert!(error.starts_with(says), "{text:?}: {error}");
        }
        let problem = read(Count::Tests, b"<testsuite>\n\xff</testsuite>").unwrap_err();
        assert_eq!(problem, Problem::at(2, "the report is not UTF-8; write it in UTF-8"));
    }

    #[test]
    fn a_report_of_a_hundred_thousand_levels_is_only_deep() {
        let deep = |name: &str| format!("<{name}>").repeat(100_000);
        let text = format!("{}<testcase/>{}", deep("testsuite"), "</testsuite>".repeat(100_000));
        assert_eq!(at("tests", &text), Ok(1.0));
    }

    #[test]
    fn other_selectors_are_refused_with_those_there_are() {
        let says = "\"passed\" is none of tests, failures, errors, skipped, time, pass_rate";
        assert_eq!(Count::parse("passed"), Err(says.to_owned()));
    }
}
