//! `tidegate hello stop`, and stopping one process.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::slot::{Record, Slot, State};

/// How long a process may take to stop before it is made to.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

pub(super) fn run(state: &Path) -> anyhow::Result<ExitCode> {
    for record in stop_all(&State::open(state)?)? {
        super::say(&format!("{}: {} {} stopped", record.stage, record.service, record.version));
    }
    Ok(ExitCode::SUCCESS)
}

/// Stops what runs, in every stage, and says what did.
///
/// # Errors
/// A process did not stop.
pub(crate) fn stop_all(state: &State) -> anyhow::Result<Vec<Record>> {
    let mut stopped = Vec::new();
    for stage in state.stages()? {
        let slot = state.slot(&stage);
        let _turn = slot.turn()?;
        let record = slot.running()?;
        if stop(&slot)? {
            stopped.extend(record);
        }
    }
    Ok(stopped)
}

/// Stops the process of a stage and waits for its end: SIGTERM first, SIGKILL when that takes too
/// long. The caller has the turn. False where nothing ran.
pub(super) fn stop(slot: &Slot) -> anyhow::Result<bool> {
    let Some(pid) = slot.holder()? else { return Ok(false) };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(true),
        Err(error) => return Err(error).context("cannot watch the running process"),
    };
    // The handle means the holder for certain only if that still holds the lock; else it has ended.
    if slot.holder()? != Some(pid) {
        return Ok(true);
    }
    for signal in [Signal::TERM, Signal::KILL] {
        match pidfd_send_signal(&handle, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => return Err(error).context("cannot stop the running process"),
        }
        let mut watched = [PollFd::new(&handle, PollFlags::IN)];
        let ended = loop {
            match poll(&mut watched, Some(&PATIENCE)) {
                Err(Errno::INTR) => {}
                other => break other.context("cannot wait for the running process")?,
            }
        };
        if ended > 0 {
            return Ok(true);
        }
    }
    bail!("process {} of {} does not stop", pid.as_raw_nonzero(), slot.stage())
}
