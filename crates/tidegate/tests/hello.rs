//! The hello service and its tools, as processes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A state directory whose processes end with the test.
struct Stages(tempfile::TempDir);

impl Stages {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.arg("hello").args(words).arg("--state").arg(self.0.path());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        // Reads to the end of the pipes: it would hang if the service had inherited them.
        self.command(words).output().expect("it runs")
    }

    fn deploy(&self, stage: &str, image: &str) -> String {
        let deployed = self.run(&deploy(stage, image));
        let error = String::from_utf8_lossy(&deployed.stderr);
        assert!(deployed.status.success(), "{error}");
        String::from_utf8(deployed.stdout).expect("text")
    }

    fn record(&self, stage: &str) -> Value {
        let text = std::fs::read_to_string(self.0.path().join(format!("{stage}.json")));
        serde_json::from_str(&text.expect("a record")).expect("JSON")
    }

    fn address(&self, stage: &str) -> SocketAddr {
        self.record(stage)["address"].as_str().and_then(|text| text.parse().ok()).expect("address")
    }

    fn pid(&self, stage: &str) -> String {
        self.record(stage)["pid"].to_string()
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        drop(self.command(&["stop"]).output());
    }
}

fn deploy<'a>(stage: &'a str, image: &'a str) -> [&'a str; 7] {
    ["deploy", "--service", "helloservice", "--stage", stage, "--image", image]
}

/// What `http://address/` answers, without its head.
fn body(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn lives(pid: &str) -> bool {
    Path::new("/proc").join(pid).join("cwd").exists()
}

fn kill(pid: &str) {
    let killed = Command::new("kill").args(["-KILL", pid]).status().expect("kill is there");
    assert!(killed.success());
    while lives(pid) {
        std::thread::yield_now();
    }
}

#[test]
fn a_new_version_takes_the_place_and_the_address_of_the_old_one() {
    let stages = Stages::new();
    stages.deploy("production", "tidegate/hello:v0.1.0");
    let (address, first) = (stages.address("production"), stages.pid("production"));
    assert_eq!(body(address).unwrap(), "Hello from production: helloservice v0.1.0\n");
    let said = stages.deploy("production", "tidegate/hello:v0.1.1");
    assert!(said.contains("v0.1.0 stopped") && said.contains("v0.1.1 answers"), "{said}");
    assert_eq!(stages.address("production"), address);
    assert_eq!(body(address).unwrap(), "Hello from production: helloservice v0.1.1\n");
    assert!(!lives(&first));
}

#[test]
fn stages_have_addresses_of_their_own() {
    let stages = Stages::new();
    stages.deploy("qa", "hello:v2");
    stages.deploy("production", "hello:v1");
    assert_eq!(body(stages.address("qa")).unwrap(), "Hello from qa: helloservice v2\n");
    let production = body(stages.address("production")).unwrap();
    assert_eq!(production, "Hello from production: helloservice v1\n");
}

#[test]
fn deploying_what_runs_changes_nothing_and_what_died_is_started_again() {
    let stages = Stages::new();
    stages.deploy("qa", "hello:v1");
    let (address, first) = (stages.address("qa"), stages.pid("qa"));
    let said = stages.deploy("qa", "hello:v1");
    assert!(said.contains("runs already"), "{said}");
    assert_eq!(stages.pid("qa"), first);
    kill(&first);
    let said = stages.deploy("qa", "hello:v1");
    assert!(said.contains("v1 answers"), "{said}");
    assert_ne!(stages.pid("qa"), first);
    assert_eq!(body(address).unwrap(), "Hello from qa: helloservice v1\n");
}

#[test]
fn what_is_slow_alone_is_quick_again_with_a_second_one_at_the_same_address() {
    let stages = Stages::new();
    let deploy = deploy("production", "hello:v3");
    let slow = [&deploy[..], &["--delay-alone-ms", "300"]].concat();
    assert!(stages.run(&slow).status.success());
    let (address, begun) = (stages.address("production"), Instant::now());
    body(address).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let scaled = stages.run(&[&slow[..], &["--replicas", "2"]].concat());
    assert!(scaled.status.success());
    assert_eq!(stages.address("production"), address);
    assert_eq!(stages.record("production")["nature"]["replicas"], 2);
    let checked = stages.run(&["check", "--stage", "production", "--requests", "3"]);
    let table = String::from_utf8(checked.stdout).unwrap();
    let slowest = table.lines().find_map(|line| line.trim().strip_prefix("slowest")).unwrap();
    let slowest: f64 = slowest.trim().trim_end_matches(" ms").parse().unwrap();
    assert!(slowest < 300.0, "{table}");
}

#[test]
fn the_service_has_a_session_of_its_own_and_no_environment() {
    let stages = Stages::new();
    let mut deploy = stages.command(&deploy("qa", "hello:v1"));
    assert!(deploy.env("A_SECRET", "x").output().expect("it runs").status.success());
    let pid = stages.pid("qa");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name in brackets: state, parent, group, session.
    let session = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, pid);
    assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
}

#[test]
fn two_deployments_at_once_take_turns() {
    let stages = Stages::new();
    let images = ["hello:v1", "hello:v2", "hello:v3"];
    let children = images.map(|image| {
        let mut command = stages.command(&deploy("qa", image));
        command.stdout(Stdio::null()).spawn().expect("it starts")
    });
    for mut child in children {
        assert!(child.wait().expect("it is ours").success());
    }
    let version = stages.record("qa")["version"].as_str().unwrap().to_owned();
    let answer = body(stages.address("qa")).unwrap();
    assert_eq!(answer, format!("Hello from qa: helloservice {version}\n"));
}

#[test]
fn a_check_measures_what_answers_and_fails_where_nothing_does() {
    let stages = Stages::new();
    stages.deploy("qa", "hello:v1");
    let check = ["check", "--stage", "qa", "--requests", "7"];
    let checked = stages.run(&check);
    let table = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success(), "{table}");
    assert!(table.starts_with("7 requests to http://127.0.0.1:"), "{table}");
    assert!(table.contains("answered        7") && table.contains("median"), "{table}");
    let url = format!("http://{}/", stages.address("qa"));
    assert!(stages.run(&["check", "--url", &url]).status.success());
    assert!(stages.run(&["stop"]).status.success());
    let checked = stages.run(&check);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("nothing runs in qa"));
    assert_eq!(stages.run(&["check", "--url", &url, "--requests", "2"]).status.code(), Some(1));
}

#[test]
fn stopping_ends_every_stage_also_with_a_connection_that_says_nothing() {
    let stages = Stages::new();
    stages.deploy("qa", "hello:v1");
    stages.deploy("production", "hello:v1");
    let idle = TcpStream::connect(stages.address("qa")).unwrap();
    let said = String::from_utf8(stages.run(&["stop"]).stdout).unwrap();
    assert_eq!(said, "production: helloservice v1 stopped\nqa: helloservice v1 stopped\n");
    for stage in ["qa", "production"] {
        assert!(!lives(&stages.pid(stage)), "{stage}");
        assert!(body(stages.address(stage)).is_err(), "{stage}");
    }
    assert_eq!(stages.run(&["stop"]).stdout, b"", "nothing is left to stop");
    drop(idle);
}

#[test]
fn an_image_without_a_version_and_a_taken_port_are_refused_with_advice() {
    let stages = Stages::new();
    let refused = stages.run(&deploy("qa", "hello"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("names no version"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    std::fs::write(stages.0.path().join("qa.port"), port.to_string()).unwrap();
    let refused = stages.run(&deploy("qa", "hello:v1"));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(error.contains("taken by another program") && error.contains("qa.port"), "{error}");
}
