//! `tidegate demo`, killed and started again.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use support::{Dice, PATIENCE, Server, until};

/// A demo process. Killed when dropped.
struct Demo {
    child: Child,
    data: PathBuf,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Demo {
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut command = tidegate(&["demo", "--listen", "127.0.0.1:0"]);
        command.args(more).arg("--data-dir").arg(data);
        Self::spawn(command, data)
    }

    fn spawn(mut command: Command, data: &Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the demo starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, data: data.to_owned(), lines, said: Vec::new() }
    }

    /// Reads on until a line holds `what`, and gives it.
    fn says(&mut self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(why) => panic!("no {what:?} ({why:?}) in:\n{}", self.said.join("\n")),
            }
        }
    }

    /// The id that it asks to approve.
    fn asks(&mut self) -> String {
        let line = self.says(" approve ");
        let id = line.split(" approve ").nth(1).and_then(|rest| rest.split(' ').next());
        id.expect("an id").to_owned()
    }

    fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is ours");
    }

    fn signal(&mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().expect("kill is there");
        self.ends()
    }

    fn ends(&mut self) -> Option<i32> {
        self.child.wait().expect("it is ours").code()
    }

    fn decide(&self, words: &[&str]) -> Output {
        tidegate(words).arg("--data-dir").arg(&self.data).output().expect("it runs")
    }

    fn approve(&self, id: &str) {
        let done = self.decide(&["approve", id]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// What is kept about the process of a stage.
    fn service(&self, stage: &str) -> Value {
        let text = std::fs::read_to_string(self.data.join(format!("hello/{stage}.json")));
        serde_json::from_str(&text.expect("a record")).expect("JSON")
    }

    /// What the address of a stage answers.
    fn answer(&self, stage: &str) -> String {
        let address = self.service(stage)["address"].as_str().and_then(|text| text.parse().ok());
        body(address.expect("an address")).expect("it answers")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory for demos. What they left running ends with it.
struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let below = std::fs::read_dir(self.path()).into_iter().flatten().flatten();
        for demo in below.map(|entry| entry.path()).chain([self.path().to_owned()]) {
            if demo.join("hello").exists() {
                drop(tidegate(&["hello", "stop", "--state"]).arg(demo.join("hello")).output());
            }
        }
    }
}

fn tidegate(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(words).env_remove("TIDEGATE_ENDPOINT").env_remove("TIDEGATE_API_TOKEN");
    command
}

fn body(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn lives(pid: &Value) -> bool {
    Path::new("/proc").join(pid.to_string()).join("cwd").exists()
}

/// The events of a type in the newest delivery, read by a server of its own after the demo's end.
fn events(data: &Path, kind: &str) -> Vec<Value> {
    let server = Server::start(data);
    let (code, states) = server.get("/api/controlPlane/v1/sequence/fulltour");
    assert_eq!(code, 200, "{states}");
    let context = states["states"][0]["shkeptncontext"].as_str().expect("a delivery").to_owned();
    server.events(&context, kind)
}

#[test]
fn killed_while_the_release_waits_it_goes_on_and_the_approval_counts_once() {
    let directory = Directory::new();
    let mut demo = Demo::start(directory.path());
    let id = demo.asks();
    assert_eq!(demo.answer("production"), "Hello from production: helloservice v0.1.0\n");
    let services = [demo.service("qa"), demo.service("production")];
    demo.kill();
    assert!(services.iter().all(|service| lives(&service["pid"])), "they outlive the demo");

    let mut demo = Demo::start(directory.path());
    assert_eq!(demo.asks(), id, "the same approval waits");
    assert_eq!([demo.service("qa"), demo.service("production")], services, "they are adopted");
    let said = demo.said.join("\n");
    assert!(said.contains("v0.1.1-slow was stopped by its gate in qa:"), "{said}");
    assert!(said.contains("Response time (95 %, ms)"), "the reason: {said}");
    demo.approve(&id);
    demo.says("production now answers");
    assert_eq!(demo.answer("production"), "Hello from production: helloservice v0.1.1\n");
    assert_eq!(demo.service("production")["address"], services[1]["address"]);
    demo.approve(&id);
    assert_eq!(demo.signal("-TERM"), Some(0));
    assert_eq!(events(directory.path(), "approval.finished").len(), 1);
}

#[test]
fn killed_in_the_middle_of_a_job_its_result_is_reported_once() {
    let directory = Directory::new();
    let mut demo = Demo::start(directory.path());
    let id = demo.asks();
    // Whoever deploys to production waits for this lock: the job has begun and cannot end.
    let turn = File::options().write(true).open(directory.path().join("hello/production.turn"));
    let turn = turn.expect("production was deployed to");
    flock(&turn, FlockOperation::LockExclusive).expect("nobody deploys now");
    let before = started(directory.path());
    demo.approve(&id);
    until("the job to begin", || (started(directory.path()).len() > before.len()).then_some(()));
    demo.kill();

    let mut demo = Demo::start_with(directory.path(), &["--exit-after", "delivered"]);
    drop(turn);
    assert_eq!(demo.ends(), Some(0));
    assert_eq!(demo.service("production")["version"], "v0.1.1");
    assert_eq!(started(directory.path()).len(), before.len() + 1, "one job, begun once");
    for kind in ["deployment.triggered", "deployment.started", "deployment.finished"] {
        assert_eq!(events(directory.path(), kind).len(), 2, "{kind}: one per stage");
    }
    for finished in events(directory.path(), "deployment.finished") {
        let message = finished["data"]["message"].as_str().unwrap_or_default();
        assert_eq!(finished["data"]["result"], "pass", "{message}");
        assert_eq!(message.matches("v0.1.1 answers on").count(), 1, "{message}");
    }
}

/// The directories of jobs whose program was started.
fn started(data: &Path) -> BTreeSet<PathBuf> {
    let jobs = std::fs::read_dir(data.join("jobs")).into_iter().flatten().flatten();
    jobs.map(|job| job.path()).filter(|job| job.join("started.json").exists()).collect()
}

#[test]
fn killed_anywhere_on_the_way_it_gets_to_one_waiting_release() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_261_124);
    println!("TIDEGATE_SEED={seed}");
    let (mut dice, directory) = (Dice(seed), Directory::new());
    for _ in 0..12 {
        let mut demo = Demo::start(directory.path());
        // Not a wait for something: the moment of the kill.
        let moment = Instant::now() + Duration::from_millis(dice.roll(120));
        let left = || moment.saturating_duration_since(Instant::now());
        while demo.lines.recv_timeout(left()).is_ok() {}
        demo.kill();
    }
    let mut demo = Demo::start(directory.path());
    demo.asks();
    let listed = demo.decide(&["approvals", "-o", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(demo.answer("qa"), "Hello from qa: helloservice v0.1.1\n");
    assert_eq!(demo.answer("production"), "Hello from production: helloservice v0.1.0\n");
    assert_eq!(demo.signal("-INT"), Some(0));
}

#[test]
fn a_stop_leaves_nothing_running_and_no_temporary_directory() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let temporary = Directory::new();
        let mut command = tidegate(&["demo", "--listen", "127.0.0.1:0"]);
        command.env("TMPDIR", temporary.path());
        let mut demo = Demo::spawn(command, temporary.path());
        demo.asks();
        let made = std::fs::read_dir(temporary.path()).expect("it is there").flatten().next();
        demo.data = made.expect("the demo made a directory").path();
        let pids = ["qa", "production"].map(|stage| demo.service(stage)["pid"].clone());
        assert_eq!(demo.signal(signal), Some(0), "{signal}");
        assert!(!pids.iter().any(lives), "{signal}");
        assert_eq!(std::fs::read_dir(temporary.path()).expect("there").count(), 0, "{signal}");
    }
}

