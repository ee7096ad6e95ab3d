//! `tidegate hook`: what `git` calls while somebody pushes.

use std::env;
use std::io::{stderr, stdin};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use tidegate_resources::hosting::hook;

/// The hooks of `githooks(5)`.
#[derive(Subcommand)]
pub(crate) enum Hook {
    /// Before a push counts: whatever this writes, the client shows
    PreReceive,
}

pub(crate) fn run(hook: &Hook) -> anyhow::Result<ExitCode> {
    match hook {
        Hook::PreReceive => {
            let repository = env::var_os("GIT_DIR").map(PathBuf::from);
            let repository = repository.context("GIT_DIR is not set: this is for git to call")?;
            let quarantine = env::var_os("GIT_QUARANTINE_PATH").map(PathBuf::from);
            let input = stdin().lock();
            let accepted =
                hook::pre_receive(&repository, quarantine.as_deref(), input, stderr().lock())?;
            Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
