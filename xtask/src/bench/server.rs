//! What the server costs: start, memory, and the way from an answer to the next task. All over HTTP,
//! one client, one connection, one request at a time; an answer means that it is durable.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Latencies;

const TOKEN: &str = "a-token-for-benchmarks-only";
const EVENT: &str = "/api/v1/event";

/// What was measured.
pub(crate) struct Figures {
    /// From starting the process to its first durable answer.
    pub(crate) cold_start: Latencies,
    /// Resident memory of an idle server, in KiB.
    pub(crate) idle_kib: u64,
    /// From sending `.finished` to its answer; the next `.triggered` is durable then.
    pub(crate) finished: Latencies,
    /// From sending a decision to its answer; the next `.triggered` is durable then.
    pub(crate) decided: Latencies,
    /// Resident memory after all of that, in KiB.
    pub(crate) used_kib: u64,
}

/// Runs `binary` on an empty directory below `data`, which is removed afterwards.
pub(crate) fn measure(binary: &Path, data: &Path, duration: Duration) -> Result<Figures> {
    let directory = data.join("server");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let figures = rows(binary, &directory, duration);
    fs::remove_dir_all(&directory).context("cannot remove what was measured")?;
    figures
}

fn rows(binary: &Path, directory: &Path, duration: Duration) -> Result<Figures> {
    let mut server = Server::start(binary, directory)?;
    server.create_project()?;
    drop(server);
    let mut starts = Vec::new();
    for round in 0..10 {
        let begun = Instant::now();
        let mut server = Server::start(binary, directory)?;
        server.trigger("start", &format!("start-{round}"))?;
        starts.push(begun.elapsed());
    }
    let mut server = Server::start(binary, directory)?;
    server.get("/api/v1/metadata")?;
    let idle_kib = server.resident_kib()?;
    let finished = tasks(&mut server, duration)?;
    let decided = decisions(&mut server, duration)?;
    let used_kib = server.resident_kib()?;
    let all = |samples| Latencies::new(samples).context("nothing was measured");
    Ok(Figures { cold_start: all(starts)?, idle_kib, finished, decided, used_kib })
}

/// Sequences of twenty tasks, executed one after the other.
fn tasks(server: &mut Server, duration: Duration) -> Result<Latencies> {
    let (mut samples, mut round) = (Vec::new(), 0);
    let end = Instant::now() + duration;
    while Instant::now() < end {
        round += 1;
        server.trigger("chain", &format!("chain-{round}"))?;
        while let Some(open) = server.open("step")? {
            server.answer(&open, "started")?;
            samples.push(server.answer(&open, "finished")?);
        }
    }
    Latencies::new(samples).context("nothing was measured")
}

/// Approvals, each followed by one task.
fn decisions(server: &mut Server, duration: Duration) -> Result<Latencies> {
    let (mut samples, mut round) = (Vec::new(), 0);
    let end = Instant::now() + duration;
    while Instant::now() < end {
        round += 1;
        server.trigger("gate", &format!("gate-{round}"))?;
        let open = server.open("approval")?.context("the approval waits")?;
        let id = open["id"].as_str().context("an id")?;
        let path = format!("/api/tidegate/v1/approvals/{id}/decision");
        let begun = Instant::now();
        server.post(&path, &json!({"decision": "approve"}))?;
        samples.push(begun.elapsed());
    }
    Latencies::new(samples).context("nothing was measured")
}

struct Server {
    child: Child,
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    fn start(binary: &Path, directory: &Path) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory)
            .env("TIDEGATE_API_TOKEN", TOKEN)
            .env("TIDEGATE_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("it was piped")?).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://")?.1.split(['/', ' ']).next()?.parse().ok());
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.context("the server did not say where it listens")?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { child, address, stream: BufReader::new(stream) })
    }

    fn create_project(&mut self) -> Result<()> {
        let chain: String = (0..20).map(|_| "            - { name: step }\n").collect();
        let shipyard = format!(
            "apiVersion: spec.keptn.sh/0.2.2\nspec:\n  stages:\n    - name: qa\n      sequences:\n\
             \x20       - name: start\n          tasks: [{{ name: idle }}]\n\
             \x20       - name: gate\n          tasks: [{{ name: approval }}, {{ name: idle }}]\n\
             \x20       - name: chain\n          tasks:\n{chain}"
        );
        let body = json!({"name": "bench", "shipyard": STANDARD.encode(shipyard)});
        self.post("/api/controlPlane/v1/project", &body).map(drop)
    }

    fn trigger(&mut self, sequence: &str, service: &str) -> Result<()> {
        let kind = format!("sh.keptn.event.qa.{sequence}.triggered");
        let data = json!({"project": "bench", "stage": "qa", "service": service,
            "configurationChange": {"values": {"image": "hello:v1"}}});
        self.post(EVENT, &json!({"type": kind, "source": "bench", "data": data})).map(drop)
    }

    /// The newest open task of that name.
    fn open(&mut self, task: &str) -> Result<Option<Value>> {
        let path = format!(
            "/api/controlPlane/v1/event/triggered/sh.keptn.event.{task}.triggered?project=bench&pageSize=1"
        );
        Ok(self.get(&path)?["events"].get(0).cloned())
    }

    fn answer(&mut self, open: &Value, phase: &str) -> Result<Duration> {
        let kind = open["type"].as_str().context("a type")?.replace("triggered", phase);
        let data = json!({"project": "bench", "stage": "qa", "service": open["data"]["service"],
            "result": "pass", "status": "succeeded"});
        let body = json!({"type": kind, "source": "bench", "data": data,
            "shkeptncontext": open["shkeptncontext"], "triggeredid": open["id"]});
        let begun = Instant::now();
        self.post(EVENT, &body)?;
        Ok(begun.elapsed())
    }

    fn resident_kib(&self) -> Result<u64> {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = fs::read_to_string(path).context("memory can be read on Linux only")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let words = line.and_then(|rest| rest.split_whitespace().next());
        words.and_then(|kib| kib.parse().ok()).context("VmRSS is not there")
    }

    fn get(&mut self, path: &str) -> Result<Value> {
        self.request("GET", path, "")
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.request("POST", path, &body.to_string())
    }

    fn request(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-token: {TOKEN}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut code, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server closed the connection");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                code = rest.split(' ').next().unwrap_or_default().parse()?;
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        if !(200..300).contains(&code) {
            bail!("{method} {path} was answered {code}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
