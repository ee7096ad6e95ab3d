//! Tasks in a second with 64 in flight: 64 connections, each with one chain of tasks at a time in a
//! lane of its own. A task is what its executor does: ask for it, `.started`, `.finished`. The clients
//! share the machine with the server.

use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::goal::Amount;
use super::table::Figure;
use crate::server::Server;

const IN_FLIGHT: usize = 64;

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    let directory = bench.project("flight")?;
    let server = Server::start(&bench.binary, directory.path())?;
    let begun = Instant::now();
    let end = begun + bench.scale.row;
    let tasks: usize = thread::scope(|scope| {
        let server = &server;
        let start = |lane| scope.spawn(move || chains(server, lane, end));
        let lanes: Vec<_> = (0..IN_FLIGHT).map(start).collect();
        let ended = lanes.into_iter().map(|lane| match lane.join() {
            Ok(tasks) => tasks,
            Err(_) => bail!("a client panicked"),
        });
        ended.sum::<Result<usize>>()
    })?;
    let rate = tasks as f64 / begun.elapsed().as_secs_f64();
    bench
        .table
        .row("tasks over HTTP, 64 in flight", &Figure::Amount(rate, "tasks/s", Amount::None));
    Ok(())
}

/// How many tasks were done in this lane.
fn chains(server: &Server, lane: usize, end: Instant) -> Result<usize> {
    let (mut client, service) = (server.connect()?, format!("flight-{lane}"));
    let mut tasks = 0;
    while Instant::now() < end {
        let open = match client.open_task("step", &service)? {
            Some(open) => open,
            None => {
                client.trigger("chain", &service)?;
                client.open_task("step", &service)?.context("the first task is triggered")?
            }
        };
        client.answer_task(&open, "started")?;
        client.answer_task(&open, "finished")?;
        tasks += 1;
    }
    Ok(tasks)
}
