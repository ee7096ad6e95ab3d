//! A server with a project whose `qa` is gated.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, until};

/// Tests, and lets the gate decide whether production is next.
const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks:
            - name: test
            - name: evaluation
              properties: { timeframe: 5m }
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks:
            - { name: approval, properties: { pass: automatic, warning: manual } }
            - { name: deployment }
        - name: remediation
          triggeredOn:
            - event: production.remediation.finished
              selector: { match: { evaluation.result: fail } }
          tasks: [{ name: get-action }, { name: action }, { name: evaluation }]
";

/// A test whose measurement is the tag of the image: `hello:0.25` takes 0.25 s.
pub(crate) const JOBS: &str = r#"
apiVersion: v2
actions:
  - name: Test
    events: [{name: "sh.keptn.event.test.triggered"}]
    tasks:
      - name: Measure
        image: "shell:1"
        cmd: ["sh"]
        args: ["-c", "mkdir -p /keptn/results && echo \"{\\\"p95\\\": ${IMAGE##*:}}\" > /keptn/results/run.json"]
        env: [{name: IMAGE, value: "$.data.configurationChange.values.image", valueFrom: event}]
"#;

pub(crate) const SLI: &str = "indicators:\n  latency: json:run.json#$.p95\n";

pub(crate) const SLO: &str = "\
comparison: { compare_with: single_result, include_result_with_score: pass, aggregate_function: avg }
objectives:
  - sli: latency
    displayName: Response time
    key_sli: true
    pass: [{ criteria: ['<0.5', '<=+50%'] }]
total_score: { pass: '100%' }
";

/// The server, and where it keeps everything.
pub(crate) struct Place {
    pub(crate) server: Server,
    _directory: TempDir,
}

impl Place {
    /// A gated project, with these lines in the server's configuration.
    pub(crate) fn with(lines: &str) -> Self {
        Self::of(SHIPYARD, lines)
    }

    /// The same with another shipyard.
    pub(crate) fn of(shipyard: &str, lines: &str) -> Self {
        Self::made(shipyard, lines, None)
    }

    /// The same with all that the server can say appended to a file.
    pub(crate) fn logged(lines: &str, log: PathBuf) -> Self {
        Self::made(SHIPYARD, lines, Some(log))
    }

    fn made(shipyard: &str, lines: &str, log: Option<PathBuf>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = configured(directory.path(), lines, log);
        let body = json!({"name": "tour", "shipyard": STANDARD.encode(shipyard)});
        assert_eq!(server.post("/api/controlPlane/v1/project", &body).0, 201);
        let service = json!({"serviceName": "hello"});
        assert_eq!(server.post("/api/controlPlane/v1/project/tour/service", &service).0, 200);
        let place = Self { server, _directory: directory };
        place.put("qa", "job/config.yaml", JOBS);
        place
    }

    /// Writes a file of the service.
    pub(crate) fn put(&self, stage: &str, path: &str, text: &str) {
        self.put_at(&format!("tour/stage/{stage}/service/hello"), path, text);
    }

    /// Writes a file of a project, a stage or a service, such as `tour/stage/qa`.
    pub(crate) fn put_at(&self, at: &str, path: &str, bytes: impl AsRef<[u8]>) {
        let files = json!({"resources": [
            {"resourceURI": path, "resourceContent": STANDARD.encode(bytes)}]});
        let resources = format!("/api/resource-service/v1/project/{at}/resource");
        assert_eq!(self.server.post(&resources, &files).0, 201);
    }

    /// Waits for the only event of a type in a context.
    pub(crate) fn event(&self, context: &str, kind: &str) -> Value {
        self.events(context, kind, 1).remove(0)
    }

    /// Waits until a context has so many events of a type, and gives them, newest first.
    pub(crate) fn events(&self, context: &str, kind: &str, count: usize) -> Vec<Value> {
        let events = until(kind, || {
            let events = self.server.events(context, kind);
            (events.len() >= count).then_some(events)
        });
        assert_eq!(events.len(), count, "{kind}: {events:?}");
        events
    }

    /// Delivers an image and waits for what its gate says.
    pub(crate) fn evaluated(&self, image: &str) -> (String, Value) {
        let context = self.server.deliver(image);
        let evaluated = self.event(&context, "evaluation.finished");
        (context, evaluated)
    }

    /// An answer of another program to an event that is no task of a sequence.
    pub(crate) fn tell(&self, kind: &str, to: &Value, data: &Value) {
        let mut all = json!({});
        for key in ["project", "stage", "service"] {
            all[key] = to["data"][key].clone();
        }
        for (key, value) in data.as_object().expect("an object") {
            all[key] = value.clone();
        }
        let event = json!({"type": format!("sh.keptn.event.{kind}"), "source": "somebody",
            "shkeptncontext": to["shkeptncontext"], "triggeredid": to["id"], "data": all});
        assert_eq!(self.server.post("/api/v1/event", &event).0, 200);
    }
}

fn configured(directory: &Path, lines: &str, log: Option<PathBuf>) -> Server {
    let config = directory.join("tidegate.toml");
    let text = format!(
        "{lines}\n[audit]\nkey = \"{0}/audit-key\"\n[upstream]\nkey = \"{0}/upstream-key\"\n\
         [[jobs.images]]\nimage = \"shell:*\"\ncommands = {{ sh = [\"/bin/sh\"] }}\n",
        directory.display()
    );
    std::fs::write(&config, text).expect("there is room");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&config, private).expect("it is ours");
    let data = directory.join("data");
    match log {
        Some(log) => Server::logged(&data, config, log),
        None => Server::configured(&data, Some(config)),
    }
}

/// The only objective of an evaluation.
pub(crate) fn objective(evaluated: &Value) -> &Value {
    let all = evaluated["data"]["evaluation"]["indicatorResults"].as_array();
    let [objective] = all.expect("objectives").as_slice() else { panic!("{evaluated}") };
    objective
}
