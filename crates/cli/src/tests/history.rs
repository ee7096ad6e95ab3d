//! The commands that judge a history again, against a server that has one.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

use super::Cli;
use super::server::TOKEN;
use crate::commands;
use crate::exit::{Exit, Judged};
use crate::look::Look;
use crate::screen::Screen;

/// Evaluations, newest first.
type Kept = Arc<Vec<Value>>;

/// Evaluations of two objectives, from values given oldest first: the first is compared with 10, the second with
/// what was before.
fn kept(values: &[(f64, f64)]) -> Vec<Value> {
    let mut evaluations: Vec<Value> = Vec::new();
    let mut before = None::<f64>;
    for (minute, (errors, slow)) in values.iter().enumerate() {
        let met = |met: bool| if met { "pass" } else { "fail" };
        let errors_met = *errors < 10.0;
        let slow_met = before.is_none_or(|before| *slow <= before * 110.0 / 100.0);
        let score = 50 * (usize::from(errors_met) + usize::from(slow_met));
        let indicator = |name: &str, metric: &str, value: f64, status: bool| {
            json!({"displayName": name, "status": met(status), "keySli": false,
                "score": u8::from(status),
                "value": {"metric": metric, "value": value, "success": true}})
        };
        let result = if score >= 90 { "pass" } else { "fail" };
        evaluations.push(json!({
            "id": format!("{minute:08}-0000-4000-8000-000000000000"),
            "context": "cccccccc-0000-4000-8000-000000000001",
            "time": format!("2026-11-24T{:02}:{:02}:00Z", minute / 60, minute % 60),
            "result": result, "score": score, "invalidated": false,
            "indicatorResults": [
                indicator("", "error_rate", *errors, errors_met),
                indicator("Response time", "slow", *slow, slow_met),
            ],
        }));
        before = Some(*slow);
    }
    evaluations.reverse();
    evaluations
}

const SLO: &str = "\
objectives:
  - {sli: error_rate, pass: [{criteria: ['<10']}]}
  - {sli: slow, displayName: Response time, pass: [{criteria: ['<=+10%']}]}
total_score: {pass: 90%}
";

async fn list(
    State(kept): State<Kept>,
    Path(place): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, usize>>,
) -> Json<Value> {
    assert_eq!(place, ("shop".to_owned(), "qa".to_owned(), "carts".to_owned()));
    let (offset, limit) = (query["offset"], query["limit"].min(40));
    let page: Vec<&Value> = kept.iter().skip(offset).take(limit).collect();
    let end = offset + page.len();
    let next = (end < kept.len()).then_some(end);
    Json(json!({"evaluations": page, "total": kept.len(), "next": next}))
}

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

/// Runs `tidegate gate COMMAND FILE` with this file, for the service that has this history.
async fn run(kept: Vec<Value>, command: &str, slo: &str, more: &[&str]) -> Ran {
    tidegate_client::init();
    let path = "/api/tidegate/v1/projects/{p}/stages/{s}/services/{v}/evaluations";
    let router = Router::new().route(path, get(list)).with_state(Arc::new(kept));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let directory = tempfile::tempdir().unwrap();
    let (token, file) = (directory.path().join("token"), directory.path().join("slo.yaml"));
    std::fs::write(&token, TOKEN).unwrap();
    std::fs::write(&file, slo).unwrap();
    let (endpoint, token) =
        (format!("--endpoint=http://{address}"), format!("--token-file={}", token.display()));
    let file = file.display().to_string();
    let words = ["tidegate", "gate", command, &file, &endpoint, &token, "--project", "shop"];
    let words = words.iter().chain(&["--stage", "qa", "--service", "carts"]).chain(more);
    let command = Cli::try_parse_from(words).unwrap().command;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut screen = Screen::new(&mut out, &mut err, Look::default());
    let exit = commands::run(command, || unreachable!("no pages"), &mut screen).await;
    let here = format!("{}/", directory.path().display());
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&here, "");
    Ran { exit, out: text(out), err: text(err) }
}

/// Sixty that passed, of which the last is slow; and one that failed, slower still.
fn sixty() -> Vec<Value> {
    let mut values = vec![(1.0, 100.0); 60];
    values[59].1 = 108.0;
    values.push((20.0, 500.0));
    kept(&values)
}

