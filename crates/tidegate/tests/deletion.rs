//! A project that is deleted while its job runs, on a server that is killed meanwhile.

mod support;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::{Server, TOKEN, request, until};

/// A job that tells who it is, and would run for an hour.
const JOBS: &str = r#"
apiVersion: v2
actions:
  - name: "Linger"
    events: [{name: "sh.keptn.event.deployment.triggered"}]
    tasks:
      - name: "Linger"
        image: "shell:1"
        cmd: ["sh"]
        args: ["-c", "echo $$$$ > PID; exec sleep 3600"]
"#;

/// A server whose job of project `tour` runs, and the process of that job.
fn lingering(directory: &Path) -> (Server, u32) {
    let config = directory.join("tidegate.toml");
    let data = directory.join("data");
    let text = format!(
        "[audit]\nkey = \"{0}/audit-key\"\n[upstream]\nkey = \"{0}/upstream-key\"\n\
         [[jobs.images]]\nimage = \"shell:*\"\ncommands = {{ sh = [\"/bin/sh\"] }}\n",
        directory.display()
    );
    std::fs::write(&config, text).expect("there is room");
    let server = Server::configured(&data, Some(config));
    server.create_tour();
    let pid = directory.join("pid");
    let jobs = JOBS.replace("PID", pid.to_str().expect("a plain path"));
    let file = json!({"resources": [
        {"resourceURI": "job/config.yaml", "resourceContent": STANDARD.encode(jobs)}]});
    let path = "/api/resource-service/v1/project/tour/stage/qa/service/hello/resource";
    assert_eq!(server.post(path, &file).0, 201);
    server.deliver("hello:1");
    let pid = until("the job to run", || {
        std::fs::read_to_string(&pid).ok().and_then(|text| text.trim().parse().ok())
    });
    (server, pid)
}

fn runs(pid: u32) -> bool {
    // One that has ended and was not waited for has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn delete(server: &Server) -> Option<u16> {
    let path = "/api/controlPlane/v1/project/tour";
    let answer = request(server.address, "DELETE", path, &[("x-token", TOKEN)], b"")?;
    Some(answer.json().0)
}

#[test]
fn a_job_that_runs_is_stopped_before_its_project_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let (server, pid) = lingering(directory.path());
    assert_eq!(delete(&server), Some(200));
    assert!(!runs(pid), "the job was stopped");
    assert_eq!(server.get("/api/controlPlane/v1/project/tour").0, 404);
    server.expect_sound();
    server.create_tour();
    server.deliver("hello:2");
    server.expect_sound();
}

#[test]
fn a_deletion_that_was_cut_off_is_finished_after_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut server, pid) = lingering(directory.path());
    let address = server.address;
    let token = [("x-token", TOKEN)];
    std::thread::scope(|scope| {
        let asked = scope.spawn(move || {
            request(address, "DELETE", "/api/controlPlane/v1/project/tour", &token, b"")
        });
        // The first thing it does is to abort.
        until("the deletion to begin", || {
            let path = "/api/controlPlane/v1/sequence/tour?state=aborted";
            let (code, body) = server.get(path);
            (code == 404 || body["states"].get(0).is_some() || asked.is_finished()).then_some(())
        });
        server.kill();
    });
    server.restart();
    until("the project to be gone", || {
        (server.get("/api/controlPlane/v1/project/tour").0 == 404).then_some(())
    });
    assert!(!runs(pid), "the job was stopped");
    server.expect_sound();
}
