//! Quality gates without a server: what a pipeline starts, and what it hears.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::scene::{Ran, Scene};

/// Recorded evaluations.
const RECORDED: &str = "../../tests/vectors/quality-gate.json";

/// An `slo.yaml` that nothing is to be said about.
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
total_score: {pass: 90%, warning: 75%}
";

/// The files that the examples name.
pub(crate) fn prepare(scene: &Scene) {
    write(scene.directory());
}

/// The same, and a history of evaluations, of which every fifth was slow. The file says nothing of the
/// throughput that was measured.
pub(crate) fn prepare_history(scene: &Scene) {
    prepare(scene);
    for number in 0..30 {
        let slow = if number % 5 == 4 { 650 } else { 205 };
        evaluated(scene, number, slow);
    }
}

/// Sends an evaluation that was made by the file.
fn evaluated(scene: &Scene, number: u32, slow: u32) {
    let met = if slow < 600 { "pass" } else { "fail" };
    let indicator = |metric: &str, value: f64, met: &str| {
        json!({"displayName": "", "status": met, "score": u8::from(met == "pass"), "keySli": false,
            "value": {"metric": metric, "value": value, "success": true}})
    };
    let score = if slow < 600 { 100 } else { 50 };
    let indicators = [
        indicator("response_time_p95", f64::from(slow), met),
        indicator("error_rate", 0.1 + f64::from(number) / 100.0, "pass"),
        indicator("throughput", 40.0 + f64::from(number), "info"),
    ];
    let evaluation = json!({"result": met, "score": score, "indicatorResults": indicators});
    let data = json!({"project": "fulltour", "stage": "qa", "service": "helloservice",
        "status": "succeeded", "result": met, "evaluation": evaluation});
    let event = json!({"type": "sh.keptn.event.evaluation.finished", "source": "lighthouse-service",
        "shkeptncontext": format!("cccccccc-0000-4000-8000-{number:012}"),
        "triggeredid": format!("dddddddd-0000-4000-8000-{number:012}"), "data": data});
    let (code, answer) = scene.server.post("/api/v1/event", &event);
    assert_eq!(code, 200, "{answer}");
}

fn write(directory: &Path) {
    let results = json!([
        {"metric": "response_time_p95", "value": 212, "success": true},
        {"metric": "error_rate", "value": 0.1, "success": true},
    ]);
    let previous = json!([{"id": "1", "result": "pass", "score": 100,
        "indicatorResults": [{"metric": "response_time_p95", "value": 205, "success": true}]}]);
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let write = |name: &str, text: String| {
        std::fs::write(directory.join(name), text).expect("it can be written");
    };
    write("slo.yaml", SLO.to_owned());
    write("results.json", results.to_string());
    write("previous.json", previous.to_string());
    write("quality-gate.json", std::fs::read_to_string(recorded).expect("it is there"));
}

/// Runs the program without a server and a token.
fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(directory).args(arguments);
    for name in ["TIDEGATE_ENDPOINT", "TIDEGATE_API_TOKEN"] {
        command.env_remove(name);
    }
    Ran::of(&command.output().expect("the binary starts"))
}

#[test]
fn every_recorded_evaluation_comes_out_as_it_was_recorded() {
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path());
    let ran = run(directory.path(), &["gate", "vectors", "quality-gate.json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "251 passed, 0 failed\n");
}

#[test]
fn a_history_is_judged_again_as_the_server_keeps_it() {
    let scene = Scene::new();
    prepare_history(&scene);
    let place = ["--project", "fulltour", "--stage", "qa", "--service", "helloservice"];
    let replay = |more: &[&str]| {
        scene
            .run(&[&["gate", "replay", "slo.yaml", "-o", "json"], &place[..], more].concat())
            .json()
    };
    let told = replay(&[]);
    assert_eq!(told["evaluations"], 30);
    assert_eq!(told["before"], json!({"pass": 24, "warning": 0, "fail": 6}));
    // The response time was judged by another file then: 650 is a warning here, of a key objective.
    assert_eq!(told["after"], json!({"pass": 24, "warning": 6, "fail": 0}), "{told}");
    let newest = &told["changed"][0];
    assert_eq!(newest["context"], "cccccccc-0000-4000-8000-000000000029");
    assert_eq!(
        newest["objectives"],
        json!([{"sli": "response_time_p95", "displayName": "Response time", "before": "fail",
            "after": "warning"}])
    );
    assert_eq!(replay(&["--last", "2"])["evaluations"], 2);
    let suggested = scene.run(&[&["gate", "suggest", "slo.yaml"], &place[..]].concat());
    let said = "throughput >=40: would have failed 0 of 24 evaluations that passed (0.0 %)";
    assert!(suggested.err.starts_with(said), "{suggested:?}");
    let diff = suggested.good();
    assert!(diff.starts_with("--- a/slo.yaml\n+++ b/slo.yaml\n@@ "), "{diff}");
    assert!(diff.contains("\n+  - sli: throughput\n"), "{diff}");
}

#[test]
fn a_pipeline_tells_verdicts_from_mistakes_by_the_exit_code() {
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path());
    let evaluate = |results: &str, more: &[&str]| {
        std::fs::write(directory.path().join("now.json"), results).expect("it can be written");
        let line = ["gate", "evaluate", "slo.yaml", "--results", "now.json"];
        run(directory.path(), &[&line, more].concat())
    };
    let good = "{\"response_time_p95\": 212, \"error_rate\": 0.1}";
    for (results, more, code) in [
        (good, &[][..], 0),
        (&good.replace("212", "900"), &[], 1),
        (&good.replace("212", "700"), &[], 2),
        ("[", &[], 64),
        // The number by which a mistake is told elsewhere is that of a warning here.
        (good, &["--previus", "x"], 64),
        (good, &["--output", "xml"], 64),
        (good, &["--help"], 0),
    ] {
        let ran = evaluate(results, more);
        assert_eq!(ran.code, Some(code), "{results} {more:?}: {ran:?}");
    }
    let ran = run(directory.path(), &["gate", "evaluate"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(64), ""), "{ran:?}");
    assert!(ran.err.contains("--results"), "it says what is missing: {ran:?}");
    assert_eq!(run(directory.path(), &["gates"]).code, Some(2), "no command of this name");
}
