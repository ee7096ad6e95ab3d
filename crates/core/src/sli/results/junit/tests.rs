use super::*;

const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="99" failures="0">
  <testsuite name="outer" tests="99" errors="">
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
        ("failures", 2.0),
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
fn what_went_wrong_outside_of_the_test_cases_counts() {
    for (text, errors, failures) in [
        ("<testsuite errors='3' failures='2'><testcase/><error/></testsuite>", 3.0, 2.0),
        ("<testsuite><testcase/><error/><failure/></testsuite>", 1.0, 1.0),
        ("<testsuite errors='1'><testcase><error/></testcase><error/></testsuite>", 2.0, 0.0),
        // Sums of suites that are in it, or not.
        (
            "<testsuites errors='3'><testsuite errors='2'><testcase/></testsuite><testsuite errors='1'>\
             <testcase/></testsuite></testsuites>",
            3.0,
            0.0,
        ),
        (
            "<testsuites errors='1'><testsuite errors='2'><testcase/></testsuite></testsuites>",
            2.0,
            0.0,
        ),
        // Too little is said everywhere.
        ("<testsuite errors='0'><testcase><error/></testcase></testsuite>", 1.0, 0.0),
        // A property is no error, and the output of a test neither.
        ("<testsuite><properties><error/></properties><testcase/></testsuite>", 0.0, 0.0),
    ] {
        assert_eq!(
            (at("errors", text), at("failures", text)),
            (Ok(errors), Ok(failures)),
            "{text}"
        );
        let rate = at("pass_rate", text);
        let of_cases = text.contains("<testcase><error/></testcase></testsuite>")
            || text.contains("<properties>");
        assert_eq!(rate.is_ok(), of_cases, "{text}: {rate:?}");
    }
    let error = at("pass_rate", "<testsuite errors='3'><testcase/></testsuite>").unwrap_err();
    let says = "r.xml: the suites have 3 errors and 0 failures and the test cases in them 0 and 0: something";
    assert!(error.starts_with(says), "{error}");
}

#[test]
fn earlier_runs_of_a_test_that_a_suite_counts_as_well_are_not_counted() {
    // As Maven writes a test that failed twice and passed then, and one that never passed.
    let passed = "<testsuite tests='3' failures='1' errors='1'><testcase><flakyFailure/><flakyError/></testcase>\
                  </testsuite>";
    assert_eq!((at("failures", passed), at("errors", passed)), (Ok(0.0), Ok(0.0)));
    assert_eq!(at("pass_rate", passed), Ok(1.0));
    let failed = "<testsuite failures='3'><testcase><failure/><rerunFailure/><rerunFailure/></testcase></testsuite>";
    assert_eq!(at("failures", failed), Ok(1.0));
    assert_eq!(at("failures", &failed.replace('3', "4")), Ok(4.0), "one more than ran");
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
            "<testsuites>\n<testsuite errors='some'>\n<testcase/></testsuite></testsuites>",
            "r.xml:2: errors: \"some\" is no number of errors",
        ),
        ("<testsuite>\n<testcase time='1s'/></testsuite>", "r.xml:2: time: \"1s\" is no number"),
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
