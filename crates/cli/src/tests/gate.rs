//! The commands that judge files: no server is asked.

use std::path::PathBuf;

use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Cli;
use crate::exit::{Exit, Judged};
use crate::failure::Failure;
use crate::look::Look;
use crate::screen::Screen;
use crate::{Code, commands};

const SLO: &str = "\
spec_version: '1.0'
comparison: {compare_with: single_result, include_result_with_score: pass, aggregate_function: avg}
objectives:
  - sli: response_time_p95
    displayName: Response time
    key_sli: true
    pass: [{criteria: ['<=+10%', '<600']}]
    warning: [{criteria: ['<=800']}]
  - sli: error_rate
    pass: [{criteria: ['<=1']}]
  - sli: throughput
total_score: {pass: 90%, warning: 75%}
";

/// A directory to work in.
struct Work(TempDir);

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

impl Work {
    fn new() -> Self {
        let work = Self(tempfile::tempdir().unwrap());
        work.write("slo.yaml", SLO);
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs a command line, in which `@` stands before what is a file here.
    fn run(&self, line: &[&str]) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = self.run_on(line, &mut Screen::new(&mut out, &mut err, Look::default()));
        let here = format!("{}/", self.0.path().display());
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&here, "");
        Ran { exit, out: text(out), err: text(err) }
    }

    fn run_on(&self, line: &[&str], screen: &mut Screen<'_>) -> Exit {
        let word = |word: &&str| match word.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => (*word).to_owned(),
        };
        let words = std::iter::once("tidegate".to_owned()).chain(line.iter().map(word));
        let command = Cli::try_parse_from(words).unwrap().command;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(commands::run(command, || unreachable!("no pages"), screen))
    }

    /// Judges these results, after these evaluations.
    fn evaluate(&self, results: &Value, more: &[&str]) -> Ran {
        self.write("results.json", &results.to_string());
        let line = ["gate", "evaluate", "@slo.yaml", "--results", "@results.json"];
        self.run(&[&line, more].concat())
    }
}

fn results(response_time: f64, error_rate: f64) -> Value {
    json!({"response_time_p95": response_time, "error_rate": error_rate, "throughput": 20})
}

#[test]
fn each_verdict_has_its_exit_code_and_every_objective_says_why() {
    let work = Work::new();
    let ran = work.evaluate(&results(212.5, 0.5), &[]);
    assert_eq!((ran.exit, ran.err.as_str()), (Exit::Judged(Judged::Good), ""));
    assert_eq!(
        ran.out,
        "\
pass: score 100 (90 passes, 75 warns)
OBJECTIVE            RESULT  VALUE  POINTS  CRITERIA                       WHY
Response time (key)  pass    212.5  1 of 1  <=+10% and <600; warns: <=800  meets <=+10% (nothing to compare with), <600
error_rate           pass    0.5    1 of 1  <=1                            meets <=1
throughput           info    20     -       -                              it only informs
"
    );
    let ran = work.evaluate(&results(700.0, 0.5), &[]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Warning));
    assert!(ran.out.starts_with("warning: score 75 (90 passes, 75 warns)\n"), "{}", ran.out);
    assert!(ran.out.contains("misses <600; meets <=800"), "{}", ran.out);
    let ran = work.evaluate(&results(900.0, 0.5), &[]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Bad));
    assert!(ran.out.contains("key_sli objective 'Response time'"), "{}", ran.out);
    assert!(ran.out.contains("misses <600; misses <=800"), "{}", ran.out);
}

#[test]
fn results_may_stand_in_any_of_the_forms_that_people_have_them_in() {
    let work = Work::new();
    let list = json!([
        {"metric": "response_time_p95", "value": 212.5, "success": true},
        {"metric": "error_rate", "value": 0.5, "success": true},
        {"metric": "throughput", "value": 20, "success": true},
    ]);
    let data = json!({"project": "shop", "stage": "qa", "service": "carts", "labels": {"build": "7"},
        "status": "succeeded", "result": "pass", "get-sli": {"indicatorValues": list}});
    let plain = work.evaluate(&results(212.5, 0.5), &["-o", "json"]).out;
    for form in [&list, &json!({"sliResults": list}), &json!({"indicatorValues": list})] {
        assert_eq!(work.evaluate(form, &["-o", "json"]).out, plain, "{form}");
    }
    let event = json!({"type": "sh.keptn.event.get-sli.finished", "data": data});
    for form in [&data, &event] {
        let ran = work.evaluate(form, &["-o", "json"]);
        let said: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(said["labels"], json!({"build": "7"}));
        assert_eq!(said["project"], "shop");
        assert_eq!(said["evaluation"]["score"], 100);
    }
    let mut failed = data;
    failed["result"] = json!("fail");
    failed["message"] = json!("the database is away");
    let ran = work.evaluate(&failed, &[]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Bad));
    assert!(ran.out.contains("SLI failed with message the database is away"), "{}", ran.out);
}

