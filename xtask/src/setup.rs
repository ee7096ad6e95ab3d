//! `cargo xtask setup`: installs what the tests need, or says exactly how to.

mod host;
mod node_modules;
mod python;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use host::Host;
use tool::{Found, SHELLS, TOOLS, Tool};

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

/// What is to be run beside the tests, hence what they need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The browser checks.
    pub(crate) browser: bool,
    /// The API is fuzzed.
    pub(crate) fuzzing: bool,
    /// The tour is taken.
    pub(crate) tour: bool,
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
    /// Whether something that fuzzing needs is among what is missing.
    pub(crate) fuzzing_missing: bool,
    /// Whether something that the tour needs is among what is missing.
    pub(crate) tour_missing: bool,
}

/// The program that fuzzes the API, once it is installed.
pub(crate) fn schemathesis(workspace: &Workspace) -> PathBuf {
    python::SCHEMATHESIS.program(workspace)
}

/// The programs that the tour is taken with, as they are called.
pub(crate) struct TourPrograms {
    pub(crate) prometheus: String,
    pub(crate) alertmanager: String,
    pub(crate) locust: PathBuf,
}

/// Looks for what the tour needs and installs what is missing.
///
/// # Errors
/// What is missing still: a sentence each, with the line that installs it.
pub(crate) fn tour_programs(workspace: &Workspace) -> Result<TourPrograms, Vec<String>> {
    let mut host = Host::detect();
    let mut missing = Vec::new();
    let mut program = |name: &str| {
        let tool = TOOLS.iter().find(|tool| tool.name == name).expect("it is on the list");
        obtain(&mut host, tool).map_err(|why| missing.push(why)).unwrap_or_default()
    };
    let (prometheus, alertmanager) = (program(tool::PROMETHEUS), program(tool::ALERTMANAGER));
    missing.extend(obtain_python(&mut host, python::LOCUST, workspace));
    let locust = python::LOCUST.program(workspace);
    if missing.is_empty() {
        Ok(TourPrograms { prometheus, alertmanager, locust })
    } else {
        Err(missing)
    }
}

pub(crate) fn run(args: &Args, workspace: &Workspace) -> Result<ExitCode> {
    let ready = prepare(workspace, Needs { browser: !args.no_browser, fuzzing: true, tour: true });
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
    for tool in TOOLS.iter().filter(|tool| needs.browser || !tool.only_browser) {
        match obtain(&mut host, tool) {
            Ok(program) if tool.name == tool::CHROMIUM => ready.chromium = Some(program),
            Ok(_) => {}
            Err(missing) => {
                ready.missing.push(missing);
                ready.browser_missing |= tool.only_browser;
                ready.tour_missing |= [tool::PROMETHEUS, tool::ALERTMANAGER].contains(&tool.name);
            }
        }
    }
    for tool in SHELLS {
        if let Err(missing) = obtain(&mut host, tool) {
            println!("passed over: {missing}");
        }
    }
    if needs.fuzzing {
        let missing = obtain_python(&mut host, python::SCHEMATHESIS, workspace);
        ready.fuzzing_missing = !missing.is_empty();
        ready.missing.extend(missing);
    }
    if needs.tour {
        let mut missing = obtain_python(&mut host, python::LOCUST, workspace);
        ready.tour_missing |= !missing.is_empty();
        // Python may have been missing before.
        missing.retain(|one| !ready.missing.contains(one));
        ready.missing.extend(missing);
    }
    if needs.browser && !ready.browser_missing {
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

/// Installs a program that is written in Python. What is missing, where it cannot be.
fn obtain_python(
    host: &mut Host,
    program: python::Environment,
    workspace: &Workspace,
) -> Vec<String> {
    let tools = [&python::PYTHON, &python::VENV].into_iter();
    let missing: Vec<_> = tools.filter_map(|tool| obtain(host, tool).err()).collect();
    if missing.is_empty() { program.obtain(workspace).err().into_iter().collect() } else { missing }
}

/// The program of a tool, which is installed where it is missing and that is possible; otherwise what is
/// missing, with the line that installs it.
fn obtain(host: &mut Host, tool: &Tool) -> Result<String, String> {
    let mut found = tool.find();
    if matches!(found, Found::No { .. }) && host.install(tool) {
        found = tool.find();
    }
    match found {
        Found::Yes { program, version } => {
            println!("found: {} {version}", tool.name);
            Ok(program)
        }
        Found::No { why, outdated } => {
            Err(format!("{} ({why}): {}", tool.name, host.remedy(tool, outdated)))
        }
    }
}
