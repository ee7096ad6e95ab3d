//! What a project with files elsewhere costs whoever triggers: nothing, while that place answers and
//! while it does not.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_gitserver::{GitServer, Mode, Options};

use super::Bench;
use super::delivery::repeat;
use super::fixture::Directory;
use super::goal::Latency;
use crate::connection::Connection;
use crate::server::Server;

/// The same, wherever the files are.
const TRIGGER: Latency = Latency::TailOverFloor(Duration::from_millis(3));

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    bench.disk()?;
    let here = bench.project("here")?;
    let server = Server::start(&bench.binary, here.path())?;
    let samples = triggers(&mut server.connect()?, bench.scale.row)?;
    bench.latency("trigger, files here", samples, TRIGGER)?;
    drop(server);
    let root = Directory::make(&bench.data, "elsewhere")?;
    let elsewhere = GitServer::start(root.path(), Options::default())?;
    elsewhere.make("bench", "main");
    let directory = Directory::make(&bench.data, "far")?;
    let server = Server::start(&bench.binary, directory.path())?;
    server.connect()?.create_project_at(Some(&elsewhere.url("bench")))?;
    let mut client = server.connect()?;
    let samples = triggers(&mut client, bench.scale.row)?;
    bench.latency("trigger, files elsewhere", samples, TRIGGER)?;
    for (mode, name) in [
        (Mode::HangUp, "trigger, elsewhere hangs up"),
        (Mode::Silent, "trigger, elsewhere says nothing"),
    ] {
        elsewhere.set(mode);
        let samples = triggers(&mut client, bench.scale.row)?;
        bench.latency(name, samples, TRIGGER)?;
    }
    elsewhere.set(Mode::HangUp);
    Ok(())
}

/// Sequences that nobody executes, each of a service of its own.
fn triggers(client: &mut Connection, duration: Duration) -> Result<Vec<Duration>> {
    let (mut samples, start) = (Vec::new(), Instant::now());
    while samples.is_empty() || start.elapsed() < duration {
        let service = format!("triggered-{}", samples.len());
        samples.extend(repeat(Duration::ZERO, || {
            client.trigger("start", &service).map(|_| Some(()))
        })?);
    }
    Ok(samples)
}
