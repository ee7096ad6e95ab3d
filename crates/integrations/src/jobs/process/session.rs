//! What a job leaves running.
//!
//! A supervisor leads a session, and everything that its program starts is in it, also in process
//! groups of its own. When the job has ended, all of that ends. A program that leaves the session
//! itself (`setsid`) stays: that is how a deployment starts a service that outlives it.

use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};

use super::record::Started;

/// How often we look again for processes that are still there.
const ROUNDS_MAX: usize = 200;
/// How long a killed process is given between two looks.
const ROUND: Duration = Duration::from_millis(5);

/// Where process ids mean the same thing: this boot and this namespace.
pub(super) fn machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), namespace.display())
}

/// Ends everything in the caller's own session but the caller, and collects what ended.
pub(super) fn end_own() {
    let own = getpid();
    for _ in 0..ROUNDS_MAX {
        let living = kill_members(own);
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if living == 0 {
            return;
        }
        std::thread::sleep(ROUND);
    }
}

/// Ends what a supervisor that was killed has left behind. Does nothing where its process id may
/// mean something else by now.
pub(super) fn end_orphans(of: &Started) {
    let Some(leader) = Pid::from_raw(of.pid).filter(|_| of.machine == machine()) else { return };
    for _ in 0..ROUNDS_MAX {
        // A supervisor frees its lock a moment before it is dead. One that stays alive is another
        // process with its number.
        let alive = session_of(leader).is_some();
        if !alive && kill_members(leader) == 0 {
            return;
        }
        std::thread::sleep(ROUND);
    }
}

/// Sends SIGKILL to the living members of a session, and tells how many there were.
fn kill_members(session: Pid) -> usize {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let own = getpid();
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let others = pids.filter_map(Pid::from_raw).filter(|pid| *pid != own);
    let members = others.filter(|pid| session_of(*pid) == Some(session));
    members.filter(|pid| kill_process(*pid, Signal::KILL) != Err(Errno::SRCH)).count()
}

/// The session of a process; none where it is dead.
fn session_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    // pid (name) state ppid pgrp session …; the name may hold anything, also a parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let session = fields.nth(2)?;
    if matches!(state, "Z" | "X") { None } else { Pid::from_raw(session.parse().ok()?) }
}
