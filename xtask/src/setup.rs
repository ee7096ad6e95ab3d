//! `cargo xtask setup`: installs what the tests need, or says exactly how to.

mod host;
mod node_modules;
mod tool;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use host::Host;
use tool::{Found, TOOLS};

/// Install what the tests need, or name what is missing and the line that installs it
///
/// On Debian and Ubuntu, as root or with a `sudo` that asks no password, missing tools are installed.
/// Elsewhere each one is named with the line that installs it. Exits with 1 if anything is missing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what only the browser checks need
    #[arg(long)]
    no_browser: bool,
}

/// How much of the tests is to be run, hence what they need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// All of them.
    Everything,
    /// All but the browser checks.
    NoBrowser,
}

/// What `prepare` found or made.
#[derive(Default)]
pub(crate) struct Ready {
    /// The Chromium to drive, if one works.
    pub(crate) chromium: Option<String>,
    /// What is still missing: a sentence each, with the line that installs it.
    pub(crate) missing: Vec<String>,
    /// Whether something the browser checks need is among what is missing.
    pub(crate) browser_missing: bool,
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let needs = if args.no_browser { Needs::NoBrowser } else { Needs::Everything };
    let ready = prepare(workspace, needs);
    for missing in &ready.missing {
        println!("missing: {missing}");
    }
    let complete = ready.missing.is_empty();
    println!("{}", if complete { "Ready." } else { "Not everything the tests need is there." });
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks for each tool, installs it where that is possible, and goes on to the next one either way.
pub(crate) fn prepare(workspace: &Workspace, needs: Needs) -> Ready {
    let mut host = Host::detect();
    let mut ready = Ready::default();
    let wanted = TOOLS.iter().filter(|tool| needs == Needs::Everything || !tool.only_browser);
    for tool in wanted {
        let mut found = tool.find();
        if matches!(found, Found::No { .. }) && host.install(tool) {
            found = tool.find();
        }
        match found {
            Found::Yes { program, version } => {
                println!("found: {} {version}", tool.name);
                if tool.name == tool::CHROMIUM {
                    ready.chromium = Some(program);
                }
            }
            Found::No { why, outdated } => {
                ready.missing.push(format!(
                    "{} ({why}): {}",
                    tool.name,
                    host.remedy(tool, outdated)
                ));
                ready.browser_missing |= tool.only_browser;
            }
        }
    }
    if needs == Needs::Everything && !ready.browser_missing {
        match node_modules::install(&workspace.browser_checks()) {
            Ok(()) => println!("found: the packages of tests/browser"),
            Err(why) => {
                ready.missing.push(format!(
                    "packages of tests/browser ({why:#}): cd tests/browser && npm ci"
                ));
                ready.browser_missing = true;
            }
        }
    }
    ready
}
