//! The command line as people and scripts use it: the real program against a real server.

mod evaluation;
mod examples;
mod gate;
mod pages;
mod scene;
mod shells;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod watch;
