//! Jobs with real processes: this binary plays the supervisor and the server as well.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod process;
mod recovery;
mod runner;
mod support;
