//! `tidegate hello check`

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::json;
use tidegate_core::names::StageName;

use super::say;
use super::slot::State;
use crate::request::get;

/// What is asked, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Ask this address
    #[arg(long, value_name = "URL", conflicts_with = "stage", required_unless_present = "stage")]
    url: Option<String>,
    /// Ask what runs in this stage
    #[arg(long, value_name = "NAME", requires = "state")]
    stage: Option<StageName>,
    /// Where the state of all stages is kept
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests: u32,
    /// Write what was measured to this file as JSON, with the directories above it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let Options { url, stage, state, requests, report: file } = options;
    let address = match (url, stage, state) {
        (Some(url), ..) => address_of(&url)?,
        (None, Some(stage), Some(state)) => match State::open(&state)?.slot(&stage).running()? {
            Some(record) => record.address,
            None => bail!("nothing runs in {stage}"),
        },
        _ => bail!("give --url, or --stage and --state"),
    };
    let (times, failures) = ask(address, requests);
    if let Some(file) = file {
        write(&file, &times, &failures)?;
    }
    say(&format!("{requests} requests to http://{address}/"));
    for line in report(times, &failures) {
        say(&line);
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How long each good answer took, and what was wrong with the others.
fn ask(address: SocketAddr, requests: u32) -> (Vec<Duration>, Vec<String>) {
    let (mut times, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..requests {
        let begin = Instant::now();
        match get(address, "/") {
            Ok((200, _)) => times.push(begin.elapsed()),
            Ok((status, _)) => failures.push(format!("status {status}")),
            Err(error) => failures.push(error.to_string()),
        }
    }
    (times, failures)
}

/// The same as JSON: times in milliseconds, where there is one.
fn write(file: &Path, times: &[Duration], failures: &[String]) -> anyhow::Result<()> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let ms = |percent| percentile(&sorted, percent).map(|time| time.as_secs_f64() * 1000.0);
    let report = json!({
        "answered": times.len(), "failed": failures.len(),
        "median_ms": ms(50), "p95_ms": ms(95), "slowest_ms": ms(100),
    });
    let cannot = || format!("cannot write {}", file.display());
    if let Some(above) = file.parent() {
        std::fs::create_dir_all(above).with_context(cannot)?;
    }
    std::fs::write(file, report.to_string()).with_context(cannot)
}

fn report(mut times: Vec<Duration>, failures: &[String]) -> Vec<String> {
    times.sort_unstable();
    let mut lines = vec![format!("  answered {:>8}", times.len())];
    lines.push(format!("  failed   {:>8}", failures.len()));
    for (name, percent) in [("median", 50), ("95 %", 95), ("slowest", 100)] {
        if let Some(time) = percentile(&times, percent) {
            lines.push(format!("  {name:<8} {:>8.2} ms", time.as_secs_f64() * 1000.0));
        }
    }
    lines.extend(failures.first().map(|first| format!("  first failure: {first}")));
    lines
}

/// The time within which so many percent were answered; of sorted times.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The address of `http://host:port/`.
fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let host = url.strip_prefix("http://").context("--url must begin with http://")?;
    let host = host.split('/').next().unwrap_or_default();
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut found = with_port.to_socket_addrs().with_context(|| format!("cannot find {host}"))?;
    found.next().with_context(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_failures_and_names_the_first() {
        let times = (1..=20).rev().map(Duration::from_millis).collect();
        let lines = report(times, &["status 500".to_owned(), "later".to_owned()]);
        assert_eq!(
            lines,
            [
                "  answered       20",
                "  failed          2",
                "  median      10.00 ms",
                "  95 %        19.00 ms",
                "  slowest     20.00 ms",
                "  first failure: status 500",
            ]
        );
        assert_eq!(report(Vec::new(), &[]).len(), 2, "no times, no percentiles");
    }

    #[test]
    fn an_address_is_taken_out_of_a_link() {
        for url in ["http://127.0.0.1:7071", "http://127.0.0.1:7071/a/b"] {
            assert_eq!(address_of(url).unwrap().to_string(), "127.0.0.1:7071", "{url}");
        }
        assert_eq!(address_of("http://127.0.0.1/").unwrap().port(), 80);
        assert!(address_of("127.0.0.1:7071").is_err());
    }

    #[test]
    fn an_address_where_nobody_answers_is_a_failure_of_every_request() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let (times, failures) = ask(address, 3);
        assert_eq!((times.len(), failures.len()), (0, 3));
    }
}
