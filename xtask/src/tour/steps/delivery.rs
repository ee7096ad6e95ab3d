//! Steps 1 to 3: a delivery through two stages, and one that asks before the second.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::GOOD;
use crate::bench::bridge::{attribute, encoded};
use crate::program;
use crate::tour::scene::{PROJECT, SERVICE, Scene};

pub(super) fn authenticate(scene: &mut Scene) -> Result<()> {
    let endpoint = format!("--endpoint=http://{}/api", scene.server.address);
    let said = scene.keptn(&["auth", &endpoint])?;
    ensure!(said.contains("Successfully authenticated against"), "{said}");
    let said = scene.keptn(&["status"])?;
    ensure!(said.contains("Bridge URL: "), "{said}");
    scene.sign_in()?;
    scene.page("/bridge/projects").map(drop)
}

pub(super) fn deliver(scene: &mut Scene) -> Result<()> {
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
    let context = scene.deliver(GOOD)?;
    let ended = scene.wait(&context, "production.delivery.finished")?;
    ensure!(ended["data"]["result"] == "pass", "production: {}", ended["data"]);
    scene.answers([GOOD, GOOD])?;
    ensure!(
        scene.events(&context, "deployment.finished")?.len() == 2,
        "two stages are deployed to"
    );
    let tested = scene.wait(&context, "test.finished")?;
    ensure!(tested["data"]["test"]["start"].is_string(), "no time of the test: {tested}");
    scene.shows(&context, &["podtatoserver:v0.1.1", "qa", "production", "deployment", "test"])
}

pub(super) fn approve(scene: &mut Scene) -> Result<()> {
    // Where the repository was empty, its host may still believe in another default branch.
    let master = ["clone", "-q", "--branch", "master", &scene.repository(), PROJECT];
    scene.git(&scene.path(""), &master)?;
    let message = "add approval step to production";
    let shipyard = fs::read_to_string(&scene.files.with_approval)?;
    scene.push("shipyard.yaml", &shipyard, message)?;
    let context = scene.deliver(GOOD)?;
    let asked = scene.wait(&context, "approval.triggered")?;
    let started = scene.wait(&context, "approval.started")?;
    let strategy = started["data"]["message"].as_str().unwrap_or_default();
    ensure!(strategy == "Approval strategy for result 'pass': manual", "{strategy:?}");
    // What waits keeps nobody from using the project: the user pushes again, and does not pull.
    let again = format!("{}\n# The same, once more.\n", shipyard.trim_end());
    scene.push("shipyard.yaml", &again, message)?;
    let deployed = scene.events(&context, "deployment.finished")?;
    ensure!(deployed.len() == 1, "nothing goes on before the decision: {deployed:?}");

    let id = asked["id"].as_str().context("an id")?;
    let page = scene.page(&format!("/bridge/approval/{id}"))?;
    ensure!(page.contains("podtatoserver:v0.1.1"), "the Bridge does not show what is asked");
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
    ensure!(scene.events(&context, "deployment.finished")?.len() == 2, "production is deployed to");
    scene.answers([GOOD, GOOD])
}
