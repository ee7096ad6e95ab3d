//! Steps 4 and 5: what was measured decides, first before production and then in it.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{GOOD, SLOW};
use crate::tour::scene::{PROJECT, SERVICE, STAGES, Scene};

/// What Keptn's client prints when a Prometheus was told what to watch.
const CONFIGURED: &str = "Prometheus successfully configured and rule created";

pub(super) fn release(scene: &mut Scene) -> Result<()> {
    let files = scene.files.clone();
    scene.watch()?;
    scene.add(&["--stage=qa"], &files.gate.0, "prometheus/sli.yaml")?;
    scene.add(&["--stage=qa"], &files.gate.1, "slo.yaml")?;
    configure_monitoring(scene)?;
    let shipyard = fs::read_to_string(&files.with_gate)?;
    scene.push("shipyard.yaml", &shipyard, "let a quality gate decide")?;
    for stage in STAGES {
        let up = format!("up{{job=\"{}\"}}", Scene::job(stage));
        scene.watcher()?.until(&up, 1, scene.patience(), |value| value == 1.0)?;
    }

    let context = scene.deliver(GOOD)?;
    let ended = scene.wait(&context, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "pass", "production: {}", ended["data"]);
    was_asked(scene, &context)?;
    let evaluated = evaluation(scene, &context, "qa")?;
    ensure!(
        evaluated["result"] == "pass" && evaluated["score"] == 100.0,
        "a good version gets {evaluated}"
    );
    // Nobody was asked.
    let approved = scene.wait(&context, "approval.finished")?;
    ensure!(approved["source"] == "approval-service", "somebody decided: {approved}");
    let started = scene.wait(&context, "approval.started")?;
    let strategy = started["data"]["message"].as_str().unwrap_or_default();
    ensure!(strategy == "Approval strategy for result 'pass': automatic", "{strategy:?}");
    scene.answers([GOOD, GOOD])?;

    quiet(scene, "qa")?;
    let context = scene.deliver(SLOW)?;
    let ended = scene.wait(&context, "qa.delivery.finished")?;
    ensure!(ended["data"]["result"] == "fail", "a slow version goes on: {}", ended["data"]);
    let evaluated = evaluation(scene, &context, "qa")?;
    let (name, value) = broken_key(&evaluated)?;
    println!("stopped: {name} is {value:.3}");
    ensure!(value > 0.2, "{name} was not the reason: {value}");
    let all = scene.log(&format!("keptnContext={context}"))?;
    let further = all.iter().filter(|event| event["data"]["stage"] == "production").count();
    ensure!(further == 0, "{further} events of production");
    scene.answers([SLOW, GOOD])?;
    scene.shows(&context, &["podtatoserver:v0.1.2", "evaluation"])
}

pub(super) fn validate(scene: &mut Scene) -> Result<()> {
    let files = scene.files.clone();
    for (file, uri) in [
        (&files.gate.0, "prometheus/sli.yaml"),
        (&files.gate.1, "slo.yaml"),
        (&files.load.0, "./locust/basic.py"),
        (&files.load.1, "./locust/locust.conf"),
    ] {
        scene.add(&["--stage=production"], file, uri)?;
    }
    let shipyard = fs::read_to_string(&files.with_validation)?;
    scene.push("shipyard.yaml", &shipyard, "validate releases in production")?;
    quiet(scene, "qa")?;
    let context = scene.deliver(GOOD)?;
    let ended = scene.wait(&context, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "pass", "production: {}", ended["data"]);
    for stage in STAGES {
        let evaluated = evaluation(scene, &context, stage)?;
        ensure!(evaluated["result"] == "pass", "{stage}: {evaluated}");
    }
    let asked = of_stage(scene, &context, "evaluation.triggered", "production")?;
    ensure!(asked["data"]["evaluation"]["timeframe"].is_string(), "no time frame: {asked}");
    let before = of_stage(scene, &context, "evaluation.triggered", "qa")?;
    let begin = |event: &Value| event["data"]["test"]["start"].clone();
    ensure!(begin(&asked) != begin(&before), "production is judged by its own test");
    scene.answers([GOOD, GOOD])
}

/// A person says who measures, and is told that it is done.
pub(super) fn configure_monitoring(scene: &Scene) -> Result<()> {
    let (project, service) = (format!("--project={PROJECT}"), format!("--service={SERVICE}"));
    let said = scene.keptn(&["configure", "monitoring", "prometheus", &project, &service])?;
    ensure!(said.ends_with(CONFIGURED), "{said}");
    Ok(())
}

/// Waits until the gate of a stage would look back on nothing of the version before.
pub(super) fn quiet(scene: &Scene, stage: &str) -> Result<()> {
    let further = scene.pace.of(scene.files.looks_back_further()?);
    if further.is_zero() {
        return Ok(());
    }
    let (job, millis) = (Scene::job(stage), further.as_millis());
    let requests = format!("sum(increase(http_requests_total{{job=\"{job}\"}}[{millis}ms]))");
    scene.watcher()?.until(&requests, 1, scene.patience(), |count| count == 0.0)
}

/// What Prometheus was asked, and that it answered everything.
fn was_asked(scene: &Scene, context: &str) -> Result<()> {
    let asked = scene.wait(context, "get-sli.triggered")?;
    let asked = &asked["data"]["get-sli"];
    let wanted = asked["indicators"].as_array().context("no indicators")?;
    ensure!(asked["sliProvider"] == "prometheus" && wanted.len() == 3, "{asked}");
    let answered = scene.wait(context, "get-sli.finished")?;
    ensure!(answered["source"] == "prometheus-service", "{} has answered", answered["source"]);
    let values = answered["data"]["get-sli"]["indicatorValues"].as_array().context("no values")?;
    let names: Vec<_> = values.iter().map(|value| &value["metric"]).collect();
    ensure!(names.into_iter().eq(wanted), "asked for {wanted:?}, told {values:?}");
    ensure!(values.iter().all(|value| value["success"] == true), "not all have values: {values:?}");
    Ok(())
}

/// The event of a type in a stage; there is one.
pub(super) fn of_stage(scene: &Scene, context: &str, kind: &str, stage: &str) -> Result<Value> {
    let query = format!("keptnContext={context}&type=sh.keptn.event.{kind}");
    let mut events = scene.log(&query)?;
    events.retain(|event| event["data"]["stage"] == *stage);
    ensure!(events.len() == 1, "{} times {kind} in {stage}", events.len());
    Ok(events.remove(0))
}

/// What the gate of a stage has said.
pub(super) fn evaluation(scene: &Scene, context: &str, stage: &str) -> Result<Value> {
    let event = of_stage(scene, context, "evaluation.finished", stage)?;
    ensure!(event["source"] == "lighthouse-service", "{} has judged", event["source"]);
    ensure!(event["data"]["result"] == event["data"]["evaluation"]["result"], "{event}");
    Ok(event["data"]["evaluation"].clone())
}

/// The key objective that was not met, and what was measured.
fn broken_key(evaluation: &Value) -> Result<(&str, f64)> {
    let results = evaluation["indicatorResults"].as_array().context("no results")?;
    let broken = |one: &&Value| one["status"] == "fail" && one["keySli"] == true;
    let broken = results.iter().find(broken);
    let broken = broken.with_context(|| format!("no key objective failed: {evaluation}"))?;
    let value = broken["value"]["value"].as_f64().context("no value")?;
    Ok((broken["displayName"].as_str().context("no name")?, value))
}
