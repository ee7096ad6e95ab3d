//! A real Prometheus and a real Alertmanager, as somebody has set them up who watches with them.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::pace::Pace;
use crate::bench::bridge::encoded;
use crate::connection::Connection;
use crate::server::TOKEN;
use crate::setup::TourPrograms;

/// How long a program may take until it answers.
const START_TIME_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A program that is killed when it is dropped.
pub(super) struct Running(Child);

impl Running {
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn();
        Ok(Self(child.with_context(|| format!("cannot start {command:?}"))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Who watches.
pub(super) struct Watch {
    prometheus: SocketAddr,
    _running: [Running; 2],
}

/// What they are set up with.
pub(super) struct Setting<'a> {
    pub(super) programs: &'a TourPrograms,
    /// Where they keep what they need.
    pub(super) home: PathBuf,
    /// The directory that the server writes into.
    pub(super) written: &'a Path,
    /// The server.
    pub(super) server: SocketAddr,
    /// What a name within a cluster stands for here.
    pub(super) names: Vec<(String, SocketAddr)>,
    pub(super) pace: Pace,
}

impl Watch {
    /// Returns when both answer.
    pub(super) fn start(setting: &Setting<'_>) -> Result<Self> {
        let Setting { programs, home, written, server, names, pace } = setting;
        fs::create_dir_all(home)?;
        let (prometheus, alertmanager) = (free_port()?, free_port()?);
        let config = home.join("prometheus.yaml");
        fs::write(&config, prometheus_config(written, alertmanager, names, *pace))?;
        let mut command = Command::new(&programs.prometheus);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", home.join("prometheus").display()))
            .arg(format!("--web.listen-address={prometheus}"))
            // Who has written rules may say so.
            .arg("--web.enable-lifecycle");
        let mut first = Running::start(&mut command, &home.join("prometheus.log"))?;
        let config = home.join("alertmanager.yaml");
        fs::write(&config, alertmanager_config(*server, *pace))?;
        let mut command = Command::new(&programs.alertmanager);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", home.join("alertmanager").display()))
            .arg(format!("--web.listen-address={alertmanager}"))
            .arg("--cluster.listen-address=");
        let mut second = Running::start(&mut command, &home.join("alertmanager.log"))?;
        for (name, running, address) in
            [("prometheus", &mut first, prometheus), ("alertmanager", &mut second, alertmanager)]
        {
            wait_for(name, running, address, &home.join(format!("{name}.log")))?;
        }
        Ok(Self { prometheus, _running: [first, second] })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.prometheus
    }

    /// The values of a query, now.
    pub(super) fn values(&self, query: &str) -> Result<Vec<f64>> {
        let path = format!("/api/v1/query?query={}", encoded(query));
        let answer = Connection::open(self.prometheus)?.send("GET", &path, "", "")?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        ensure!(answer["status"] == "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().context("no list")?;
        let value = |one: &Value| one["value"][1].as_str()?.parse().ok();
        Ok(series.iter().filter_map(value).collect())
    }

    /// Waits until a query has this many values, and all of them are right.
    pub(super) fn until(
        &self,
        query: &str,
        count: usize,
        patience: Duration,
        right: impl Fn(f64) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let values = self.values(query)?;
            if values.len() == count && values.iter().all(|value| right(*value)) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{query} stays {values:?}");
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

fn free_port() -> Result<SocketAddr> {
    // Neither program says which port it was given, so one is chosen that is free at the moment.
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(name: &str, running: &mut Running, address: SocketAddr, log: &Path) -> Result<()> {
    let deadline = Instant::now() + START_TIME_MAX;
    loop {
        let answer = Connection::open(address)
            .and_then(|mut connection| connection.send("GET", "/-/ready", "", ""));
        if answer.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        let ended = running.0.try_wait()?;
        if ended.is_some() || Instant::now() >= deadline {
            let said = fs::read_to_string(log).unwrap_or_default();
            bail!("{name} does not answer: {said}");
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// One job for all that the server writes: each target brings its own name and times.
fn prometheus_config(
    written: &Path,
    alertmanager: SocketAddr,
    names: &[(String, SocketAddr)],
    pace: Pace,
) -> String {
    let written = written.display();
    let interval = pace.of(Duration::from_secs(5)).as_millis();
    let mut text = format!(
        "global:\n  scrape_interval: {interval}ms\n  scrape_timeout: {interval}ms\n  \
         evaluation_interval: {interval}ms\n\
         rule_files: ['{written}/rules/*.yaml']\n\
         alerting:\n  alertmanagers:\n    - static_configs: [{{targets: ['{alertmanager}']}}]\n\
         scrape_configs:\n  - job_name: tidegate\n    \
         file_sd_configs: [{{files: ['{written}/targets/*.json']}}]\n    relabel_configs:\n"
    );
    for (name, address) in names {
        let name = name.replace('.', "\\.");
        text.push_str(&format!(
            "      - {{source_labels: [__address__], regex: '{name}', target_label: __address__, \
             replacement: '{address}'}}\n"
        ));
    }
    text
}

/// Keptn's own times, shortened.
fn alertmanager_config(server: SocketAddr, pace: Pace) -> String {
    let wait = pace.of(Duration::from_secs(10)).as_millis();
    let again = pace.of(Duration::from_secs(60)).as_millis();
    format!(
        "route:\n  receiver: tidegate\n  group_by: [alertname, project, stage, service]\n  \
         group_wait: {wait}ms\n  group_interval: {wait}ms\n  repeat_interval: {again}ms\n\
         receivers:\n  - name: tidegate\n    webhook_configs:\n      \
         - url: http://{server}/api/tidegate/v1/alertmanager\n        send_resolved: true\n        \
         http_config: {{basic_auth: {{username: alertmanager, password: {TOKEN}}}}}\n"
    )
}