#[test]
fn what_ran_runs_again_after_a_stop_at_the_same_address() {
    let directory = Directory::new();
    let mut demo = Demo::start_with(directory.path(), &["--exit-after", "approval-open"]);
    assert_eq!(demo.ends(), Some(0));
    let before = demo.service("production");
    assert!(!lives(&before["pid"]));
    let mut demo = Demo::start(directory.path());
    demo.asks();
    let after = demo.service("production");
    assert_eq!((&after["address"], &after["version"]), (&before["address"], &before["version"]));
    assert_eq!(demo.answer("production"), "Hello from production: helloservice v0.1.0\n");
}

#[test]
fn a_decline_is_told_and_production_stays_as_it_is() {
    let directory = Directory::new();
    let mut demo = Demo::start_with(directory.path(), &["--exit-after", "delivered"]);
    let id = demo.asks();
    let declined = demo.decide(&["decline", &id, "--comment", "error budget spent"]);
    assert!(declined.status.success(), "{}", String::from_utf8_lossy(&declined.stderr));
    demo.says("declined helloservice v0.1.1: error budget spent");
    demo.says("production still answers");
    let late = demo.decide(&["approve", &id]);
    // The demo ends by itself now: the vote is refused by the server, or nobody is there any more.
    assert!(matches!(late.status.code(), Some(3 | 7)), "{late:?}");
    assert_eq!(demo.ends(), Some(1));
    assert_eq!(demo.service("production")["version"], "v0.1.0");
}

#[test]
fn one_directory_has_one_demo() {
    let directory = Directory::new();
    let mut demo = Demo::start(directory.path());
    demo.asks();
    let second = tidegate(&["demo", "--data-dir"]).arg(directory.path()).output();
    let second = second.expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another tidegate runs"));
    assert_eq!(demo.answer("production"), "Hello from production: helloservice v0.1.0\n");
}
