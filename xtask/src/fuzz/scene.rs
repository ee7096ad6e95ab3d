//! A server with enough in it that questions get answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::server::Server;
use crate::workspace::Workspace;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
kind: Shipyard
metadata: { name: shop }
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks: [{ name: approval }, { name: deployment }]
        - name: release
          tasks: [{ name: approval }, { name: deployment }]
";
/// Nobody is called: what is made up may be the address of somebody.
const CONFIGURATION: &str = "[upstream]\ndeny = [\".*\"]\n";
/// What questions are about. The examples of the document have other names, because some of them delete.
const NAME: &str = "shop";
const SERVICE: &str = "cart";
/// What may be deleted.
const SPARE: [&str; 4] = ["spare-0", "spare-1", "spare-2", "spare-3"];
/// How long a delivery may take to come to its approval.
const PATIENCE: Duration = Duration::from_secs(20);

const PROJECT: &str = "/api/controlPlane/v1/project";

pub(super) struct Scene {
    directory: PathBuf,
    pub(super) server: Server,
}

impl Scene {
    pub(super) fn new(workspace: &Workspace) -> Result<Self> {
        let directory = workspace.target.join("fuzz");
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {directory:?}"))?;
        }
        fs::create_dir_all(&directory)?;
        let configuration = directory.join("tidegate.toml");
        fs::write(&configuration, CONFIGURATION)?;
        let binary = workspace.target.join("debug/tidegate");
        let server = Server::configured(&binary, &directory.join("data"), Some(&configuration))?;
        let scene = Self { directory, server };
        let template = fs::read_to_string(workspace.api_checks().join("schemathesis.toml"))?;
        fs::write(scene.config(), scene.fill(&template)?)?;
        Ok(scene)
    }

    /// Where all of it is.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The configuration of the run.
    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("schemathesis.toml")
    }

    /// The document of the API in a file, and how many operations it has.
    pub(super) fn document(&self) -> Result<(PathBuf, usize)> {
        let document = self.server.connect()?.get("/api/openapi.json")?;
        let paths = document["paths"].as_object().context("the document has no paths")?;
        let operations =
            paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum();
        let file = self.directory.join("openapi.json");
        fs::write(&file, document.to_string())?;
        Ok((file, operations))
    }

    pub(super) fn is_ready(&self) -> Result<()> {
        self.server.connect()?.get("/ready").map(drop)
    }

    /// Projects, services, files, and deliveries that wait; their names are put into the configuration.
    fn fill(&self, template: &str) -> Result<String> {
        let mut api = self.server.connect()?;
        for name in [NAME].iter().chain(&SPARE) {
            api.post(PROJECT, &json!({"name": name, "shipyard": STANDARD.encode(SHIPYARD)}))?;
        }
        for name in [SERVICE].iter().chain(&SPARE) {
            let path = format!("{PROJECT}/{NAME}/service");
            api.post(&path, &json!({"serviceName": name}))?;
        }
        let files = json!({"resources": [
            {"resourceURI": "slo.yaml", "resourceContent": STANDARD.encode("spec_version: '1.0'\n")},
            {"resourceURI": "job/config.yaml", "resourceContent": STANDARD.encode("apiVersion: v2\n")},
        ]});
        let place =
            format!("/api/resource-service/v1/project/{NAME}/stage/qa/service/{SERVICE}/resource");
        let written = api.post(&place, &files)?;
        trigger(&mut api, "qa", "delivery")?;
        let sent = trigger(&mut api, "production", "release")?;
        let approval = approval(&mut api)?;
        let mut filled = template.to_owned();
        for (key, value) in [
            ("@COMMIT@", &written["commitID"]),
            ("@CONTEXT@", &sent["keptnContext"]),
            ("@APPROVAL@", &approval["id"]),
            ("@SUBJECT@", &approval["subject"]),
            ("@SHIPYARD@", &Value::from(STANDARD.encode(SHIPYARD))),
        ] {
            ensure!(filled.contains(key), "nothing asks for {key}");
            filled = filled.replace(key, value.as_str().context("an answer lacks an id")?);
        }
        Ok(filled)
    }
}

fn trigger(api: &mut Connection, stage: &str, sequence: &str) -> Result<Value> {
    api.post(
        "/api/v1/event",
        &json!({
            "type": format!("sh.keptn.event.{stage}.{sequence}.triggered"), "source": "fuzz",
            "data": {"project": NAME, "stage": stage, "service": SERVICE,
                "configurationChange": {"values": {"image": "carts:1"}}}
        }),
    )
}

/// The approval, once the delivery has come to it.
fn approval(api: &mut Connection) -> Result<Value> {
    let begin = Instant::now();
    loop {
        let page = api.get("/api/tidegate/v1/approvals")?;
        if let Some(open) = page["approvals"].get(0) {
            return Ok(open.clone());
        }
        ensure!(begin.elapsed() < PATIENCE, "no approval was asked for");
        std::thread::sleep(Duration::from_millis(50));
    }
}
