//! A server that has done some work of every kind.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exposition::Exposition;
use crate::support::browser::sign_in;
use crate::support::{Server, answer, pass, until};

pub(crate) const PROJECT: &str = "tour";

/// A job that says something.
const JOBS: &str = r#"
apiVersion: v2
actions:
  - name: "Deploy"
    events: [{name: "sh.keptn.event.deployment.triggered"}]
    tasks: [{name: "Deploy", image: "shell:1", cmd: ["sh"], args: ["-c", "echo deployed"]}]
"#;

/// One approval of project `tour` waits in `production`, one was declined, and one sequence was aborted.
pub(crate) struct Worked {
    pub(crate) server: Server,
    _directory: TempDir,
}

impl Worked {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Self::configured(directory.path(), "");
        server.create_tour();
        let files = json!({"resources": [
            {"resourceURI": "job/config.yaml", "resourceContent": STANDARD.encode(JOBS)}]});
        let resources = "/api/resource-service/v1/project/tour/stage/qa/service/hello/resource";
        assert_eq!(server.post(resources, &files).0, 201);
        let aborted = server.deliver("hello:0");
        let path = format!("/api/controlPlane/v1/sequence/tour/{aborted}/control");
        assert_eq!(server.post(&path, &json!({"state": "abort"})).0, 200);
        let worked = Self { server, _directory: directory };
        worked.wait_at_approval("hello:1");
        let approval = &worked.server.approvals()[0];
        assert_eq!(worked.decide(approval, "decline"), 200);
        assert_eq!(worked.decide(approval, "approve"), 409, "it was decided otherwise");
        worked.wait_at_approval("hello:2");
        worked
    }

    /// A server on a directory of its own, with these lines in its configuration.
    pub(crate) fn configured(directory: &Path, lines: &str) -> Server {
        let config = directory.join("tidegate.toml");
        let text = format!(
            "{lines}\n[audit]\nkey = \"{0}/audit-key\"\n[upstream]\nkey = \"{0}/upstream-key\"\n\
             [secrets.registry]\nPASSWORD = \"hunter2\"\n\
             [[jobs.images]]\nimage = \"shell:*\"\ncommands = {{ sh = [\"/bin/sh\"] }}\n",
            directory.display()
        );
        std::fs::write(&config, text).expect("there is room");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&config, private).expect("it is ours");
        Server::configured(&directory.join("data"), Some(config))
    }

    /// The job deploys, somebody else tests, and then an approval waits.
    pub(crate) fn wait_at_approval(&self, image: &str) {
        let context = self.server.deliver(image);
        let test = until("the job to have deployed", || {
            let mut open = self.server.open("test").into_iter();
            open.find(|event| event["shkeptncontext"] == *context)
        });
        for phase in ["started", "finished"] {
            assert_eq!(self.server.post("/api/v1/event", &answer(&test, phase, &pass())).0, 200);
        }
    }

    /// Decides by the API; what it answers.
    pub(crate) fn decide(&self, approval: &Value, decision: &str) -> u16 {
        let id = approval["id"].as_str().expect("an id");
        let vote = json!({"decision": decision, "subject": approval["subject"]});
        self.server.post(&format!("/api/tidegate/v1/approvals/{id}/decision"), &vote).0
    }

    pub(crate) fn shown(&self) -> Exposition {
        Exposition::of(&self.server)
    }
}

/// A page that is kept up to date, from its first line on.
pub(crate) fn open_stream(server: &Server) -> TcpStream {
    let cookie = sign_in(server, "ada");
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    let head =
        format!("GET /bridge/live?topic=all HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut first = String::new();
    BufReader::new(&stream).read_line(&mut first).expect("an answer");
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    stream
}
