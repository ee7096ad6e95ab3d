//! Step 6: a problem finds its action. Once somebody sends it by hand, as in the tutorial, and once it is real:
//! production gets slow, Prometheus notices, and nobody does anything.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::gate::{configure_monitoring, evaluation, of_stage, quiet};
use super::{GOOD, WEAK};
use crate::tour::scene::{PROJECT, SERVICE, STAGES, Scene};

const PRODUCTION: &str = "production";
const TRIGGERED: &str = "sh.keptn.event.production.remediation.triggered";

pub(super) fn heal(scene: &mut Scene) -> Result<()> {
    let files = scene.files.clone();
    replicas(scene, [1, 1])?;
    let shipyard = fs::read_to_string(&files.with_healing)?;
    scene.push("shipyard.yaml", &shipyard, "add self-healing to production")?;
    let clone = scene.path(PROJECT);
    scene.git(&clone, &["fetch", "-q"])?;
    scene.git(&clone, &["checkout", "-q", "--track", "origin/production"])?;
    for (file, path, message) in [
        (&files.remediation.0, "remediation.yaml", "say what helps"),
        (&files.remediation.1, "job/config.yaml", "say how that is done"),
    ] {
        scene.push(&format!("{SERVICE}/{path}"), &fs::read_to_string(file)?, message)?;
    }

    let context = scene.send(&files.problem)?;
    remedied(scene, &context)?;
    replicas(scene, [1, 2])?;
    scene.answers([GOOD, GOOD])?;
    by_alert(scene)
}

/// The same by an alert. Alerts are for services that have remediations, so they are configured again.
fn by_alert(scene: &mut Scene) -> Result<()> {
    configure_monitoring(scene)?;
    quiet(scene, PRODUCTION)?;
    // Somebody is in a hurry, passes over qa, and lets it through by hand.
    let broken = scene.deliver_to(WEAK, &["--stage=production"])?;
    scene.wait(&broken, "approval.triggered")?;
    let (project, service) = (format!("--project={PROJECT}"), format!("--service={SERVICE}"));
    let approve = ["send", "event", "approval.finished", "--stage=production", &project, &service];
    scene.keptn(&approve)?;
    scene.wait(&broken, "deployment.finished")?;
    // People use it: without them nothing would be slow when the test is over.
    let _visitors = scene.visitors(PRODUCTION)?;
    let ended = scene.wait(&broken, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "fail", "nobody noticed: {}", ended["data"]);
    ensure!(evaluation(scene, &broken, PRODUCTION)?["result"] == "fail", "it was not the gate");

    let context = scene.until("an alert", || begun_by_alert(scene))?;
    println!("an alert has begun {context}");
    scene.note(&context);
    remedied(scene, &context)?;
    let nature = &scene.runs(PRODUCTION)?["nature"];
    ensure!(nature["replicas"] == 2, "production was not scaled: {nature}");
    let over = scene.wait(&context, "problem.resolved")?;
    ensure!(over["data"]["problem"]["State"] == "RESOLVED", "{over}");
    let begun = scene.log(&format!("keptnContext={context}&type={TRIGGERED}"))?;
    ensure!(begun.len() == 1, "an alert that is repeated begins {} remediations", begun.len());
    Ok(())
}

/// The context of what an Alertmanager has begun.
fn begun_by_alert(scene: &Scene) -> Result<Option<String>> {
    let events = scene.log(&format!("type={TRIGGERED}&source=prometheus"))?;
    let context = events.first().map(|event| event["shkeptncontext"].as_str().context("a context"));
    Ok(context.transpose()?.map(str::to_owned))
}

/// A remediation has scaled production, and that has helped.
fn remedied(scene: &Scene, context: &str) -> Result<()> {
    let ended = scene.wait(context, "production.remediation.finished")?;
    ensure!(ended["data"]["result"] == "pass", "the problem stays: {}", ended["data"]);
    let chosen = of_stage(scene, context, "get-action.finished", PRODUCTION)?;
    ensure!(chosen["source"] == "remediation-service", "{} has chosen", chosen["source"]);
    let action = &chosen["data"]["action"];
    ensure!(action["action"] == "scale" && action["value"] == "2", "chosen was {action}");
    let task = of_stage(scene, context, "action.triggered", PRODUCTION)?;
    ensure!(task["data"]["action"] == *action, "asked for was {}", task["data"]["action"]);
    let done = of_stage(scene, context, "action.finished", PRODUCTION)?;
    let said = done["data"]["message"].as_str().unwrap_or_default();
    let upgraded = format!("Release \"{SERVICE}\" has been upgraded. Happy Helming!");
    ensure!(done["data"]["result"] == "pass" && said.contains(&upgraded), "{}", done["data"]);
    ensure!(evaluation(scene, context, PRODUCTION)?["result"] == "pass", "it did not help");
    of_stage(scene, context, "production.remediation.triggered", PRODUCTION)?;
    scene.shows(context, &["remediation", "get-action", "action"])
}

/// So many run in each stage.
fn replicas(scene: &Scene, expected: [u64; 2]) -> Result<()> {
    for (stage, expected) in STAGES.into_iter().zip(expected) {
        let run: Value = scene.runs(stage)?["nature"]["replicas"].clone();
        ensure!(run == expected, "{run} run in {stage}, not {expected}");
    }
    Ok(())
}
