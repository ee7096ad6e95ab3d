//! `cargo xtask pictures`: the pictures of the documents, taken anew.

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};

use crate::program;
use crate::setup::{self, Needs};
use crate::test;
use crate::workspace::Workspace;

/// Take the pictures of the documents anew, into docs/pictures
///
/// Drives the debug build in Chromium, as the browser checks do. Look at what has changed before you
/// commit it.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let ready = setup::prepare(workspace, Needs { browser: true, fuzzing: false, tour: false });
    let (Some(chromium), false) = (&ready.chromium, ready.browser_missing) else {
        bail!("what a browser needs is missing: run `cargo xtask setup`");
    };
    let build = program::stream(workspace.cargo().args(["build", "-p", "tidegate"]), |_| {})?;
    ensure!(build.success(), "the build failed");
    let mut node = test::browser_checks(workspace, chromium);
    node.args(["--filter", "picture: "]).env("TIDEGATE_PICTURES", "renew");
    let status = program::stream(&mut node, |_| {})?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
