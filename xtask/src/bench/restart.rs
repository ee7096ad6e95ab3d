//! `kill -9`, and how long until the next server decides again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Bench;
use super::goal::Latency;
use crate::server::Server;

const WAITING: usize = 2000;
const BACK: Latency = Latency::Tail(Duration::from_millis(300));

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    let directory = bench.with_waiting(WAITING, 100)?;
    let mut samples = Vec::new();
    let mut server = Server::start(&bench.binary, directory.path())?;
    for round in 0..bench.scale.kills {
        // As many wait every time, and there is something in the log to recover.
        let mut client = server.connect()?;
        client.trigger("gate", &format!("killed-{round}"))?;
        let waits = client.open_approvals()?;
        let id = waits.first().context("approvals wait")?;
        let begun = Instant::now();
        drop(server);
        server = Server::start(&bench.binary, directory.path())?;
        server.connect()?.approve(id)?;
        samples.push(begun.elapsed());
    }
    bench.latency("kill -9 to the next decision, 2,000 waiting", samples, BACK)
}