#[test]
fn what_is_not_said_to_be_measured_is_not() {
    let work = Work::new();
    let ran = work.evaluate(&json!([{"metric": "error_rate", "value": 0}]), &[]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Bad));
    assert!(ran.out.contains("no value: its success is not true"), "{}", ran.out);
    assert!(ran.out.contains("no value: no value received from SLI provider"), "{}", ran.out);
    assert!(ran.out.contains("no value; it only informs"), "{}", ran.out);
}

#[test]
fn what_was_measured_before_is_compared_with_in_whatever_form_it_is_kept() {
    let work = Work::new();
    let before = work.evaluate(&results(100.0, 0.5), &["-o", "json"]).out;
    let data: Value = serde_json::from_str(&before).unwrap();
    let stored = json!([{"metric": "response_time_p95", "value": 100, "success": true}]);
    let flat = json!({"id": "x", "result": "pass", "score": 100, "indicatorResults": stored});
    for form in [
        data.clone(),
        json!([data]),
        json!({"events": [{"id": "x", "data": data}]}),
        json!({"previous": [flat]}),
        json!([{"id": "y", "result": "fail", "indicatorResults": []}, flat]),
        json!([{"id": "y", "result": "pass", "invalidated": true}, flat]),
    ] {
        work.write("previous.json", &form.to_string());
        let ran = work.evaluate(&results(111.0, 0.5), &["--previous", "@previous.json"]);
        assert_eq!(ran.exit, Exit::Judged(Judged::Warning), "{form}: {}", ran.err);
        assert!(ran.out.contains("misses <=+10% (110); meets <=800"), "{form}: {}", ran.out);
    }
}

#[test]
fn what_cannot_be_judged_ends_with_64_and_says_where_and_how_to_mend_it() {
    let work = Work::new();
    let good = results(212.5, 0.5);
    work.write("none.yaml", "");
    work.write("broken.yaml", "objectives:\n  - sli: [a]\n");
    work.write("no-total.yaml", "objectives:\n  - {sli: error_rate, pass: [{criteria: ['<1']}]}\n");
    work.write("good.json", &good.to_string());
    work.write("text.json", "error_rate: 1");
    work.write("words.json", "{\"error_rate\": \"low\"}");
    work.write("odd.json", "[{\"metric\": \"error_rate\", \"value\": \"low\"}]");
    work.write("past.json", "[{\"id\": \"1\", \"indicatorResults\": 5}]");
    let evaluate = |slo: &str, results: &str, more: &[&str]| {
        let line = ["gate", "evaluate", slo, "--results", results];
        work.run(&[&line, more].concat())
    };
    for (ran, says) in [
        (evaluate("@none.yaml", "@good.json", &[]), "none.yaml: the file is empty"),
        (evaluate("@broken.yaml", "@good.json", &[]), "broken.yaml:2:10: sli must be"),
        (evaluate("@no-total.yaml", "@good.json", &[]), "no verdict: no target score defined"),
        (evaluate("@away.yaml", "@good.json", &[]), "cannot read away.yaml: "),
        (evaluate("@slo.yaml", "@text.json", &[]), "text.json: not JSON: expected"),
        (evaluate("@slo.yaml", "@words.json", &[]), "words.json: this holds no results; write [{"),
        (
            evaluate("@slo.yaml", "@odd.json", &[]),
            "odd.json: a result cannot be read: invalid type",
        ),
        (
            evaluate("@slo.yaml", "@good.json", &["--previous", "@past.json"]),
            "past.json: evaluation 1: invalid type",
        ),
        (evaluate("-", "-", &[]), "only one file can be -"),
    ] {
        assert_eq!(ran.exit, Exit::Judged(Judged::Unusable), "{says}: {}", ran.out);
        assert!(ran.err.contains(says), "{says} in {}", ran.err);
        assert_eq!(ran.out, "", "{says}");
    }
}

