//! A real server process, and a client of a few lines that speaks to it.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

pub mod browser;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The installation's token in every test.
pub const TOKEN: &str = "a-token-for-tests-only";

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A port that nobody uses.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The tour's third step.
pub const SHIPYARD: &str = include_str!("../../../../examples/tour/shipyard-approval.yaml");

/// A server process on a data directory. Killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub data: PathBuf,
    config: Option<PathBuf>,
    log: Option<PathBuf>,
}

impl Server {
    /// Starts `tidegate serve` and waits until it listens.
    pub fn start(data: &Path) -> Self {
        Self::configured(data, None)
    }

    /// The same with a configuration file; it is still there when the server is started again.
    pub fn configured(data: &Path, config: Option<PathBuf>) -> Self {
        let (child, address) = spawn(data, config.as_deref(), None, ANY_PORT);
        Self { child, address, data: data.to_owned(), config, log: None }
    }

    /// The same, with all that it can say appended to a file.
    pub fn logged(data: &Path, config: PathBuf, log: PathBuf) -> Self {
        let (child, address) = spawn(data, Some(&config), Some(&log), ANY_PORT);
        Self { child, address, data: data.to_owned(), config: Some(config), log: Some(log) }
    }

    /// SIGKILL: no warning, no clean-up.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is ours");
    }

    /// Kills it and starts it again on the same directory.
    pub fn crash(&mut self) {
        self.kill();
        self.restart();
    }

    /// Starts it again on the same directory.
    pub fn restart(&mut self) {
        self.restart_at(ANY_PORT);
    }

    /// The same, on an address of the caller's.
    pub fn restart_at(&mut self, listen: SocketAddr) {
        (self.child, self.address) =
            spawn(&self.data, self.config.as_deref(), self.log.as_deref(), listen);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        self.child.wait().expect("it is ours").code()
    }

    /// Everything in its store is as it was written, and no row contradicts another.
    pub fn expect_sound(&self) {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        let output = doctor.args(["doctor", "--data-dir"]).arg(&self.data).output();
        let output = output.expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let answer = request(self.address, "GET", path, &[("x-token", TOKEN)], b"");
        answer.expect("the server answers").json()
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_post(path, body).expect("the server answers")
    }

    /// None where the server was killed before it answered.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        post(self.address, path, body)
    }

    /// Creates the project `tour` with the service `hello`.
    pub fn create_tour(&self) {
        let shipyard = STANDARD.encode(SHIPYARD);
        let body = json!({"name": "tour", "shipyard": shipyard});
        assert_eq!(self.post("/api/controlPlane/v1/project", &body).0, 201);
        let service = json!({"serviceName": "hello"});
        assert_eq!(self.post("/api/controlPlane/v1/project/tour/service", &service).0, 200);
    }

    /// Triggers a delivery to `qa` and returns its context.
    pub fn deliver(&self, image: &str) -> String {
        let (code, body) = self.post("/api/v1/event", &delivery(image));
        assert_eq!(code, 200, "{body}");
        body["keptnContext"].as_str().expect("a context").to_owned()
    }

    /// Events of a type, newest first.
    pub fn events(&self, context: &str, kind: &str) -> Vec<Value> {
        let path = format!(
            "/api/mongodb-datastore/event?keptnContext={context}&type=sh.keptn.event.{kind}&pageSize=100"
        );
        let (code, body) = self.get(&path);
        assert_eq!(code, 200, "{body}");
        body["events"].as_array().cloned().unwrap_or_default()
    }

    /// The open `.triggered` events of a task, newest first.
    pub fn open(&self, task: &str) -> Vec<Value> {
        let path = format!(
            "/api/controlPlane/v1/event/triggered/sh.keptn.event.{task}.triggered?project=tour&pageSize=1000"
        );
        let (code, body) = self.get(&path);
        assert_eq!(code, 200, "{body}");
        body["events"].as_array().cloned().unwrap_or_default()
    }

    /// The open approvals, oldest first, as Tidegate lists them.
    pub fn approvals(&self) -> Vec<Value> {
        let (code, body) = self.get("/api/tidegate/v1/approvals?state=open&limit=1000");
        assert_eq!(code, 200, "{body}");
        body["approvals"].as_array().cloned().unwrap_or_default()
    }

    /// Delivers `image` up to production's approval and returns the approval's id.
    pub fn wait_at_approval(&self, image: &str) -> String {
        let context = self.deliver(image);
        for task in ["deployment", "test"] {
            let open = self.open(task);
            let mine = open.iter().find(|event| event["shkeptncontext"] == *context).expect("open");
            self.post("/api/v1/event", &answer(mine, "started", &json!({})));
            self.post("/api/v1/event", &answer(mine, "finished", &pass()));
        }
        let approval = self.open("approval");
        let mine = approval.iter().find(|event| event["shkeptncontext"] == *context);
        mine.expect("it waits")["id"].as_str().expect("an id").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(
    data: &Path,
    config: Option<&Path>,
    log: Option<&Path>,
    listen: SocketAddr,
) -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["serve", "--listen", &listen.to_string(), "--data-dir"]).arg(data);
    match config {
        Some(config) => command.arg("--config").arg(config),
        // Or it would lie beside the directory, and stay there.
        None => command
            .env("TIDEGATE_AUDIT_KEY", data.join("audit-key"))
            .env("TIDEGATE_UPSTREAM_KEY", data.join("upstream-key")),
    };
    if let Some(log) = log {
        let file = std::fs::File::options().create(true).append(true).open(log);
        command.stderr(file.expect("there is room"));
    }
    let mut child = command
        .env("TIDEGATE_API_TOKEN", TOKEN)
        .env("TIDEGATE_LOG", if log.is_some() { "trace" } else { "error" })
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let address = listens(&mut child);
    (child, address.expect("it says where it listens"))
}

