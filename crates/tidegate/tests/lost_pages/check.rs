//! Whether every promise was kept. What was not is told, so that a test can expect it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::load::{Promises, list, text};
use crate::rig::Rig;
use crate::server::{data, repository, runs};
use crate::support::{TOKEN, request};

/// Compares what was promised with what a server says, what Git says, and what jobs have done.
/// Answers with every promise that was broken.
pub(crate) fn check(rig: &Rig, address: SocketAddr, promises: &Promises) -> Vec<String> {
    let mut check = Check { address, broken: Vec::new() };
    for context in promises.contexts() {
        check.context(context, promises);
    }
    for (approval, (_, decision)) in &promises.decided {
        let (_, found) = check.get(&format!("/api/tidegate/v1/approvals/{approval}"));
        if found["decided"]["decision"] != *decision {
            check.broken(format!("the decision to {decision} {approval}: {found}"));
        }
    }
    for project in &promises.projects {
        check.project(rig, project);
    }
    check.services(rig, promises);
    for (commit, file) in &promises.far {
        check.git(&repository(rig, "far"), &["cat-file", "-e", &format!("{commit}:{file}")]);
    }
    if !promises.far.is_empty() {
        check.git(&repository(rig, "far"), &["fsck", "--strict", "--no-dangling"]);
    }
    check.broken.extend(programs(&runs(rig)));
    check.broken.extend(notes(&data(rig).join("jobs")));
    check.broken
}

struct Check {
    address: SocketAddr,
    broken: Vec<String>,
}

impl Check {
    fn broken(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        match request(self.address, "GET", path, &[("x-token", TOKEN)], b"") {
            Some(answer) => answer.json(),
            None => {
                self.broken(format!("no answer to {path}"));
                (0, Value::Null)
            }
        }
    }

    /// Everything about one delivery.
    fn context(&mut self, context: &str, promises: &Promises) {
        let path = format!("/api/mongodb-datastore/event?keptnContext={context}&pageSize=100");
        let (_, body) = self.get(&path);
        let events = list(&body["events"]);
        let times = |kind: &str| events.iter().filter(|event| is(event, kind)).count();
        let begun = times("qa.delivery.triggered");
        let once = usize::from(promises.triggered.contains(context));
        if begun < once || begun > 1 {
            self.broken(format!("the trigger of {context} is there {begun} times"));
        }
        for kind in ["approval.finished", "qa.delivery.finished", "production.delivery.finished"] {
            if times(kind) > 1 {
                self.broken(format!("{kind} of {context} is there {} times", times(kind)));
            }
        }
        let mut answers = BTreeMap::new();
        for event in events.iter().filter(|event| is(event, ".finished")) {
            answers.entry(text(&event["triggeredid"])).or_insert_with(Vec::new).push(event);
        }
        for (triggered, answers) in answers.iter().filter(|(id, _)| !id.is_empty()) {
            if answers.len() > 1 {
                self.broken(format!("{triggered} is answered {} times", answers.len()));
            }
            if is(answers[0], "deployment.finished") {
                self.job(answers[0]);
            }
        }
        let mine = promises.answered.iter().filter(|(of, _)| of == context);
        for (_, triggered) in mine.filter(|(_, triggered)| !answers.contains_key(triggered)) {
            self.broken(format!("the answer to {triggered} of {context} is gone"));
        }
        for (triggered, (_, id, result)) in promises.jobs.iter().filter(|(_, job)| job.0 == context)
        {
            let found = answers
                .get(triggered)
                .map(|answers| (text(&answers[0]["id"]), text(&answers[0]["data"]["result"])));
            if found.as_ref() != Some(&(id.clone(), result.clone())) {
                let was = (id, result);
                self.broken(format!("job {triggered} ended as {was:?}, and now as {found:?}"));
            }
        }
    }

    /// What was reported of a job is what it did, or that nobody knows.
    fn job(&mut self, finished: &Value) {
        let message = text(&finished["data"]["message"]);
        let known = match finished["data"]["result"].as_str() {
            Some("pass") => {
                message.contains(&format!("counted {}", text(&finished["triggeredid"])))
            }
            _ => message.contains("its supervisor was killed"),
        };
        if !known {
            self.broken(format!("what a job has done cannot be read: {}", finished["data"]));
        }
    }

    fn project(&mut self, rig: &Rig, project: &str) {
        let (code, found) = self.get(&format!("/api/controlPlane/v1/project/{project}"));
        if code != 200 {
            self.broken(format!("project {project}: {code} {found}"));
        }
        for branch in ["master", "qa", "production"] {
            self.git(&repository(rig, project), &["rev-parse", "--verify", "-q", branch]);
        }
        self.git(&repository(rig, project), &["cat-file", "-e", "master:shipyard.yaml"]);
        self.git(&repository(rig, project), &["fsck", "--strict", "--no-dangling"]);
    }

    fn services(&mut self, rig: &Rig, promises: &Promises) {
        for service in &promises.services {
            for stage in ["qa", "production"] {
                let path =
                    format!("/api/controlPlane/v1/project/tour/stage/{stage}/service/{service}");
                let (code, found) = self.get(&path);
                if code != 200 {
                    self.broken(format!("service {service} in {stage}: {code} {found}"));
                }
                let file = format!("{stage}:{service}/metadata.yaml");
                self.git(&repository(rig, "tour"), &["cat-file", "-e", &file]);
            }
        }
        for commit in &promises.commits {
            let is_there = ["merge-base", "--is-ancestor", commit, "qa"];
            self.git(&repository(rig, "tour"), &is_there);
        }
        if promises.projects.contains("tour") {
            self.git(&repository(rig, "tour"), &["fsck", "--strict", "--no-dangling"]);
        }
    }

    fn git(&mut self, repository: &Path, arguments: &[&str]) {
        let mut command = Command::new("git");
        let output = command.arg("--git-dir").arg(repository).args(arguments).output();
        let output = output.expect("git is there");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let name = repository.file_name().unwrap_or_default().display();
            self.broken(format!("git {} in {name}: {}", arguments.join(" "), said.trim()));
        }
    }
}

fn is(event: &Value, kind: &str) -> bool {
    event["type"].as_str().is_some_and(|found| found.ends_with(kind))
}

/// Programs that ran more than once.
fn programs(runs: &Path) -> Vec<String> {
    let mut counts = BTreeMap::<_, u32>::new();
    let lines = fs::read_to_string(runs).unwrap_or_default();
    for line in lines.lines() {
        *counts.entry(line).or_default() += 1;
    }
    let twice = counts.into_iter().filter(|(_, count)| *count > 1);
    twice.map(|(job, count)| format!("the program of job {job} ran {count} times")).collect()
}

/// What is written down about jobs, where it is not whole.
fn notes(jobs: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for job in fs::read_dir(jobs).into_iter().flatten().flatten() {
        for name in ["started.json", "result.json"] {
            let path = job.path().join(name);
            let whole = fs::read(&path).map(|text| serde_json::from_slice::<Value>(&text).is_ok());
            if matches!(whole, Ok(false)) {
                broken.push(format!("{} is not whole", path.display()));
            }
        }
    }
    broken
}
