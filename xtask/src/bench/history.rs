//! A service with a long history of evaluations: its pages, and the history judged again.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Bench;
use super::bridge::{rows, sign_in};
use super::goal::Latency;
use super::table::Table;
use crate::connection::Connection;
use crate::server::{Server, TOKEN};

const EVALUATIONS: usize = 10_000;
const OBJECTIVES: usize = 20;
/// Earlier evaluations that each is compared with.
const COMPARED: usize = 30;
const REPLAY: Latency = Latency::Tail(Duration::from_secs(2));
/// Times that the history is judged again.
const REPLAYS: usize = 3;
const PLACE: [&str; 6] = ["--project", "bench", "--stage", "qa", "--service", "judged"];

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    let directory = bench.project("history")?;
    let server = Server::start(&bench.binary, directory.path())?;
    let mut client = server.connect()?;
    client.create_service("judged")?;
    Table::note(&format!("sending {EVALUATIONS} evaluations of {OBJECTIVES} objectives"));
    for number in 0..EVALUATIONS {
        client.post("/api/v1/event", &evaluation(number))?;
    }
    let cookie = sign_in(&mut client)?;
    let found = newest(&mut client)?;
    let map = "/bridge/project/bench/quality/judged/qa";
    let pages = [
        ("one evaluation of 10,000", found),
        ("the newest 20 of 10,000 evaluations", map.to_owned()),
        ("the oldest 20", format!("{map}?offset={}", EVALUATIONS - 20)),
    ];
    rows(bench, &mut client, &cookie, &pages)?;
    let slo = directory.path().join("slo.yaml");
    fs::write(&slo, file())?;
    let replays = (0..REPLAYS).map(|_| {
        let mut command = Command::new(&bench.binary);
        command.args(["gate", "replay", "--output", "json", "--last"]);
        command.arg(EVALUATIONS.to_string()).args(PLACE).arg(&slo);
        command.env("TIDEGATE_ENDPOINT", format!("http://{}", server.address));
        command.env("TIDEGATE_API_TOKEN", TOKEN).stdin(Stdio::null());
        replay(command)
    });
    let replays = replays.collect::<Result<_>>()?;
    bench.latency("`tidegate gate replay` of 10,000, as a process", replays, REPLAY)
}

/// How long it takes; every evaluation must have been judged.
fn replay(mut command: Command) -> Result<Duration> {
    let begun = Instant::now();
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let took = begun.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let judged = answer["evaluations"].as_u64();
    ensure!(
        judged == u64::try_from(EVALUATIONS).ok(),
        "{judged:?} of {EVALUATIONS} were judged again"
    );
    Ok(took)
}

/// The page of the newest evaluation.
fn newest(client: &mut Connection) -> Result<String> {
    let path = "/api/mongodb-datastore/event?project=bench&pageSize=1\
                &type=sh.keptn.event.evaluation.finished";
    let event = &client.get(path)?["events"][0];
    let part =
        |key: &str| event[key].as_str().with_context(|| format!("{key} is missing in {event}"));
    Ok(format!("/bridge/evaluation/{}/{}", part("shkeptncontext")?, part("id")?))
}

fn file() -> String {
    let objectives: String = (0..OBJECTIVES)
        .map(|n| format!("  - {{ sli: sli{n}, pass: [{{ criteria: ['<=+10%', '<600'] }}] }}\n"))
        .collect();
    format!(
        "comparison: {{ compare_with: several_results, number_of_comparison_results: {COMPARED} }}\n\
         objectives:\n{objectives}total_score: {{ pass: '90%', warning: '75%' }}\n"
    )
}

fn evaluation(number: usize) -> Value {
    let indicator = |n: usize| {
        let value = 100 + n + number % 7;
        let target =
            |criteria: &str| json!({"criteria": criteria, "targetValue": 600, "violated": false});
        json!({"score": 1, "status": "pass", "keySli": false, "displayName": "", "warningTargets": null,
            "passTargets": [target("<=+10%"), target("<600")],
            "value": {"metric": format!("sli{n}"), "value": value, "comparedValue": value, "success": true}})
    };
    let indicators: Vec<Value> = (0..OBJECTIVES).map(indicator).collect();
    let details = json!({"result": "pass", "score": 100, "indicatorResults": indicators,
        "timeStart": "2026-11-26T10:00:00.000Z", "timeEnd": "2026-11-26T10:05:00.000Z",
        "comparedEvents": null, "sloFileContent": ""});
    json!({"type": "sh.keptn.event.evaluation.finished", "source": "lighthouse-service",
        "shkeptncontext": format!("cccccccc-0000-4000-8000-{number:012}"),
        "triggeredid": format!("dddddddd-0000-4000-8000-{number:012}"),
        "data": {"project": "bench", "stage": "qa", "service": "judged", "status": "succeeded",
            "result": "pass", "evaluation": details}})
}
