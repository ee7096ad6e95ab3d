//! A server on which something has happened already, and a directory to work in.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, TOKEN, answer, pass, until};

/// A delivery that asks before production, and a sequence of one task.
pub(crate) const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: shipyard}
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{name: deployment}]
        - name: check
          tasks: [{name: test}]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{event: qa.delivery.finished}]
          tasks: [{name: approval}, {name: deployment}]
";

/// Deliveries that wait for a decision, by the ids that the examples use.
pub(crate) const FIRST: &str = "4f2c9a10-7d3e-4b5a-9c1f-2e8d6a0b3c71";
pub(crate) const SECOND: &str = "5a3d7b21-8e4f-4c6b-8d20-3f9e7b1c4d82";

pub(crate) struct Scene {
    pub(crate) server: Server,
    directory: TempDir,
}

impl Scene {
    /// A server with the project `fulltour`, and two deliveries of `helloservice` before production.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let work = directory.path();
        let event = json!({"type": "sh.keptn.event.qa.check.triggered", "source": "test",
            "data": {"project": "fulltour", "stage": "qa", "service": "helloservice"}});
        std::fs::write(work.join("shipyard.yaml"), SHIPYARD).expect("it can be written");
        std::fs::write(work.join("event.json"), event.to_string()).expect("it can be written");
        std::fs::write(
            work.join("tidegate.toml"),
            "data_dir = \"other\"\nlisten = \"127.0.0.1:0\"\n",
        )
        .expect("it can be written");
        let data = work.join("data");
        std::fs::create_dir(&data).expect("a directory");
        let scene = Self { server: Server::start(&data), directory };
        scene.create("fulltour");
        let body = json!({"serviceName": "helloservice"});
        let path = "/api/controlPlane/v1/project/fulltour/service";
        assert_eq!(scene.server.post(path, &body).0, 200);
        scene.wait_at_approval(FIRST, "hello:v1");
        scene.wait_at_approval(SECOND, "hello:v2");
        scene
    }

    pub(crate) fn create(&self, project: &str) {
        let body = json!({"name": project, "shipyard": STANDARD.encode(SHIPYARD)});
        assert_eq!(self.server.post("/api/controlPlane/v1/project", &body).0, 201);
    }

    /// Delivers an image as a sequence with this id.
    pub(crate) fn deliver(&self, context: &str, image: &str) {
        let event = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
            "shkeptncontext": context,
            "data": {"project": "fulltour", "stage": "qa", "service": "helloservice",
                "configurationChange": {"values": {"image": image}}}});
        assert_eq!(self.server.post("/api/v1/event", &event).0, 200);
    }

    fn wait_at_approval(&self, context: &str, image: &str) {
        self.deliver(context, image);
        self.execute(context, "deployment", &pass());
        self.approval(context);
    }

    /// The open task of a sequence, which an executor would find.
    pub(crate) fn open(&self, context: &str, task: &str) -> Value {
        until(task, || self.find_open(task, |event| event["shkeptncontext"] == *context))
    }

    /// Does what is asked for until somebody asks for this task, and that one too.
    pub(crate) fn execute_up_to(&self, task: &str) {
        let last = until(task, || {
            if let Some(before) = self.find_open("deployment", |_| true) {
                self.answer(&before, &pass());
            }
            self.find_open(task, |_| true)
        });
        self.answer(&last, &pass());
    }

    fn find_open(&self, task: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let kind = format!("sh.keptn.event.{task}.triggered");
        let path = format!("/api/controlPlane/v1/event/triggered/{kind}?project=fulltour");
        let events = self.server.get(&path).1["events"].clone();
        events.as_array().cloned().unwrap_or_default().into_iter().find(wanted)
    }

    /// Answers an open task.
    pub(crate) fn execute(&self, context: &str, task: &str, outcome: &Value) {
        self.answer(&self.open(context, task), outcome);
    }

    /// Answers a task.
    pub(crate) fn answer(&self, open: &Value, outcome: &Value) {
        for (phase, more) in [("started", &json!({})), ("finished", outcome)] {
            assert_eq!(self.server.post("/api/v1/event", &answer(open, phase, more)).0, 200);
        }
    }

    /// The id of the approval that a delivery waits for.
    pub(crate) fn approval(&self, context: &str) -> String {
        self.open(context, "approval")["id"].as_str().expect("an id").to_owned()
    }

    /// Approves a delivery, by the API.
    pub(crate) fn approve(&self, context: &str) {
        let id = self.approval(context);
        let path = format!("/api/tidegate/v1/approvals/{id}/decision");
        assert_eq!(self.server.post(&path, &json!({"decision": "approve"})).0, 200);
    }

    /// Brings a delivery to its end.
    pub(crate) fn finish(&self, context: &str) {
        self.approve(context);
        self.execute(context, "deployment", &pass());
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A program in the scene's directory, with the server and its token in the environment, and `tidegate`
    /// among the programs.
    pub(crate) fn program(&self, program: &str) -> Command {
        let ours = PathBuf::from(env!("CARGO_BIN_EXE_tidegate"));
        let folder = ours.parent().expect("it lies in a folder").to_owned();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(folder).chain(std::env::split_paths(&paths));
        let mut command = Command::new(program);
        command
            .current_dir(self.directory())
            .env("PATH", std::env::join_paths(paths).expect("paths without a colon"))
            .env("TIDEGATE_ENDPOINT", format!("http://{}", self.server.address))
            .env("TIDEGATE_API_TOKEN", TOKEN)
            .env("TIDEGATE_AUDIT_KEY", self.server.data.join("audit-key"))
            .env("TIDEGATE_UPSTREAM_KEY", self.server.data.join("upstream-key"))
            .env("TIDEGATE_LOG", "error")
            .env("HOME", self.directory())
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    /// Runs `tidegate` with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.program(env!("CARGO_BIN_EXE_tidegate"));
        Ran::of(&command.args(arguments).output().expect("the binary starts"))
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Its output, where it ended well.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Its output as one document.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let out = self.good();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}