#[test]
fn what_the_file_does_otherwise_than_it_reads_is_told_beside_the_verdict() {
    let work = Work::new();
    work.write("slo.yaml", &SLO.replace("key_sli", "key-sli"));
    let ran = work.evaluate(&results(212.5, 0.5), &[]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Good));
    assert!(ran.err.starts_with("slo.yaml:6:5: unknown key `key-sli`"), "{}", ran.err);
}

/// A pipe whose reader has gone.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_verdict_that_nobody_reads_is_still_one() {
    let work = Work::new();
    work.write("results.json", &results(900.0, 0.5).to_string());
    for output in ["table", "json"] {
        let line =
            ["gate", "evaluate", "@slo.yaml", "--results", "@results.json", "--output", output];
        let exit =
            work.run_on(&line, &mut Screen::new(&mut Closed, &mut Vec::new(), Look::default()));
        assert_eq!(exit, Exit::Judged(Judged::Bad), "{output}");
    }
}

#[test]
fn a_server_that_is_the_reason_has_the_codes_of_every_command() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut screen = Screen::new(&mut out, &mut err, Look::default());
    let exit = Exit::judged(Err(Failure::NoToken), &mut screen);
    assert_eq!(exit, Exit::Done(Code::Unauthorized));
}

#[test]
fn what_is_to_be_mended_in_a_file_is_told_with_its_place() {
    let work = Work::new();
    let ran = work.run(&["slo", "check", "@slo.yaml"]);
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Judged(Judged::Good), SAYS_NOTHING));
    work.write("odd.yaml", &SLO.replace("key_sli", "key-sli"));
    work.write("broken.yaml", "objectives:\n  - sli: [a]\n");
    work.write("empty.yaml", "");
    let ran = work.run(&["slo", "check", "@odd.yaml", "@slo.yaml", "@broken.yaml", "@empty.yaml"]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Bad));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("odd.yaml:6:5: warning: unknown key `key-sli`; did you mean"));
    assert_eq!(lines[1], SAYS_NOTHING.trim_end());
    assert!(lines[2].starts_with("broken.yaml:2:10: error: sli must be"), "{lines:?}");
    assert!(lines[3].starts_with("empty.yaml:1:1: warning: an empty file"), "{lines:?}");
    let ran = work.run(&["slo", "check", "@slo.yaml", "@broken.yaml", "-o", "json"]);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said[0]["findings"], json!([]));
    let finding = &said[1]["findings"][0];
    assert_eq!(
        (&finding["line"], &finding["column"], &finding["severity"]),
        (&json!(2), &json!(10), &json!("error"))
    );
    let ran = work.run(&["slo", "check", "@slo.yaml", "@away.yaml"]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Unusable), "{}", ran.out);
    assert_eq!(ran.out, "", "what is said is said of all");
}

const SAYS_NOTHING: &str = "slo.yaml: nothing to mend\n";

#[test]
fn recorded_cases_are_counted_and_what_differs_is_told() {
    let work = Work::new();
    let case = json!({"name": "kind: one", "slo": "objectives: []\ntotal_score: {pass: 90%}\n",
        "sliResults": [], "previous": [], "expected": {"status": "succeeded", "result": "fail",
        "evaluationResult": "fail", "score": 5, "comparedEvents": [], "indicatorResults": null,
        "message": "lighthouse failed because no SLO objective was provided"}});
    work.write("cases.json", &json!([case, case]).to_string());
    let ran = work.run(&["gate", "vectors", "@cases.json"]);
    assert_eq!(ran.exit, Exit::Judged(Judged::Bad));
    let line = "kind: one: score is 0.0, and must be 5\n";
    assert_eq!(ran.out, format!("{line}{line}0 passed, 2 failed\n"));
    let said: Value =
        serde_json::from_str(&work.run(&["gate", "vectors", "@cases.json", "-o", "json"]).out)
            .unwrap();
    assert_eq!((&said["passed"], &said["failed"]), (&json!(0), &json!(2)));
    assert_eq!(
        said["differences"][0],
        json!({"case": "kind: one", "path": "score", "expected": 5, "found": 0.0})
    );
    for (text, says) in [
        ("[]", "there is no case in it"),
        ("{}", "not a list of cases"),
        ("[{\"name\": \"x\"}]", "missing field `slo`"),
    ] {
        work.write("cases.json", text);
        let ran = work.run(&["gate", "vectors", "@cases.json"]);
        assert_eq!(ran.exit, Exit::Judged(Judged::Unusable), "{text}");
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{text}: {}", ran.err);
    }
}
