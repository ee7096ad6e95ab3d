//! What a client sends to move deliveries, and how long that takes. An answer means that it is
//! durable.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::connection::Connection;

const EVENT: &str = "/api/v1/event";
pub(crate) const APPROVALS: &str = "/api/tidegate/v1/approvals";

impl Connection {
    /// A project of one stage, `qa`: `start` has one task, `gate` an approval and a task, `chain`
    /// twenty tasks.
    pub(crate) fn create_project(&mut self) -> Result<()> {
        self.create_project_at(None)
    }

    /// The same, whose files may be kept elsewhere.
    pub(crate) fn create_project_at(&mut self, upstream: Option<&str>) -> Result<()> {
        let chain = ["{ name: step }"; 20].join(", ");
        let shipyard = format!(
            "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: qa\n      sequences:\n\
             \x20       - name: start\n          tasks: [{{ name: idle }}]\n\
             \x20       - name: gate\n          tasks: [{{ name: approval }}, {{ name: idle }}]\n\
             \x20       - name: chain\n          tasks: [{chain}]\n"
        );
        let mut body = json!({"name": "bench", "shipyard": STANDARD.encode(shipyard)});
        if let Some(url) = upstream {
            body["gitCredentials"] =
                json!({"remoteURL": url, "user": "u", "https": {"token": "t"}});
        }
        self.post("/api/controlPlane/v1/project", &body).map(drop)
    }

    /// A service of that project.
    pub(crate) fn create_service(&mut self, name: &str) -> Result<()> {
        let path = "/api/controlPlane/v1/project/bench/service";
        self.post(path, &json!({"serviceName": name})).map(drop)
    }

    /// Answers the context.
    pub(crate) fn trigger(&mut self, sequence: &str, service: &str) -> Result<String> {
        let kind = format!("sh.keptn.event.qa.{sequence}.triggered");
        let data = json!({"project": "bench", "stage": "qa", "service": service,
            "configurationChange": {"values": {"image": "hello:v1"}}});
        let answer = self.post(EVENT, &json!({"type": kind, "source": "bench", "data": data}))?;
        text(&answer, "keptnContext").map(str::to_owned)
    }

    /// The newest open task of that name for a service.
    pub(crate) fn open_task(&mut self, task: &str, service: &str) -> Result<Option<Value>> {
        let path = format!(
            "/api/controlPlane/v1/event/triggered/sh.keptn.event.{task}.triggered\
             ?project=bench&service={service}&pageSize=1"
        );
        Ok(self.get(&path)?["events"].get(0).cloned())
    }

    /// `.started` or `.finished` to an open task.
    pub(crate) fn answer_task(&mut self, open: &Value, phase: &str) -> Result<Duration> {
        let kind = text(open, "type")?.replace("triggered", phase);
        let data = json!({"project": "bench", "stage": "qa", "service": open["data"]["service"],
            "result": "pass", "status": "succeeded"});
        let body = json!({"type": kind, "source": "bench", "data": data,
            "shkeptncontext": open["shkeptncontext"], "triggeredid": open["id"]});
        let begun = Instant::now();
        self.post(EVENT, &body)?;
        Ok(begun.elapsed())
    }

    /// The ids of the oldest approvals that wait, at most 1,000.
    pub(crate) fn open_approvals(&mut self) -> Result<Vec<String>> {
        let page = self.get(&format!("{APPROVALS}?state=open&limit=1000"))?;
        let approvals = page["approvals"].as_array().context("a list of approvals")?;
        approvals.iter().map(|approval| text(approval, "id").map(str::to_owned)).collect()
    }

    pub(crate) fn approve(&mut self, id: &str) -> Result<()> {
        let path = format!("{APPROVALS}/{id}/decision");
        self.post(&path, &json!({"decision": "approve"})).map(drop)
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("{key} is missing in {value}"))
}

/// Does it again and again for as long as given, but at least once, and takes the time of each. None
/// ends it early.
pub(crate) fn repeat(
    duration: Duration,
    mut once: impl FnMut() -> Result<Option<()>>,
) -> Result<Vec<Duration>> {
    let (mut samples, start) = (Vec::new(), Instant::now());
    loop {
        let begun = Instant::now();
        if once()?.is_none() {
            return Ok(samples);
        }
        samples.push(begun.elapsed());
        if start.elapsed() >= duration {
            return Ok(samples);
        }
    }
}
