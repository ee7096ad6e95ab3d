//! A real Prometheus on a server.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::files::root;
use crate::support::{request, until};

/// A program of Prometheus, which the tests do not bring along.
pub(crate) fn tool(name: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    assert!(there, "there is no {name} on this machine; `cargo xtask setup` installs it");
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

/// It asks every half second. Ended when dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Prometheus {
    /// Watches a server by the rules of the repository, with no patience for approvals.
    pub(crate) fn watch(server: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path();
        let rules = fs::read_to_string(root().join("deploy/prometheus/tidegate.rules.yaml"));
        let rules = rules.expect("the rules").replace("> 4 * 3600\n        for: 5m", "> 0");
        assert!(rules.contains("(tidegate_approval_oldest_seconds) > 0\n        labels"));
        fs::write(folder.join("tidegate.rules.yaml"), rules).expect("there is room");
        let config = format!(
            "global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}\n\
             rule_files: [tidegate.rules.yaml]\n\
             scrape_configs:\n  - {{job_name: tidegate, static_configs: [{{targets: ['{server}']}}]}}\n"
        );
        fs::write(folder.join("prometheus.yaml"), config).expect("there is room");
        let (child, address) = spawn(folder);
        Self { child, address, _directory: directory }
    }

    /// The alerts that are pending or firing.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let Some(answer) = request(self.address, "GET", "/api/v1/alerts", &[], b"") else {
            return Vec::new();
        };
        answer.json().1["data"]["alerts"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(folder: &Path) -> (Child, SocketAddr) {
    // It does not say which port it was given, so one is chosen that is free at the moment.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a port");
    let log = fs::File::create(folder.join("log")).expect("there is room");
    let mut command = tool("prometheus");
    command
        .arg(format!("--config.file={}", folder.join("prometheus.yaml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(log);
    let mut child = command.spawn().expect("prometheus starts");
    until("Prometheus to be ready", || {
        if let Ok(Some(status)) = child.try_wait() {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("Prometheus ended with {status}: {log}");
        }
        let answer = request(address, "GET", "/-/ready", &[], b"")?;
        (answer.code == 200).then_some(())
    });
    (child, address)
}
