//! Very many approvals that wait: what one more costs, and how much memory.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::delivery::{APPROVALS, repeat};
use super::fixture::Directory;
use super::goal::{Amount, Latency};
use super::table::Figure;
use super::{Bench, bridge};
use crate::server::Server;

/// A thousand services: more than most have, and more than fit into a cache.
const LANES: usize = 1000;
const EACH: Latency = Latency::TailOverFloor(Duration::from_millis(50));
/// What SQLite's page caches may take, in MB: 6 to write, 4 times 1 to read, and what comes with them.
const CACHES: f64 = 12.0;

pub(crate) fn measure(bench: &mut Bench) -> Result<()> {
    let (many, lane) = (bench.scale.waiting, bench.scale.lane);
    let empty = {
        let directory = bench.project("waiting")?;
        rows(bench, &directory, "none waiting", None)?
    };
    let directory = bench.with_waiting(many, LANES)?;
    bench.disk()?;
    rows(bench, &directory, &format!("{many} waiting"), Some(empty))?;
    bridge::measure(bench, &directory)?;
    drop(directory);
    let directory = bench.with_waiting(lane, 1)?;
    bench.disk()?;
    rows(bench, &directory, &format!("{lane} in one lane"), Some(empty)).map(drop)
}

/// Answers the memory, in MB.
fn rows(bench: &mut Bench, directory: &Directory, when: &str, empty: Option<f64>) -> Result<f64> {
    let server = Server::start(&bench.binary, directory.path())?;
    let mut client = server.connect()?;
    let duration = bench.scale.row / 2;
    let mut one_more = || client.trigger("gate", "lane-0").map(|_| Some(()));
    let opened = repeat(duration, &mut one_more)?;
    let mut waits = client.open_approvals()?;
    let seen = waits.last().context("approvals wait")?.clone();
    let decided = repeat(duration, || {
        let Some(id) = waits.pop() else { return Ok(None) };
        client.approve(&id).map(Some)
    })?;
    let list = format!("{APPROVALS}?state=open");
    let listed = repeat(duration, || client.get(&list).map(|_| Some(())))?;
    let one = format!("{APPROVALS}/{seen}");
    let shown = repeat(duration, || client.get(&one).map(|_| Some(())))?;
    let resident = server.resident()?;
    let row = |what: &str| format!("{what}, {when}");
    bench.latency(&row("open one more"), opened, EACH)?;
    bench.latency(&row("decide one"), decided, EACH)?;
    bench.latency(&row("list the first page"), listed, EACH)?;
    bench.latency(&row("show one"), shown, EACH)?;
    let goal = empty.map_or(Amount::None, |empty| Amount::AtMost(empty + CACHES));
    bench.table.row(&row("memory"), &Figure::Amount(resident, "MB", goal));
    Ok(resident)
}