/// Where a server listens whose standard output is piped; none where it ends before it says so.
pub fn listens(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let rest = line.split_once("http://")?.1;
        rest.split(['/', ' ']).next()?.parse().ok()
    });
    // Somebody must keep reading, or the server blocks on a full pipe one day.
    std::thread::spawn(move || lines.for_each(drop));
    address
}

/// The trigger of a delivery to `qa`.
pub fn delivery(image: &str) -> Value {
    json!({
        "type": "sh.keptn.event.qa.delivery.triggered",
        "source": "test",
        "data": {"project": "tour", "stage": "qa", "service": "hello",
            "labels": {"image": image},
            "configurationChange": {"values": {"image": image}}},
    })
}

pub fn pass() -> Value {
    json!({"result": "pass", "status": "succeeded"})
}

/// An executor's answer to a `.triggered` event. The id is derived from what it answers, so that the
/// same answer sent twice is the same answer.
pub fn answer(triggered: &Value, phase: &str, more: &Value) -> Value {
    let kind = triggered["type"].as_str().expect("a type").replace("triggered", phase);
    let mut data = json!({});
    for key in ["project", "stage", "service"] {
        data[key] = triggered["data"][key].clone();
    }
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        data[key] = value;
    }
    let id = triggered["id"].as_str().expect("an id");
    let digit = if phase == "started" { "a" } else { "b" };
    json!({
        "type": kind,
        "source": "test-executor",
        "id": format!("{digit}{}", &id[1..]),
        "shkeptncontext": triggered["shkeptncontext"],
        "triggeredid": id,
        "data": data,
    })
}

pub fn post(address: SocketAddr, path: &str, body: &Value) -> Option<(u16, Value)> {
    let headers = [("x-token", TOKEN), ("content-type", "application/json")];
    let answer = request(address, "POST", path, &headers, body.to_string().as_bytes())?;
    Some(answer.json())
}

/// An HTTP answer.
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> (u16, Value) {
        (self.code, serde_json::from_slice(&self.body).unwrap_or(Value::Null))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| {
            line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        })?;
        line.split_once(':').map(|(_, value)| value.trim())
    }
}

/// One request on a connection of its own. None where the connection broke before the whole answer
/// was there.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).ok()?;
    // A server that refuses early may close before the body is through; its answer still counts.
    drop(stream.write_all(body));
    let mut raw = Vec::new();
    let read = stream.read_to_end(&mut raw);
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..split]).into_owned();
    let code = head.split_whitespace().nth(1)?.parse().ok()?;
    let mut answer = Answer { code, head, body: raw[split + 4..].to_vec() };
    match answer.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if answer.body.len() < length => return None,
        Some(_) => {}
        None if answer.header("transfer-encoding").is_some() => {
            read.ok()?;
            answer.body = unchunk(&answer.body)?;
        }
        None => {
            read.ok()?;
        }
    }
    Some(answer)
}

fn unchunk(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(raw.get(end + 2..end + 2 + size)?);
        raw = raw.get(end + 4 + size..)?;
    }
}

/// A call of plain Git by `ada`, whose own configuration does not count.
pub fn git(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")])
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .expect("git is there")
}

/// Waits until `ready` gives something. Used only where the server offers nothing to wait on.
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "gave up waiting for {what}");
        std::thread::yield_now();
    }
}

/// A number from the environment, for runs that are longer or repeat another one.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator of numbers from a seed, for tests that want chance they can repeat.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// An index below `length`.
    pub fn below(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).expect("it is below a length")
    }
}
