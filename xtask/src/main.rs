//! Everything a contributor runs, as `cargo xtask COMMAND`: one command is one file.
//!
//! Invariants: nothing here is needed to build or run Tidegate itself; no command leaves a process
//! behind; what a command writes stays below Cargo's target directory, but for packages that `setup`
//! installs and says so, and for the pictures of the documents, which `pictures` renews.

// A tool for the terminal: what it prints is its purpose.
#![allow(clippy::print_stdout)]

mod bench;
mod connection;
mod fuzz;
mod mutants;
mod pictures;
mod program;
mod properties;
mod server;
mod setup;
mod sim;
mod test;
mod tour;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Everything a contributor runs")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Args),
    Test(test::Args),
    Bench(bench::Args),
    Fuzz(fuzz::Args),
    Mutants(mutants::Args),
    Pictures(pictures::Args),
    Properties(properties::Args),
    Sim(sim::Args),
    Tour(tour::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let workspace = Workspace::locate()?;
    match cli.command {
        Command::Setup(args) => setup::run(&args, &workspace),
        Command::Test(args) => test::run(&args, &workspace),
        Command::Bench(args) => bench::run(&args, &workspace),
        Command::Fuzz(args) => fuzz::run(&args, &workspace),
        Command::Mutants(args) => mutants::run(&args, &workspace),
        Command::Pictures(args) => pictures::run(&args, &workspace),
        Command::Properties(args) => properties::run(&args, &workspace),
        Command::Sim(args) => sim::run(&args, &workspace),
        Command::Tour(args) => tour::run(&args, &workspace),
    }
}
