//! A whole installation in one thread: the real loop of the engine on a store in memory, people and
//! executors on a bad network, and everything that can go wrong, from one seed.
//!
//! Invariants: the same seed is the same run, line by line; nothing here waits for real time; no server
//! depends on this crate.

mod agenda;
mod check;
mod clocks;
mod drain;
mod executors;
mod faulty;
mod jobs;
mod nature;
mod people;
mod plan;
mod random;
mod repositories;
mod request;
mod run;
mod server;
mod shipyards;
mod trace;
mod world;

pub use run::{Broken, Report, Telling, run};