#[tokio::test]
async fn bounds_are_proposed_as_a_diff_with_the_false_alarms_that_they_would_have_had() {
    let more = SLO.replace("total_score", "  - sli: informs\ntotal_score");
    let ran = run(sixty(), "suggest", &more, &[]).await;
    assert_eq!(ran.exit, Exit::Judged(Judged::Good), "{}", ran.err);
    assert_eq!(
        ran.err,
        "slow <=110: would have failed 0 of 60 evaluations that passed (0.0 %), and 1 of 1 that failed\n"
    );
    assert_eq!(
        ran.out,
        "\
--- a/slo.yaml
+++ b/slo.yaml
@@ -1,5 +1,5 @@
 objectives:
   - {sli: error_rate, pass: [{criteria: ['<10']}]}
-  - {sli: slow, displayName: Response time, pass: [{criteria: ['<=+10%']}]}
+  - {sli: slow, displayName: Response time, pass: [{criteria: ['<=110', '<=+10%']}]}
   - sli: informs
 total_score: {pass: 90%}
"
    );
    let ran = run(sixty(), "suggest", &more, &["--output", "json"]).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        told["suggestions"],
        json!([{"sli": "slow", "criterion": "<=110", "because": "criteria", "passed": 60,
            "falseAlarms": 0, "falseAlarmPercent": 0.0, "failed": 1, "caught": 1, "written": true}])
    );
    assert!(told["diff"].as_str().unwrap().starts_with("--- a/slo.yaml\n"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_known_or_written_is_said() {
    let few = run(sixty(), "suggest", SLO, &["--last", "15"]).await;
    assert_eq!((few.exit, few.out.as_str()), (Exit::Judged(Judged::Good), ""));
    assert!(
        few.err.starts_with("There is nothing to propose: of 15 evaluations of shop/qa/carts"),
        "{}",
        few.err
    );
    let odd = "objectives: [{sli: slow, pass: [{criteria: []}]}, {sli: x, pass: [{criteria: ['<1']}]}]\n\
               total_score: {pass: 90%}\n";
    let ran = run(sixty(), "suggest", odd, &[]).await;
    assert!(
        ran.err.contains("slow <=110") && ran.err.contains("cannot be written into"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("nothing says whether more is better"), "{}", ran.err);
    assert!(
        ran.out
            .contains("+objectives: [{sli: error_rate, pass: [{criteria: ['<=1']}]}, {sli: slow"),
        "{}",
        ran.out
    );
}

async fn replayed(values: &[(f64, f64)], slo: &str, more: &[&str]) -> Value {
    let ran = run(kept(values), "replay", slo, &[more, &["-o", "json"]].concat()).await;
    assert_eq!(ran.exit, Exit::Judged(Judged::Good), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

const VALUES: [(f64, f64); 4] = [(1.0, 100.0), (8.0, 109.0), (2.0, 200.0), (1.0, 150.0)];

#[tokio::test]
async fn the_file_that_decided_would_have_decided_the_same() {
    let told = replayed(&VALUES, SLO, &[]).await;
    assert_eq!(told["evaluations"], 4);
    assert_eq!(told["before"], json!({"pass": 3, "warning": 0, "fail": 1}));
    assert_eq!((&told["after"], &told["changed"]), (&told["before"], &json!([])));
}

#[tokio::test]
async fn each_verdict_that_changes_is_told_with_the_objective_that_changes_it() {
    let stricter = SLO.replace("<10'", "<5'");
    let ran = run(kept(&VALUES), "replay", &stricter, &[]).await;
    assert_eq!(ran.exit, Exit::Judged(Judged::Good), "{}", ran.err);
    assert_eq!(
        ran.out,
        "  judged   4 evaluations
  were     3 pass, 0 warning, 1 fail
  would be 2 pass, 0 warning, 2 fail
  changed  1
TIME                  WAS   WOULD BE  BECAUSE
2026-11-24T00:01:00Z  pass  fail      error_rate: pass → fail
"
    );
    let told = replayed(&VALUES, &SLO.replace("90%", "50%"), &[]).await;
    let changed = &told["changed"][0];
    assert_eq!(
        (&changed["before"]["result"], &changed["after"]["result"]),
        (&json!("fail"), &json!("pass"))
    );
    assert_eq!(changed["objectives"], json!([]), "the target of the total did it");
    let told = replayed(&VALUES, &SLO.replace("+10%", "+5%"), &[]).await;
    let changed = &told["changed"][0];
    assert_eq!(changed["time"], "2026-11-24T00:01:00Z");
    assert_eq!(
        changed["objectives"],
        json!([{"sli": "slow", "displayName": "Response time", "before": "pass", "after": "fail"}])
    );
}

#[tokio::test]
async fn what_the_first_is_compared_with_is_older_than_what_is_told() {
    // Two hundred that are alike, the last but one slower than those before.
    let mut values = vec![(1.0, 100.0); 200];
    values[198].1 = 105.0;
    let told = replayed(&values, &SLO.replace("+10%", "+1%"), &["--last", "2"]).await;
    assert_eq!(told["evaluations"], 2);
    assert_eq!(told["changed"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["changed"][0]["objectives"][0]["sli"], "slow");
}

#[tokio::test]
async fn what_was_never_measured_is_unknown_and_said_to_be() {
    let more =
        SLO.replace("total_score", "  - {sli: new, pass: [{criteria: ['<1']}]}\ntotal_score");
    let ran = run(kept(&VALUES), "replay", &more, &[]).await;
    assert!(ran.out.contains("would be 0 pass, 0 warning, 0 fail, 4 unknown"), "{}", ran.out);
    assert!(ran.out.contains("unknown  4: no value of new"), "{}", ran.out);
}

#[tokio::test]
async fn a_file_that_would_decide_nothing_is_refused_before_anybody_is_asked() {
    for (slo, says) in [
        ("objectives: 7\n".to_owned(), "slo.yaml:1:13: objectives must be a list"),
        (
            SLO.replace("90%", "ninety"),
            "slo.yaml: could not parse pass target percentage, so every",
        ),
        (
            format!(
                "comparison: {{compare_with: several_results, number_of_comparison_results: 500}}\n{SLO}"
            ),
            "slo.yaml: could not retrieve previous",
        ),
    ] {
        let ran = run(kept(&VALUES), "replay", &slo, &[]).await;
        assert_eq!(ran.exit, Exit::Judged(Judged::Unusable), "{slo}");
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{says}: {}", ran.err);
    }
    let ran = run(Vec::new(), "replay", SLO, &[]).await;
    assert_eq!(ran.exit, Exit::Judged(Judged::Good));
    assert_eq!(ran.err, "There is no evaluation of shop/qa/carts yet.\n");
}
