//! The steps. Each leaves the scene as the next one needs it.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::scene::{PROJECT, SERVICE, Scene};
use crate::bench::bridge::{attribute, encoded};
use crate::program;

type Step = fn(&mut Scene) -> Result<()>;

/// In order, with what the tutorial calls them.
pub(super) const ALL: [(&str, Step); 3] = [
    ("authentication and login", authenticate),
    ("multi-stage delivery", deliver),
    ("manual approval", approve),
];

const FIRST: &str = "v0.1.1";
const SECOND: &str = "v0.1.2";

fn authenticate(scene: &mut Scene) -> Result<()> {
    let endpoint = format!("--endpoint=http://{}/api", scene.server.address);
    let said = scene.keptn(&["auth", &endpoint])?;
    ensure!(said.contains("Successfully authenticated against"), "{said}");
    let said = scene.keptn(&["status"])?;
    ensure!(said.contains("Bridge URL: "), "{said}");
    scene.sign_in()?;
    scene.page("/bridge/projects").map(drop)
}

fn deliver(scene: &mut Scene) -> Result<()> {
    let files = scene.files.clone();
    let shipyard = files.shipyard.display().to_string();
    let git = scene.git_flags();
    let mut create = vec!["create", "project", PROJECT, "--shipyard", &shipyard];
    create.extend(git.iter().map(String::as_str));
    scene.keptn(&create)?;
    scene.keptn(&["create", "service", SERVICE, &format!("--project={PROJECT}")])?;
    let chart = scene.path("helloservice.tgz");
    let mut pack = Command::new("tar");
    pack.arg("-czf").arg(&chart).arg("-C").arg(files.chart.parent().context("a directory")?);
    ensure!(program::succeeds(pack.arg("chart")), "the chart cannot be packed");
    scene.add(&["--all-stages"], &chart, "charts/helloservice.tgz")?;
    scene.add(&["--stage=qa"], &files.load.0, "./locust/basic.py")?;
    scene.add(&["--stage=qa"], &files.load.1, "./locust/locust.conf")?;
    scene.add(&["--all-stages"], &files.jobs, "job/config.yaml")?;
    let context = scene.deliver(FIRST)?;
    let ended = scene.wait(&context, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "pass", "production: {}", ended["data"]);
    runs(scene, &context, FIRST, 2)?;
    let tested = scene.wait(&context, "test.finished")?;
    ensure!(tested["data"]["test"]["start"].is_string(), "no time of the test: {tested}");
    let page = scene.page(&format!("/bridge/project/{PROJECT}/sequence/{context}"))?;
    for text in ["podtatoserver:v0.1.1", "qa", "production", "deployment", "test"] {
        ensure!(page.contains(text), "the Bridge does not show {text}");
    }
    Ok(())
}

fn approve(scene: &mut Scene) -> Result<()> {
    let clone = scene.path(PROJECT);
    // Where the repository was empty, its host may still believe in another default branch.
    let master = ["clone", "-q", "--branch", "master", &scene.repository(), PROJECT];
    scene.git(&scene.path(""), &master)?;
    let push = |shipyard: &str| -> Result<()> {
        fs::write(clone.join("shipyard.yaml"), shipyard)?;
        scene.git(&clone, &["commit", "-q", "-am", "add approval step to production"])?;
        scene.git(&clone, &["push", "-q"]).map(drop)
    };
    let shipyard = fs::read_to_string(&scene.files.with_approval)?;
    push(&shipyard)?;
    let context = scene.deliver(SECOND)?;
    let asked = scene.wait(&context, "approval.triggered")?;
    let started = scene.wait(&context, "approval.started")?;
    let strategy = started["data"]["message"].as_str().unwrap_or_default();
    ensure!(strategy == "Approval strategy for result 'pass': manual", "{strategy:?}");
    // What waits keeps nobody from using the project: the user pushes again, and does not pull.
    push(&format!("{shipyard}\n# The same, once more.\n"))?;
    runs(scene, &context, SECOND, 1)?;

    let id = asked["id"].as_str().context("an id")?;
    let page = scene.page(&format!("/bridge/approval/{id}"))?;
    ensure!(page.contains("podtatoserver:v0.1.2"), "the Bridge does not show what is asked");
    let field = |name: &str| {
        let before = format!("name=\"{name}\" value=\"");
        attribute(&page, &before).map(encoded).with_context(|| format!("there is no {name}"))
    };
    let form =
        format!("csrf={}&subject={}&comment=&decision=approve", field("csrf")?, field("subject")?);
    scene.submit(&format!("/bridge/approval/{id}/decision"), &form)?;
    let ended = scene.wait(&context, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "pass", "production: {}", ended["data"]);
    let finished = scene.events(&context, "approval.finished")?;
    ensure!(finished.len() == 1, "one approval has one outcome: {finished:?}");
    runs(scene, &context, SECOND, 2)
}

/// A delivery has reached so many stages, and each of them answers with its version.
fn runs(scene: &Scene, context: &str, version: &str, stages: usize) -> Result<()> {
    let answers = scene.answers(context)?;
    ensure!(answers.len() == stages, "{} stages answer: {answers:?}", answers.len());
    for answer in answers {
        ensure!(answer.contains(version), "a stage answers {answer:?}, not {version}");
    }
    Ok(())
}
