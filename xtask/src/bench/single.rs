//! One client, one connection, one request at a time: start, memory, and the way from an answer to
//! what follows.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Bench;
use super::delivery::{APPROVALS, repeat};
use super::goal::{Amount, Latency};
use super::table::Figure;
use crate::connection::Connection;
use crate::server::Server;

/// One commit for each input.
const ONE_COMMIT: Latency =
    Latency::OverFloor(Duration::from_micros(400), Duration::from_millis(3));
const START: Latency = Latency::Tail(Duration::from_millis(100));
const STARTS: usize = 10;
/// MB
const IDLE_MAX: f64 = 30.0;

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    bench.disk()?;
    let directory = bench.project("single")?;
    let mut starts = Vec::new();
    for round in 0..STARTS {
        let begun = Instant::now();
        let server = Server::start(&bench.binary, directory.path())?;
        server.connect()?.trigger("start", &format!("start-{round}"))?;
        starts.push(begun.elapsed());
    }
    bench.latency("exec to the first durable answer", starts, START)?;
    let server = Server::start(&bench.binary, directory.path())?;
    let mut client = server.connect()?;
    client.get("/api/v1/metadata")?;
    let idle = server.resident()?;
    bench.table.row("memory, idle", &Figure::Amount(idle, "MB", Amount::AtMost(IDLE_MAX)));
    let finished = tasks(&mut client, bench.scale.row)?;
    bench.latency(".finished to the next .triggered, over HTTP", finished, ONE_COMMIT)?;
    let decided = decisions(&mut client, bench.scale.row)?;
    bench.latency("decision to the next .triggered, over HTTP", decided, ONE_COMMIT)?;
    let used = server.resident()?;
    bench.table.row("memory, after these rows", &Figure::Amount(used, "MB", Amount::None));
    Ok(())
}

/// Sequences of twenty tasks, executed one after the other.
fn tasks(client: &mut Connection, duration: Duration) -> Result<Vec<Duration>> {
    let (mut samples, start) = (Vec::new(), Instant::now());
    while samples.is_empty() || start.elapsed() < duration {
        client.trigger("chain", "single")?;
        while let Some(open) = client.open_task("step", "single")? {
            client.answer_task(&open, "started")?;
            samples.push(client.answer_task(&open, "finished")?);
        }
    }
    Ok(samples)
}

/// Approvals, each followed by one task.
fn decisions(client: &mut Connection, duration: Duration) -> Result<Vec<Duration>> {
    let (mut samples, start) = (Vec::new(), Instant::now());
    while samples.is_empty() || start.elapsed() < duration {
        let service = format!("gate-{}", samples.len());
        client.trigger("gate", &service)?;
        let open = client.open_task("approval", &service)?.context("the approval waits")?;
        let id = open["id"].as_str().context("an id")?;
        samples.extend(repeat(Duration::ZERO, || client.approve(id).map(Some))?);
    }
    // What was decided is seen at once.
    client.get(&format!("{APPROVALS}?state=open&limit=1"))?;
    Ok(samples)
}
